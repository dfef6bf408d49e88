"""Who looks after people, roles, the audit and retention: the rules behind the pages and the commands alike."""
