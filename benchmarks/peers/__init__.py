"""The two that `peer.py` compares: each does the same works in a process of its own, one of them at a time."""
