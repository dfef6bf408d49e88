"""The pages of managers and administrators: incidents, jobs and timers, operations."""
