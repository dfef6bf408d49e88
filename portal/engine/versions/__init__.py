"""Processes whose flow has changed under them: what no longer fits, and how it is moved."""
