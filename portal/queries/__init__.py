"""Reads for people. No Flask here: the session, the person and the filters are arguments."""

from .acting import owners, whom_for
from .attention import attention
from .beside import BADGES, badges, badges_and_talk, saved_view
from .board import MOST_ON_A_BOARD, board, counted
from .candidates import how_many_could, names_of_who_could, who_could
from .figures import figures
from .filters import (
    EVERYTHING,
    DataFilter,
    Filters,
    LeftOut,
    data_filter,
    steps_of,
)
from .listing import archive, came_since, how_many, ids, inbox, matching, queue, read, strange
from .lists import LISTS
from .notices import notices, unread
from .one_process import Course, Happened, Stop, course, history, names_in
from .paging import Page
from .processes import (
    EVENTS,
    ProcessDetail,
    alike,
    children,
    last_event,
    places,
    processes,
    story,
    task_events,
    timeline,
    troubles,
)
from .requests import At, often_started, requested_steps, requests, start_drafts, usual_durations
from .signed_in import signed_in
from .standing import Standing, standing, standing_after
from .talk import Talk, talk
from .tasks import (
    chosen,
    due_tasks,
    helped,
    next_at_step,
    next_in_inbox,
    next_in_process,
    one_task,
    snoozed,
)
from .waiting import Waiting, waiting
from .workers import workers_seen

__all__ = [
    "BADGES", "EVENTS", "EVERYTHING", "LISTS", "MOST_ON_A_BOARD", "At", "Course", "DataFilter", "Filters",
    "Happened", "LeftOut", "Page", "ProcessDetail", "Standing", "Stop", "Talk", "Waiting", "alike", "archive",
    "attention", "badges", "badges_and_talk", "board", "came_since", "children", "chosen", "counted", "course",
    "data_filter", "due_tasks", "figures", "helped", "history", "how_many", "how_many_could", "ids", "inbox",
    "last_event", "matching", "names_in", "names_of_who_could", "next_at_step", "next_in_inbox",
    "next_in_process", "notices", "often_started", "one_task", "owners", "places", "processes", "queue", "read",
    "requested_steps", "requests", "saved_view", "signed_in", "snoozed", "standing", "standing_after",
    "start_drafts", "steps_of", "story", "strange", "talk", "task_events", "timeline", "troubles", "unread",
    "usual_durations", "waiting", "who_could", "whom_for", "workers_seen",
]  # fmt: skip
