"""The rules for administering people, roles, the audit and retention, for pages and commands alike."""
