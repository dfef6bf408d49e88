"""Example flows: each is a file to copy."""
