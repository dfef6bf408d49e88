"""Reads for people. No Flask here: the session, the person and the filters are arguments."""

from .attention import Attention, attention
from .beside import Beside, View, badges, saved_view
from .board import Column, board
from .candidates import how_many_could, who_could
from .figures import Figures, figures
from .filters import DUE, PROCESS_STATES, TASK_STATES, DataFilter, Filters, data_filter, steps_of
from .lists import (
    ARCHIVE_ORDERS,
    LISTS,
    ORDERS,
    PROCESS_ORDERS,
    archive,
    came_since,
    inbox,
    matching,
    queue,
    read,
)
from .paging import Page
from .processes import (
    EVENTS,
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
from .tasks import chosen, late, next_in_inbox, next_in_process
from .workers import workers_seen

__all__ = [
    "ARCHIVE_ORDERS",
    "DUE",
    "EVENTS",
    "LISTS",
    "ORDERS",
    "PROCESS_ORDERS",
    "PROCESS_STATES",
    "TASK_STATES",
    "Attention",
    "Beside",
    "Column",
    "DataFilter",
    "Figures",
    "Filters",
    "Page",
    "Position",
    "ProcessDetail",
    "View",
    "archive",
    "attention",
    "badges",
    "board",
    "came_since",
    "children",
    "chosen",
    "data_filter",
    "figures",
    "fill_in",
    "how_many_could",
    "inbox",
    "last_event",
    "late",
    "matching",
    "next_in_inbox",
    "next_in_process",
    "places",
    "processes",
    "progress",
    "queue",
    "read",
    "saved_view",
    "steps_of",
    "story",
    "task_events",
    "timeline",
    "who_could",
    "workers_seen",
]
