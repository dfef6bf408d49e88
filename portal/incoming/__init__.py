"""Mail that comes in: it starts a process, is a message for one, or answers a notice."""
