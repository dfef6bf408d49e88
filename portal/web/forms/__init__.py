"""The forms of processes and artifacts: from a typed field or a column to its input, and the ready views."""
