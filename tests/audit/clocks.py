"""Timers fire once and not before their moment; the tries of a job are counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .books import Books


def timers_fire_once(books: Books) -> Iterator[str]:
    for task in books.tasks.values():
        fired = [
            event for event in books.history[task.id] if event.action == "timer" and event.to_state == "DONE"
        ]
        if len(fired) > 1:
            yield f"{books.name(task)}: fired {len(fired)} times"
        for event in fired:
            if task.scheduled is None or event.created < task.scheduled:
                yield f"{books.name(task)}: fired at {event.created}, but was due at {task.scheduled}"


def events_end_with_their_host(books: Books) -> Iterator[str]:
    for task in books.tasks.values():
        if task.finished is None and (task.awaits or "").startswith("host:"):
            number = int(task.awaits.removeprefix("host:"))
            host = next(each for each in books.of_process[task.process_id] if each.number == number)
            if host.finished is not None:
                yield f"{books.name(task)}: stands ready on task {number}, which is {host.status}"


def attempts_are_counted(books: Books) -> Iterator[str]:
    for task in books.tasks.values():
        node = books.node(task)
        if node is None or not node.works:
            continue
        claims = [event for event in books.history[task.id] if _claims(event)]
        tries = [event.detail.get("attempt") for event in claims]
        if tries != list(range(1, task.attempt + 1)):
            yield f"{books.name(task)}: its attempt is {task.attempt}, but its history has {tries}"
        lost = sum("lost" in event.detail for event in books.history[task.id])
        if len(tries) - lost > node.retries + 1:
            yield f"{books.name(task)}: tried {len(tries)} times, and {node.retries + 1} are allowed"
        if task.status == "STARTED" and task.lease is None and task.attempt:
            yield f"{books.name(task)}: is at work without a lease"


def _claims(event: Any) -> bool:
    return event.action == "job" and event.to_state == "STARTED"
