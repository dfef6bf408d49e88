"""Reads for people. No Flask here: the session, the person and the filters are arguments."""

from .acting import owners, whom_for
from .attention import Attention, attention
from .beside import Beside, View, badges, saved_view
from .board import Column, board
from .candidates import how_many_could, who_could
from .figures import Figures, figures
from .filters import (
    DUE,
    EVERYTHING,
    PROCESS_STATES,
    TASK_STATES,
    DataFilter,
    Filters,
    data_filter,
    steps_of,
)
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
from .notices import notices, unread
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
from .reports import usual_time, usual_times
from .standing import Standing, standing
from .talk import Talk, talk
from .tasks import (
    chosen,
    due_tasks,
    late,
    next_at_step,
    next_in_inbox,
    next_in_process,
    one_task,
    snoozed,
)
from .workers import workers_seen

__all__ = [
    "ARCHIVE_ORDERS",
    "DUE",
    "EVENTS",
    "EVERYTHING",
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
    "Standing",
    "Talk",
    "View",
    "archive",
    "attention",
    "badges",
    "board",
    "came_since",
    "children",
    "chosen",
    "data_filter",
    "due_tasks",
    "figures",
    "fill_in",
    "how_many_could",
    "inbox",
    "last_event",
    "late",
    "matching",
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
    "read",
    "saved_view",
    "snoozed",
    "standing",
    "steps_of",
    "story",
    "talk",
    "task_events",
    "timeline",
    "unread",
    "usual_time",
    "usual_times",
    "who_could",
    "whom_for",
    "workers_seen",
]
