"""Actions a second over HTTP: hello world, started, taken and approved, with gunicorn on two cores.

The floor beside it: the same rows written by hand with the fewest statements in as many transactions, without any HTTP.

python benchmarks/web.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from floor import Human
from places import places
from server import PASSWORD, Browser, web
from sqlalchemy import select

from flows.hello_world import HelloWorldFlow
from portal import views
from portal.models import Task, create_user, db

#: of each action, and how many people do them at a time
NUMBER, PEOPLE = 300, 4


def main() -> None:
    print(f"{'':24}{'HTTP':>10}{'floor':>10}   actions a second; HTTP takes so many times as long")
    for name, app in places(["flows"]):
        user = create_user("erin", PASSWORD, is_superuser=True)
        floor = floors(user.id)
        url = app.extensions["portal"].database_url
        with web(url, "flows") as (address, _):
            browsers = [Browser(address, "erin") for _ in range(PEOPLE)]
            for what, rate in over_http(browsers).items():
                print(
                    f"{name + ', ' + what:24}{rate:10.0f}{floor[what]:10.0f}{floor[what] / rate:10.1f} times"
                )


def over_http(browsers: list[Browser]) -> dict[str, float]:
    form = "/flows/hello_world/start/start"
    rates = {"start": rate(browsers, lambda who, number: who.post(form, text=f"Message {number}"))}
    waiting = select(Task.id).where(Task.status == "NEW").order_by(Task.id.desc()).limit(NUMBER)
    ids = list(db.session.scalars(waiting))
    db.session.remove()
    rates["assign"] = rate(browsers, lambda who, number: who.post(f"/tasks/{ids[number]}/assign"))
    # Who took a task does it, whichever browser it is: all of them are one person's.
    rates["execute"] = rate(
        browsers, lambda who, number: who.post(f"/tasks/{ids[number]}/execute", approved="true")
    )
    return rates


def rate(browsers: list[Browser], act: Callable[[Browser, int], None]) -> float:
    def share(position: int) -> None:
        for number in range(position, NUMBER, PEOPLE):
            act(browsers[position], number)

    before = time.perf_counter()
    with ThreadPoolExecutor(PEOPLE) as people:
        list(people.map(share, range(PEOPLE)))
    return NUMBER / (time.perf_counter() - before)


def floors(user_id: int) -> dict[str, float]:
    floor = Human(one(user_id), user_id)
    made: list[Any] = []
    rates = {}
    for what, act in (
        ("start", lambda number: made.append(floor.start())),
        ("assign", lambda number: floor.assign(made[number])),
        ("execute", lambda number: floor.execute(made[number])),
    ):
        before = time.perf_counter()
        for number in range(NUMBER):
            act(number)
        rates[what] = NUMBER / (time.perf_counter() - before)
    return rates


def one(user_id: int) -> int:
    """A process that went the way that is measured, up to its job."""
    process: Any = views.submit(HelloWorldFlow.start, user_id, text="Message")
    task = db.session.scalars(
        select(Task).where(Task.process_id == process.id, Task.flow_task == "approve")
    ).one()
    with task.activation(user_id) as activation:
        activation.assign(activation.user)
    with task.activation(user_id) as activation:
        activation.process.approved = True
        activation.execute()
    key: int = process.id
    db.session.remove()
    return key


if __name__ == "__main__":
    main()
