"""Viewflow's side of the comparison."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import django

django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.http import HttpRequest  # noqa: E402
from django.test import Client  # noqa: E402
from viewflow.workflow.models import Task  # noqa: E402

from peers.turns import Work, serve  # noqa: E402
from peers.viewflow_site import flows  # noqa: E402

#: what bob has in his inbox, and people who have other tasks
MINE, PEOPLE = 50, 200
TIMERS = 100


def people() -> tuple[User, list[User]]:
    bob = User.objects.create_user("bob")
    bob.user_permissions.set(
        Permission.objects.filter(content_type__app_label__in=("viewflow", "viewflow_site"))
    )
    others = [User(username=f"person{number}") for number in range(PEOPLE)]
    return bob, User.objects.bulk_create(others)


def fill(client: Client, bob: User, others: list[User], size: int) -> Any:
    """Copy a process that waits for approval, with its tasks, until so many tasks wait. The one that was copied."""
    process_id = start(client, 0)
    model = flows.HelloFlow.process_class
    process = model.objects.get(pk=process_id)
    rows = list(Task.objects.filter(process_id=process_id).order_by("pk"))
    processes = []
    for number in range(1, size):
        each = copy.copy(process)
        each.pk, each.data = None, {"text": f"Message {number}"}
        each._state = copy.copy(process._state)
        processes.append(each)
    made = Task.process.field.related_model.objects.bulk_create(processes, batch_size=500)
    tasks = []
    for number, each in enumerate(made, 1):
        for row in rows:
            task = copy.copy(row)
            task._state = copy.copy(row._state)
            task.pk, task.process_id = None, each.pk
            if task.status == "NEW" and (number < MINE or number % 2):
                task.status, task.owner_id = (
                    "ASSIGNED",
                    (bob if number < MINE else others[number % PEOPLE]).pk,
                )
                task.assigned = task.created
            tasks.append(task)
    Task.objects.bulk_create(tasks, batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return process


def human(bob: User) -> None:
    request = HttpRequest()  # who starts a task is told by one
    request.user = bob
    process = flows.HumanFlow.start.run()
    task_id = Task.objects.values_list("pk", flat=True).get(
        process=process, flow_task=flows.HumanFlow.approve
    )
    for action in ("assign", "execute"):
        locked = flows.HumanFlow.lock(process.pk)
        with transaction.atomic(), locked, Task.objects.get(pk=task_id).activation() as activation:
            if action == "assign":
                activation.assign(bob)
            else:
                activation.start(request)
                activation.execute()


def posted(client: Client, path: str, **values: str) -> None:
    answer = client.post(path, values)
    assert answer.status_code == 302, f"{path}: {answer.status_code}"


def start(client: Client, number: int) -> int:
    posted(client, "/hello/start/", text=f"Message {number}")
    return flows.HelloFlow.process_class.objects.values_list("pk", flat=True).latest("pk")


def posts(client: Client) -> None:
    """Start, take and approve."""
    process_id = start(client, 1)
    waiting = Task.objects.filter(process_id=process_id, flow_task=flows.HelloFlow.approve)
    place = f"/hello/{process_id}/approve/{waiting.values_list('pk', flat=True).get()}"
    posted(client, f"{place}/assign/")
    posted(client, f"{place}/execute/", approved="on")


def page(client: Client, path: str) -> Work:
    def get() -> None:
        assert client.get(path).status_code == 200, path

    get()
    return Work(get)


def nap() -> None:
    for _ in range(TIMERS):
        flows.NapFlow.start.run()


def fire() -> None:
    call_command("workflow_timers", stdout=StringIO())
    assert not Task.objects.filter(flow_task=flows.NapFlow.wait).exclude(status="DONE").exists()


@contextmanager
def counting() -> Iterator[list[str]]:
    found: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def main(size: int) -> None:
    call_command("migrate", verbosity=0)
    bob, others = people()
    client = Client()
    client.force_login(bob)
    process = fill(client, bob, others, size)
    serve(
        {
            "straight": Work(flows.StraightFlow.start.run),
            "human": Work(lambda: human(bob)),
            "posts": Work(lambda: posts(client)),
            "fan 10": Work(flows.FanFlow.start.run),
            "fan 100": Work(flows.WideFlow.start.run),
            "timers": Work(fire, nap, TIMERS),
            "inbox": page(client, "/hello/inbox/"),
            "queue": page(client, "/hello/queue/"),
            "dashboard": page(client, "/hello/"),
            "process": page(client, f"/hello/{process.pk}/"),
        },
        counting,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
