"""How many statements an action may send. Work must not grow with the number of branches."""

from __future__ import annotations

import pytest

from portal import act, flow, jsonstore, this, views
from portal.engine import actions
from portal.engine.transaction import transaction
from portal.flow.registry import registry
from portal.models import Process, db
from portal.web.forms.submit import submit


class BudgetProcess(Process):
    text = jsonstore.StringField("Message", max_length=50, required=True)
    approved = jsonstore.BooleanField("Approved", default=False)


class BudgetFlow(flow.Flow):
    """The hello world of the contract."""

    process_class = BudgetProcess

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["text"]))
        .Permission(auto_create=True)
        .Next(this.approve)
    )
    approve = (
        flow.View(views.UpdateProcessView.as_view(fields=["approved"]))
        .Permission(auto_create=True)
        .Next(this.check_approve)
    )
    check_approve = flow.If(act.process.approved).Then(this.send).Else(this.end)
    send = flow.Job(this.send_message).Next(this.end)
    end = flow.End()

    def send_message(self, activation): ...


class FunctionsFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.split)
    split = flow.Split().Next(
        this.item, task_data_source=lambda a: [{"n": n} for n in range(a.process.data["n"])]
    )
    item = flow.Function(this.work).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def begin(self, activation, n):
        activation.process.data["n"] = n
        return activation.process

    def work(self, activation):
        activation.task.data["seen"] = True


class ViewsFlow(FunctionsFlow):
    item = flow.ManualTask().Next(this.join)


@pytest.fixture
def people(flow_tester, make_user):
    flow_tester(BudgetFlow)
    permissions = ["budget.can_start", "budget.can_approve"]
    return make_user("alice", *permissions), make_user("bob", *permissions)


def test_hello_world(people, count, session):
    alice, bob = people
    session.commit()
    with count() as starting:
        process = submit(BudgetFlow.definition.nodes["start"], alice, text="Hi")
    task_id = process.tasks[1].id
    session.commit()
    bob = bob.id
    session.expunge_all()

    with count() as assigning, actions.activation(session, task_id, bob) as activation:
        activation.assign(bob)
    session.expunge_all()
    with count() as executing, actions.activation(session, task_id, bob) as activation:
        activation.process.approved = True
        activation.execute()

    assert len(starting) <= 6, str(starting)
    assert len(assigning) <= 4, str(assigning)
    assert len(executing) <= 9, str(executing)


def test_many_functions_cost_no_more_than_few(flow_tester, count, session):
    flow_tester(FunctionsFlow)
    costs = []
    for n in (10, 10, 100):
        with count() as statements:
            process = FunctionsFlow.start.run(n=n)
        costs.append(statements)
        assert process.status == "DONE"
        assert len(process.tasks) == n + 4
        session.expunge_all()
    assert len(costs[2]) <= len(costs[1]), f"{costs[1]}\n----\n{costs[2]}"


def test_one_of_many_people_costs_no_more_than_one_of_few(flow_tester, count, session, make_user):
    flow_tester(ViewsFlow)
    alice = make_user("alice", is_superuser=True).id
    costs = []
    for n in (10, 100):
        process = ViewsFlow.start.run(n=n)
        items = [task.id for task in process.tasks if task.flow_task == "item"]
        for task_id in items[:2]:  # the first one makes the join, the second one meets it
            with actions.activation(session, task_id, alice) as activation:
                activation.assign(alice)
            session.expunge_all()
            with count() as statements, actions.activation(session, task_id, alice) as activation:
                activation.execute()
            costs.append(statements)
        db.session.expunge_all()
    assert len(costs[2]) <= len(costs[0]), f"{costs[0]}\n----\n{costs[2]}"
    assert len(costs[3]) <= len(costs[1]), f"{costs[1]}\n----\n{costs[3]}"


def test_an_action_finds_the_flows_of_its_application_once(flow_tester, session, monkeypatch):
    """However many branches it runs, each of which asks for its node."""
    flow_tester(FunctionsFlow)
    asked = []
    find = registry._find
    monkeypatch.setattr(registry, "_find", lambda: asked.append(1) or find())
    for n in (2, 20):
        asked.clear()
        with transaction(session):
            FunctionsFlow.start.run(n=n)
        assert len(asked) == 1
