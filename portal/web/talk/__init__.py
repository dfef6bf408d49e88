"""Comments, attached files and notices."""
