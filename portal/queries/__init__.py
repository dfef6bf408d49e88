"""Reads for people. No Flask here: the session, the person and the filters are arguments."""

from .acting import owners, whom_for
from .attention import Attention, attention
from .board import Column, board
from .candidates import how_many_could, who_could
from .figures import Figures, figures
from .notices import notices, unread
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
from .standing import Standing, standing
from .talk import Talk, talk
from .tasks import (
    ARCHIVE_ORDERS,
    EVERYTHING,
    ORDERS,
    Filters,
    archive,
    badges,
    chosen,
    due_tasks,
    inbox,
    late,
    next_at_step,
    next_in_inbox,
    next_in_process,
    one_task,
    queue,
    snoozed,
)
from .waiting import Waiting, waiting
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
    "Standing",
    "Talk",
    "Waiting",
    "archive",
    "attention",
    "badges",
    "board",
    "children",
    "chosen",
    "due_tasks",
    "figures",
    "fill_in",
    "how_many_could",
    "inbox",
    "last_event",
    "late",
    "next_at_step",
    "next_in_inbox",
    "next_in_process",
    "notices",
    "one_task",
    "owners",
    "places",
    "processes",
    "progress",
    "queue",
    "snoozed",
    "standing",
    "story",
    "talk",
    "task_events",
    "timeline",
    "unread",
    "waiting",
    "who_could",
    "whom_for",
    "workers_seen",
]
