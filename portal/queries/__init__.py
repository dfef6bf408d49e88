"""Reads for people. No Flask here: the session, the person and the filters are arguments."""

from .attention import Attention, attention
from .board import Column, board
from .candidates import how_many_could, who_could
from .figures import Figures, figures
from .paging import Page
from .processes import (
    EVENTS,
    PROCESS_ORDERS,
    Position,
    ProcessDetail,
    children,
    fill_in,
    last_event,
    places,
    processes,
    progress,
    story,
    task_events,
    timeline,
)
from .tasks import (
    ARCHIVE_ORDERS,
    EVERYTHING,
    ORDERS,
    Filters,
    archive,
    badges,
    chosen,
    inbox,
    late,
    next_at_step,
    next_in_inbox,
    next_in_process,
    queue,
    snoozed,
)
from .workers import workers_seen

__all__ = [
    "ARCHIVE_ORDERS",
    "EVENTS",
    "EVERYTHING",
    "ORDERS",
    "PROCESS_ORDERS",
    "Attention",
    "Column",
    "Figures",
    "Filters",
    "Page",
    "Position",
    "ProcessDetail",
    "archive",
    "attention",
    "badges",
    "board",
    "children",
    "chosen",
    "figures",
    "fill_in",
    "how_many_could",
    "inbox",
    "last_event",
    "late",
    "next_at_step",
    "next_in_inbox",
    "next_in_process",
    "places",
    "processes",
    "progress",
    "queue",
    "snoozed",
    "story",
    "task_events",
    "timeline",
    "who_could",
    "workers_seen",
]
