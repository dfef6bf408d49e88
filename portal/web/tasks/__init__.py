"""The pages of one task, its form, its actions, and the same actions on many tasks."""
