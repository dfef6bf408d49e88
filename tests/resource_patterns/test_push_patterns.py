"""Push patterns: how a task that is there comes to people."""

from collections import Counter

import pytest
from flask import current_app

from portal import assign, flow, jsonstore, this
from portal.errors import TransitionNotAllowed
from portal.models import Process, create_user, db
from portal.queries import queue


class OfferFlow(flow.Flow):
    process_class = Process
    start = flow.StartHandle(this.about).Next(this.renew)
    renew = flow.ManualTask().Permission("offer.renew", obj=lambda act: act.process.artifact).Next(this.end)
    end = flow.End()

    def about(self, activation, customer):
        activation.process.artifact = customer


def test_r12_distribution_by_offer_single_resource(flow_tester):
    """A task is offered to one person, who need not take it.

    `.Permission(name, obj=…)`: who holds the permission for this object alone (`offer.renew:7`) is the only
    one in whose queue it is. They take it or leave it; `.OnTimeout` goes elsewhere if they leave it."""
    run = flow_tester(OfferFlow)
    customer = create_user("a customer, or any other row")
    amy, ben = create_user("amy"), create_user("ben", permissions=[])
    amy.permissions = [f"offer.renew:{customer.id}"]
    db.session.commit()
    run.start(customer=customer)
    assert [len(list(queue(db.session(), each))) for each in (amy, ben)] == [1, 0]


class PoolFlow(flow.Flow):
    start = flow.StartHandle().Next(this.answer)
    answer = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()


def test_r13_distribution_by_offer_multiple_resources(flow_tester):
    """A task is offered to several people, and the first one who takes it has it.

    That is what `.Permission()` without `.Assign()` says: it is in the queue of everyone who holds the
    permission, and is taken once."""
    run = flow_tester(PoolFlow)
    amy, ben = (create_user(name, permissions=["pool.can_answer"]) for name in ("amy", "ben"))
    run.start()
    task = run.task("answer").task
    with task.activation(amy) as activation:
        activation.assign(amy)
    with pytest.raises(TransitionNotAllowed), task.activation(ben) as activation:
        activation.assign(ben)


def allotted(rule):
    """A flow that gives out six tasks by a rule."""
    nodes = {
        "start": flow.StartHandle().Next(this.split),
        "split": flow.Split().Next(this.answer, task_data_source=lambda activation: [{}] * 6),
        "answer": flow.ManualTask().Permission(auto_create=True).Assign(rule).Next(this.end),
        "end": flow.End(),
    }
    return type(flow.Flow)("AllotFlow", (flow.Flow,), nodes)


def owners(flow_tester, rule):
    run = flow_tester(allotted(rule))
    for name in ("amy", "ben", "cleo"):
        create_user(name, permissions=["allot.can_answer"])
    run.start()
    return Counter(task.owner.username for task in run.tasks("answer"))


def test_r14_distribution_by_allocation_single_resource(flow_tester):
    """A task is given to one person, who has to do it.

    `.Assign()` with a person, a callable or a rule: it is in their inbox at once. They may give it back or
    hand it over."""
    assert owners(flow_tester, lambda activation: "amy") == {"amy": 6}


def test_r15_random_allocation(flow_tester):
    """A task is given to anybody of those who may do it.

    `assign.Random()`."""
    assert owners(flow_tester, assign.Random()).total() == 6


def test_r16_round_robin_allocation(flow_tester):
    """Tasks are given to one after the other.

    `assign.RoundRobin()`: the turn is a row that is locked, so two workers share one."""
    assert owners(flow_tester, assign.RoundRobin()) == {"amy": 2, "ben": 2, "cleo": 2}


def test_r17_shortest_queue(flow_tester):
    """A task is given to who has the least to do.

    `assign.ShortestQueue()`: who has the fewest open tasks, of all flows; of equal ones the next in turn."""
    assert owners(flow_tester, assign.ShortestQueue()) == {"amy": 2, "ben": 2, "cleo": 2}


class PlanProcess(Process):
    arrived = jsonstore.BooleanField("Arrived", default=False)


class PlanFlow(flow.Flow):
    process_class = PlanProcess
    start = flow.StartHandle().Next(this.split)
    split = flow.Split().Next(this.goods).Next(this.unload)
    goods = flow.Handle(this.note).Next(this.end)
    unload = (
        flow.ManualTask()
        .Permission(auto_create=True)
        .Milestone(lambda activation: activation.process.arrived)
        .Next(this.end)
    )
    end = flow.End()

    def note(self, activation):
        activation.process.arrived = True


def test_r18_early_distribution(flow_tester):
    """A task is offered before it can be done.

    Branch it off early, with a `.Milestone(condition)`: it stands in the queue and on the page of its
    process, and nobody can take it before the condition holds. The page of a process shows the steps ahead
    to everybody who sees it."""
    run = flow_tester(PlanFlow)
    amy = create_user("amy", permissions=["plan.can_unload"])
    run.start()
    assert [row.flow_task for row in queue(db.session(), amy)] == ["unload"]
    with pytest.raises(TransitionNotAllowed, match="milestone"):
        run.task("unload").assign(amy)
    run.handle("goods")
    run.task("unload").assign(amy).execute()
    assert run.process.status == "DONE"


def test_r19_distribution_on_enablement(flow_tester):
    """A task is offered or given at the moment when it can be done.

    That is how every task of a person begins: it is made, and offered or given, in the transaction of the
    step before."""
    run = flow_tester(PoolFlow)
    amy = create_user("amy", permissions=["pool.can_answer"])
    assert list(queue(db.session(), amy)) == []
    run.start()
    assert [row.flow_task for row in queue(db.session(), amy)] == ["answer"]


def test_r20_late_distribution(flow_tester):
    """A task waits until somebody has time, and is given only then.

    A task without `.Assign()` waits in the queue; *Take next* (`POST /queue/next`) gives the most urgent
    one to who asks for work, and nobody else the same one. A person's `capacity` keeps rules from giving
    more than that."""
    run = flow_tester(PoolFlow)
    create_user("amy", "a long password", permissions=["pool.can_answer"])
    run.start()
    browser = current_app.test_client()
    browser.post("/login", data={"username": "amy", "password": "a long password"})
    answer = browser.post("/queue/next")
    assert answer.location.startswith(f"/tasks/{run.task('answer').task.id}/execute")
    assert run.task("answer").owner.username == "amy"
