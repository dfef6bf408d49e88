"""What the portal answers, as types, and `Refused`. Moments are texts (ISO 8601)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict


class Person(TypedDict):
    username: str
    name: str


class Start(TypedDict):
    flow: str
    node: str
    title: str
    description: str


class StartForm(Start):
    schema: dict[str, Any]


class Flow(TypedDict):
    label: str
    title: str
    description: str
    category: str
    keywords: list[str]
    starts: list[Start]


class Process(TypedDict):
    """A process in a list."""

    id: int
    flow: str
    title: str
    status: str
    on_hold: bool
    summary: str
    created: str
    created_by: Person | None
    finished: str | None


class ProcessDetail(Process):
    parent_task: int | None
    data: dict[str, Any]
    artifact: dict[str, Any] | None
    actions: list[str]


class Task(TypedDict):
    """A task in a list."""

    id: int
    number: int
    process: int
    flow: str
    node: str
    kind: str
    title: str
    summary: str
    status: str
    owner: Person | None
    created: str
    finished: str | None
    due: str | None
    priority: int


class TaskDetail(Task):
    acting_for: Person | None
    assigned: str | None
    started: str | None
    data: dict[str, Any]
    actions: list[str]
    schema: dict[str, Any] | None


class ExternalTask(Task):
    """What a program has fetched and locked."""

    topic_name: str
    worker_id: str | None
    lock_expiration: str | None
    attempt: int
    retries: int
    error_message: str | None
    data: dict[str, Any]


class Event(TypedDict):
    id: int
    created: str
    user: Person | None
    flow: str
    process: int
    task: int | None
    node: str | None
    title: str | None
    action: str
    from_state: str | None
    to_state: str
    reason: str | None
    acting_for: str | None
    rule: str | None


class Comment(TypedDict):
    id: int
    created: str
    author: Person
    task: int | None
    text: str
    removed: bool


class Refused(Exception):
    """The portal has refused a call.

    Attributes:
        status: the HTTP status.
        problem: what it said, as of RFC 9457.
        errors: the messages by field; an empty name is for what is of no single one.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, dict(problem)
        self.errors: dict[str, list[str]] = dict(problem.get("errors") or {})
        super().__init__(
            f"{status} {problem.get('detail') or problem.get('title') or ''} {self.errors or ''}".strip()
        )
