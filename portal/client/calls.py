"""The calls of a program, a method for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self, cast

import httpx

from .answers import (
    Comment,
    Event,
    ExternalTask,
    Flow,
    Process,
    ProcessDetail,
    StartForm,
    Task,
    TaskDetail,
)
from .connection import Connection

TaskAction = Literal[
    "assign", "unassign", "reassign", "execute", "snooze", "skip", "move", "cancel", "undo", "revive"
]
ProcessAction = Literal["cancel", "suspend", "resume", "withdraw", "retry"]


class Client:
    """A portal, as one token's person sees it.

    A call that a busy portal or a lost connection has cut off is made again with the same `Idempotency-Key`: it is done
    once.

    Args:
        address: of the portal, such as `https://portal.example.com/work`.
        token: as the profile shows it once.
        timeout: seconds for an answer.
        transport: of httpx, for tests.

    Raises:
        Refused: by every method, with what the portal said.
        httpx.TransportError: by every method, if the portal cannot be reached.
    """

    def __init__(
        self, address: str, token: str, *, timeout: float = 30, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._api = Connection(address, token, timeout, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    # -- flows

    def flows(self) -> Iterator[Flow]:
        """The flows that one has to do with."""
        yield from self._api.pages("/flows", {})

    def start_form(self, label: str, node: str = "start") -> StartForm:
        """A start with the JSON Schema of its form."""
        return cast(StartForm, self._api.get(f"/flows/{label}/starts/{node}"))

    def start(
        self,
        label: str,
        node: str = "start",
        data: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
    ) -> ProcessDetail:
        """Start a process.

        Args:
            data: the values of the form, as its schema has them.
            key: the same one starts one process, however often it is called within a day.
        """
        body = {"data": dict(data or {})}
        return cast(ProcessDetail, self._api.send("POST", f"/flows/{label}/starts/{node}", body, key=key))

    # -- tasks

    def tasks(
        self, list: Literal["tasks", "inbox", "queue", "archive"] = "tasks", **filters: Any
    ) -> Iterator[Task]:
        """Tasks: all open ones that one may see, or one of one's own lists.

        Args:
            filters: `flow="leave"`, `due="late"`, `person="bob"` …; of a flow's fields `{"data.amount.gt": 1000}`.
        """
        yield from self._api.pages("/tasks", {"list": list, **filters})

    def task(self, task_id: int) -> TaskDetail:
        """A task, with the schema of its form while one can do it."""
        return cast(TaskDetail, self._api.get(f"/tasks/{task_id}"))

    def act(
        self,
        task_id: int,
        action: TaskAction,
        *,
        data: Mapping[str, Any] | None = None,
        user: str | None = None,
        to: str | None = None,
        until: str | None = None,
        reason: str | None = None,
        tag: str | None = None,
        key: str | None = None,
    ) -> TaskDetail:
        """Do something with a task.

        Args:
            data: of `execute`: the values of the form.
            user: of `assign` and `reassign`: a user name; oneself without it.
            to: of `move`: the name of a node.
            until: of `snooze`: a moment with its time zone; None ends it.
            reason: kept in the history.
            tag: the state that was read (see `tag_of`): refused with 412 where it has changed.
            key: the same one acts once, however often it is called within a day.
        """
        body = _given(data=data, user=user, to=to, reason=reason)
        if action == "snooze":
            body["until"] = until
        return cast(TaskDetail, self._api.send("POST", f"/tasks/{task_id}/{action}", body, tag=tag, key=key))

    # -- processes

    def processes(self, **filters: Any) -> Iterator[Process]:
        """Processes that one may see, the newest first; `filters` as of `tasks`."""
        yield from self._api.pages("/processes", filters)

    def process(self, process_id: int) -> ProcessDetail:
        return cast(ProcessDetail, self._api.get(f"/processes/{process_id}"))

    def tag_of(self, path: str) -> str:
        """The state of `tasks/<id>` or `processes/<id>` now, for `tag=` of a change."""
        return str(self._api.answer("GET", f"/{path.lstrip('/')}").headers["ETag"])

    def tasks_of(self, process_id: int) -> Iterator[Task]:
        """All tasks of a process, also those that are over."""
        yield from self._api.pages(f"/processes/{process_id}/tasks", {})

    def events_of(self, process_id: int) -> Iterator[Event]:
        """The history of a process."""
        yield from self._api.pages(f"/processes/{process_id}/events", {})

    def comments_of(self, process_id: int) -> Iterator[Comment]:
        yield from self._api.pages(f"/processes/{process_id}/comments", {})

    def comment(self, process_id: int, text: str, *, task: int | None = None) -> Comment:
        """Say something of a process; `@name` tells somebody."""
        body = _given(text=text, task=task)
        return cast(Comment, self._api.send("POST", f"/processes/{process_id}/comments", body))

    def act_on_process(
        self,
        process_id: int,
        action: ProcessAction,
        *,
        reason: str | None = None,
        tag: str | None = None,
        key: str | None = None,
    ) -> ProcessDetail:
        """Do something with a whole process; the arguments as of `act`."""
        path, body = f"/processes/{process_id}/{action}", _given(reason=reason)
        return cast(ProcessDetail, self._api.send("POST", path, body, tag=tag, key=key))

    def change_data(
        self, process_id: int, data: Mapping[str, Any], *, tag: str, reason: str | None = None
    ) -> ProcessDetail:
        """Change some fields of a process.

        Args:
            tag: the state that was read (see `tag_of`), or `*` for any.
        """
        body = _given(data=dict(data), reason=reason)
        return cast(ProcessDetail, self._api.send("PATCH", f"/processes/{process_id}/data", body, tag=tag))

    def add_item(
        self,
        process_id: int,
        task_id: int,
        item: Any,
        *,
        branch: str | None = None,
        reason: str | None = None,
        key: str | None = None,
    ) -> ProcessDetail:
        """Add an item to a step that runs once for each.

        Args:
            item: plain JSON, as the others are.
            branch: the node with which the branch of a split begins, where several have items.
            key: as of `act`.
        """
        body = {"item": item} | _given(task=task_id, branch=branch, reason=reason)
        return cast(ProcessDetail, self._api.send("POST", f"/processes/{process_id}/add", body, key=key))

    # -- what programs tell processes

    def fetch_and_lock(
        self, worker: str, topics: Mapping[str, int], *, most: int = 10, key: str | None = None
    ) -> list[ExternalTask]:
        """Lock external tasks that no other program has.

        Args:
            worker: what this program calls itself.
            topics: how many milliseconds each lock holds, by topic.
            most: how many tasks at most.
        """
        wanted = [{"topic_name": name, "lock_duration": span} for name, span in topics.items()]
        body = {"worker_id": worker, "max_tasks": most, "topics": wanted}
        fetched = self._api.send("POST", "/external-tasks/fetch-and-lock", body, key=key)
        return cast("list[ExternalTask]", fetched["items"])

    def complete(self, task: ExternalTask, data: Mapping[str, Any] | None = None) -> None:
        """The work on an external task is done; `data` is what came of it."""
        self._report(task, f"/external-tasks/{task['id']}/complete", {"data": dict(data or {})})

    def fail(
        self,
        task: ExternalTask,
        message: str,
        details: str = "",
        *,
        retries: int | None = None,
        retry_timeout: int | None = None,
    ) -> None:
        """The work on an external task has failed.

        Args:
            details: shown to managers, such as a traceback.
            retries: how many tries are left, 0 for an incident; as the flow says if it is left out.
            retry_timeout: milliseconds until it can be fetched again; likewise.
        """
        body = {"error_message": message, "error_details": details}
        self._report(
            task,
            f"/external-tasks/{task['id']}/failure",
            body | _given(retries=retries, retry_timeout=retry_timeout),
        )

    def bpmn_error(
        self, task: ExternalTask, code: str, message: str = "", data: Mapping[str, Any] | None = None
    ) -> None:
        """The work has come to an error that `.OnError(…, code=…)` on the task catches."""
        body = {"error_code": code, "error_message": message, "data": dict(data or {})}
        self._report(task, f"/external-tasks/{task['id']}/bpmn-error", body)

    def extend_lock(
        self, task: ExternalTask, milliseconds: int, progress: Mapping[str, Any] | None = None
    ) -> None:
        """Hold a lock for a while from now on.

        Args:
            progress: `done`, and perhaps `total` and `message`.
        """
        self._report(
            task,
            f"/external-tasks/{task['id']}/extend-lock",
            _given(new_duration=milliseconds, progress=progress),
        )

    def unlock(self, task: ExternalTask) -> None:
        """Hand an external task back undone."""
        self._report(task, f"/external-tasks/{task['id']}/unlock", {})

    def call(
        self, label: str, node: str, *, process: int | None = None, key: str | None = None, **data: Any
    ) -> ProcessDetail | None:
        """Call a handle of a flow: `MyFlow.node.run(process=…, **data)`."""
        path, body = f"/flows/{label}/handles/{node}", _given(data=data, process=process)
        return cast("ProcessDetail | None", self._api.send("POST", path, body, key=key))

    def send(self, label: str, name: str, process: int, **data: Any) -> ProcessDetail:
        """Send a process a message: `MyFlow.send(name, process=…, **data)`."""
        body = {"process": process, "data": data}
        return cast(ProcessDetail, self._api.send("POST", f"/flows/{label}/messages/{name}", body))

    def throw(self, name: str) -> None:
        """Throw a signal."""
        self._api.send("POST", f"/signals/{name}", {})

    # -- what happens

    def events(self, after: str = "", **filters: Any) -> tuple[list[Event], str]:
        """What has happened since a place in the history, and the place to go on from."""
        page = self._api.get("/events", {**filters, "after": after})
        return cast("list[Event]", page["items"]), str(page["next"])

    def _report(self, task: ExternalTask, path: str, body: dict[str, Any]) -> None:
        """Say something of a task that this program has locked."""
        lock = {"worker_id": task["worker_id"], "attempt": task["attempt"]}
        self._api.send("POST", path, lock | body)


def _given(**values: Any) -> dict[str, Any]:
    """The values that are not left out."""
    return {name: value for name, value in values.items() if value is not None}
