"""The pages of administrators: people, roles, tokens, the audit, retention, whose modules add routes to the one
blueprint; incidents, jobs and timers, operations, which managers have too."""

from __future__ import annotations

from . import auditing, leaving, overview, people, person, retaining, roles, taking_in, token_list
from .access import blueprint

__all__ = [
    "auditing", "blueprint", "leaving", "overview", "people", "person", "retaining", "roles", "taking_in",
    "token_list",
]  # fmt: skip
