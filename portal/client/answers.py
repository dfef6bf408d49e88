"""What the portal answers, as types. Moments are texts (ISO 8601)."""

from __future__ import annotations

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
