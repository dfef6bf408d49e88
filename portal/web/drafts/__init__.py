"""Drafts of forms: what was typed is kept until the form is accepted."""
