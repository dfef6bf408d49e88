"""Which processes a person has had to do with: all of them, or whether one is; and what is free for them there."""

import datetime as dt

import pytest
from sqlalchemy import select

from portal import flow, queries, this
from portal.engine import actions, criteria
from portal.models import Absence, Process, Task, db


class NamedFlow(flow.Flow):
    """Each step names its permission."""

    start = flow.StartHandle().Next(this.do)
    do = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()


class OpenFlow(flow.Flow):
    """Whoever has had to do with the process may do its step."""

    start = flow.StartHandle().Next(this.do)
    do = flow.ManualTask().Next(this.end)
    end = flow.End()


def started_by(person):
    process = NamedFlow.start.run()
    process.created_by_id = person.id
    db.session.commit()
    return process.id


NAMES = ("starter", "owner", "former", "stand_in", "stranger")


def test_asked_of_one_it_is_as_in_the_list_of_all(register, make_user):
    register(NamedFlow)
    people = {name: make_user(name, "named.can_do") for name in NAMES}
    process_id = started_by(people["starter"])
    NamedFlow.start.run()
    task_id = db.session.scalars(
        select(Task.id).where(Task.process_id == process_id, Task.flow_task == "do")
    ).one()
    with actions.activation(db.session(), task_id) as activation:
        activation.assign(people["former"].id)
    with actions.activation(db.session(), task_id) as activation:
        activation.reassign(people["owner"].id)
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    away = Absence(
        user_id=people["owner"].id, substitute_id=people["stand_in"].id, begins=now - day, ends=now + day
    )
    db.session.add(away)
    db.session.commit()
    for name, person in people.items():
        listed, asked = (
            list(db.session.scalars(select(Process.id).where(criterion(person))))
            for criterion in (criteria.visible_processes, criteria.visible_process)
        )
        assert asked == listed == ([] if name == "stranger" else [process_id]), name


@pytest.mark.parametrize("flows", [(NamedFlow,), (NamedFlow, OpenFlow)])
def test_a_task_without_a_permission_is_free_where_one_has_had_to_do_with_the_process(
    flows, register, make_user
):
    for flow_class in flows:
        register(flow_class)
    people = {name: make_user(name) for name in ("starter", "stranger")}
    process_id = started_by(people["starter"])
    NamedFlow.start.run()
    for task in db.session.scalars(select(Task).where(Task.flow_task == "do")).unique():
        task.owner_permission = None  # as before the flow named one
    db.session.commit()
    free = {
        name: [row.process_id for row in queries.queue(db.session(), each)] for name, each in people.items()
    }
    assert free == {"starter": [process_id], "stranger": []}


def test_lists_have_what_is_one_s_own_beside_flows_that_are_seen_whole(register, make_user):
    """Of these it is not read: a program may have started all there is. A flow that is gone is seen whole by nobody."""
    for flow_class in (NamedFlow, OpenFlow):
        register(flow_class)
    viewer, other = make_user("viewer", "named.view"), make_user("other")
    runs = [flow_class.start.run() for flow_class in (NamedFlow, NamedFlow, OpenFlow, OpenFlow, OpenFlow)]
    for process, person in zip(runs, (viewer, other, viewer, other, viewer), strict=True):
        process.created_by_id = person.id
    runs[-1].flow_label = "of_before"
    db.session.commit()
    seen = {process.id for process in (runs[0], runs[1], runs[2], runs[4])}
    assert {row.id for row in queries.read(db.session(), viewer, "processes")} == seen
    assert {row.process_id for row in queries.read(db.session(), viewer, "tasks")} == seen
    own = criteria.own_processes(viewer, criteria.seen_whole(viewer))
    assert set(db.session.scalars(own)) == {runs[2].id, runs[4].id}
