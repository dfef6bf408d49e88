"""The demo starts processes of every flow that a person can start."""

from sqlalchemy import select

from flows.demo import populate
from portal.demo import make_demo
from portal.models import Process, Task, db


def test_the_demo_has_processes_of_each_flow_and_no_failure(flow_tester):
    make_demo()

    db.session.rollback()
    there = set(db.session.scalars(select(Process.flow_label)))
    starts = {
        label
        for label, flow_class in flow_tester.app.extensions["portal_flows"].items()
        if any(start.human for start in flow_class.definition.starts)
    }
    assert starts <= there
    assert db.session.scalars(select(Task).where(Task.status == "ERROR")).all() == []


def test_it_may_be_populated_again(flow_tester):
    make_demo()
    populate()
