"""Reads for people. No Flask here: the session, the person and the filters are arguments."""

from .board import Column, board
from .paging import Page
from .processes import Place, Story, fill_in, last_event, places, processes, progress, story, timeline
from .tasks import Filters, archive, badges, chosen, inbox, late, next_in_inbox, next_in_process, queue

__all__ = [
    "Column",
    "Filters",
    "Page",
    "Place",
    "Story",
    "archive",
    "badges",
    "board",
    "chosen",
    "fill_in",
    "inbox",
    "last_event",
    "late",
    "next_in_inbox",
    "next_in_process",
    "places",
    "processes",
    "progress",
    "queue",
    "story",
    "timeline",
]
