"""How evenly each rule of assignment gives out 10,000 tasks to 30 people.

python -m benchmarks.fairness [tasks] [rule …]     on SQLite in memory; takes a minute or two for each rule

The first step of each process is finished, so that a case has an owner, and nothing else; where experience counts, one
in twenty of the tasks that the rule gives out is finished too, and people have room for a tenth of all. One person in
three knows French, and all but five have one of these five as their manager.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from portal import assign, create_app, flow, this
from portal.models import Task, User, create_user, db, init_db

PEOPLE, MANAGERS, TASKS = 30, 5, 10_000
#: tasks that one process gives out in one action
BATCH = 20
MAY = "fairness.work"

RULES: dict[str, Callable[[], assign.Rule]] = {
    "round robin": assign.RoundRobin,
    "shortest queue": assign.ShortestQueue,
    "random": assign.Random,
    "familiar": assign.Familiar,
    "case owner": assign.CaseOwner,
    "capability": lambda: assign.Capability("french"),
    "experienced": lambda: assign.First(assign.Experienced(), assign.RoundRobin()),
    "manager of": lambda: assign.ManagerOf(this.ask.owner),
    "first": lambda: assign.First(assign.Capability("greek"), assign.ShortestQueue()),
}


def flow_of(rule: assign.Rule) -> Any:
    """One step that is finished, and then many tasks that the rule gives out."""
    body = {
        "start": flow.StartHandle().Next(this.ask),
        "ask": flow.ManualTask().Permission(MAY).Assign(assign.RoundRobin()).Next(this.split),
        "split": flow.Split().Next(this.work, task_data_source=lambda _activation: [{}] * BATCH),
        "work": flow.ManualTask().Permission(MAY).Assign(rule).Next(this.join),
        "join": flow.Join().Next(this.end),
        "end": flow.End(),
    }
    return type(flow.Flow)("FairnessFlow", (flow.Flow,), body)


def hire(capacity: int | None) -> None:
    people = [create_user(f"p{number:02}", permissions=[MAY]) for number in range(1, PEOPLE + 1)]
    for number, person in enumerate(people):
        person.skills = ["french"] if number % 3 == 0 else []
        person.capacity = capacity
        person.manager = people[number % MANAGERS] if number >= MANAGERS else None
    db.session.commit()


def give_out(name: str, tasks: int) -> Counter[str]:
    """How many tasks each person gets; those that nobody got are under an empty name."""
    app = create_app({"DATABASE_URL": "sqlite://", "FLOWS": [], "SCHEDULER": "off", "TESTING": True})
    with app.app_context():
        made = flow_of(RULES[name]())
        app.extensions["portal_flows"].register(made)
        init_db()
        hire(tasks // 10 if name == "experienced" else None)
        for turn in range(tasks // BATCH):
            process_id = made.start.run().id
            for step in ("ask", "work") if name == "experienced" else ("ask",):
                query = select(Task).where(Task.process_id == process_id, Task.flow_task == step)
                [task] = db.session.scalars(query.order_by(Task.number).limit(1)).unique()
                with task.activation() as activation:
                    if task.owner_id is None:  # nobody has experience yet
                        activation.assign(f"p{turn % PEOPLE + 1:02}")
                    activation.execute()
            db.session.remove()
        query = select(func.coalesce(User.username, ""), func.count(Task.id)).select_from(Task)
        query = query.outerjoin(User, User.id == Task.owner_id).where(Task.flow_task == "work")
        counts = Counter(dict.fromkeys(db.session.scalars(select(User.username)), 0))
        counts.update({row[0]: row[1] for row in db.session.execute(query.group_by(User.username))})
        db.session.remove()
        app.extensions["portal_memory"].close()
    return counts


def line(name: str, counts: Counter[str], seconds: float) -> str:
    nobody = counts.pop("", 0)
    got = [number for number in counts.values() if number]
    spread = f"{min(got)} to {max(got)}" if got else "–"
    return f"{name:16} {counts.total():7} {len(got):7} {spread:>14} {nobody:7} {seconds:8.1f}"


def main(tasks: int = TASKS, names: list[str] | None = None) -> None:
    print(f"{'rule':16} {'given':>7} {'people':>7} {'each':>14} {'nobody':>7} {'seconds':>8}")
    for name in names or list(RULES):
        began = time.perf_counter()
        counts = give_out(name, tasks)
        seconds = time.perf_counter() - began
        print(line(name, Counter(counts), seconds), flush=True)
        print("   " + " ".join(f"{who}:{number}" for who, number in sorted(counts.items()) if who and number))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    number = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else TASKS
    main(number, [" ".join(arguments)] if arguments else None)
