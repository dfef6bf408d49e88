"""Who gets a task by a rule: fair, also between two workers, with the reason in the history."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter

import pytest
from flask import current_app
from sqlalchemy import func, select

from portal import assign, flow, this
from portal.engine.transaction import clock
from portal.errors import FlowError
from portal.models import Absence, Event, Task, User, create_user, db

MAY = ("shop.do",)


def make(rule, *, second=None, not_same=False):
    """A flow of two tasks, of which the second is given by the rule, or both are."""
    first = flow.ManualTask().Permission("shop.do")
    last = flow.ManualTask().Permission("shop.do").Assign(rule)
    if not_same:
        last.NotSameAs(this.first)
    body = {
        "start": flow.StartHandle().Next(this.first),
        "first": (first if second is None else first.Assign(second)).Next(this.last),
        "last": last.Next(this.end),
        "end": flow.End(),
    }
    return type(flow.Flow)("GivenFlow", (flow.Flow,), body)


def one_task(rule):
    body = {
        "start": flow.StartHandle().Next(this.work),
        "work": flow.ManualTask().Permission("shop.do").Assign(rule).Next(this.end),
        "end": flow.End(),
    }
    return type(flow.Flow)("GivenFlow", (flow.Flow,), body)


@pytest.fixture
def people(app):
    """Makes people who may do the tasks, by their names."""

    def make(*names, **columns):
        made = []
        for name in names:
            person = create_user(name, permissions=MAY)
            for column, value in columns.items():
                setattr(person, column, value)
            made.append(person)
        db.session.commit()
        return made

    return make


def given(run):
    """Who has the process's only open task."""
    [task] = [task for task in run.process.tasks if task.is_open]
    return task.owner.username if task.owner else None


def told(run):
    """What the history says of the last assignment, or of why there was none."""
    rows = db.session.scalars(select(Event).order_by(Event.id.desc())).all()
    return next(row.detail for row in rows if {"rule", "unassigned"} & set(row.detail or ()))


def start(flow_tester, flow_class, count):
    runs = []
    for _ in range(count):
        run = flow_tester(flow_class)
        run.start()
        runs.append(run)
    return runs


def test_round_robin_goes_from_one_to_the_next(flow_tester, people):
    made = one_task(assign.RoundRobin())
    flow_tester(made)
    people("alice", "bob", "carol")
    runs = start(flow_tester, made, 7)
    assert [given(run) for run in runs] == ["alice", "bob", "carol"] * 2 + ["alice"]
    assert told(runs[-1]) == {"to": "alice", "rule": "round robin"}


def test_who_is_inactive_full_or_without_the_permission_is_passed_over(flow_tester, people):
    made = one_task(assign.RoundRobin())
    flow_tester(made)
    people("alice", "bob")
    people("carol", is_active=False)
    people("dora", capacity=1)
    create_user("eve")
    create_user("root", is_superuser=True)
    db.session.commit()
    runs = start(flow_tester, made, 6)
    assert [given(run) for run in runs] == ["alice", "bob", "dora", "alice", "bob", "alice"]


def test_a_role_narrows_the_candidates(flow_tester, people):
    made = one_task(assign.RoundRobin(role="nights"))
    flow_tester(made)
    people("alice", "bob")
    create_user("carol", roles=["nights"], permissions=MAY)
    db.session.commit()
    assert [given(run) for run in start(flow_tester, made, 3)] == ["carol"] * 3


def test_nobody_fits(flow_tester, people):
    made = one_task(assign.First(assign.Capability("french"), assign.Familiar()))
    run = flow_tester(made)
    people("alice")
    run.start()
    task = run.task("work")
    assert (task.status, given(run)) == ("NEW", None)
    assert told(run) == {"unassigned": "nobody fits: capability french, round robin, familiar"}


def test_the_shortest_queue(flow_tester, people):
    made = one_task(assign.ShortestQueue())
    flow_tester(made)
    people("alice", "bob")
    runs = start(flow_tester, made, 4)
    assert Counter(map(given, runs)) == {"alice": 2, "bob": 2}
    for run in runs:
        if given(run) == "bob":
            run.task("work").execute()
    assert [given(run) for run in start(flow_tester, made, 2)] == ["bob", "bob"]


def test_random_gives_to_everybody_sooner_or_later(flow_tester, people):
    made = one_task(assign.Random())
    flow_tester(made)
    people("alice", "bob")
    assert {given(run) for run in start(flow_tester, made, 40)} == {"alice", "bob"}  # fails once in 5e11 runs


@pytest.mark.parametrize("rule", [assign.Familiar, assign.CaseOwner])
def test_who_knows_the_case(flow_tester, people, rule):
    made = make(rule())
    run = flow_tester(made)
    people("alice", "bob")
    run.start()
    run.task("first").assign("bob").execute()
    assert given(run) == "bob"


def test_familiar_is_the_last_and_the_case_owner_the_first(flow_tester, people):
    def flow_of(rule):
        task = lambda: flow.ManualTask().Permission("shop.do")  # noqa: E731
        body = {
            "start": flow.StartHandle().Next(this.one),
            "one": task().Next(this.two),
            "two": task().Next(this.three),
            "three": task().Assign(rule).Next(this.end),
            "end": flow.End(),
        }
        return type(flow.Flow)("ThreeFlow", (flow.Flow,), body)

    for rule, expected in ((assign.Familiar(), "bob"), (assign.CaseOwner(), "alice")):
        run = flow_tester(flow_of(rule))
        if rule == assign.Familiar():
            people("alice", "bob")
        run.start()
        run.task("one").assign("alice").execute()
        run.task("two").assign("bob").execute()
        assert given(run) == expected


def test_not_same_as_keeps_away_whom_a_rule_would_choose(flow_tester, people):
    run = flow_tester(make(assign.First(assign.Familiar(), assign.RoundRobin()), not_same=True))
    people("alice", "bob")
    run.start()
    run.task("first").assign("alice").execute()
    assert given(run) == "bob"
    assert told(run)["rule"] == "round robin"


def test_a_skill(flow_tester, people):
    made = one_task(assign.Capability("french"))
    flow_tester(made)
    people("alice", skills=["german"])
    people("bob", "carol", skills=["french", "german"])
    assert [given(run) for run in start(flow_tester, made, 3)] == ["bob", "carol", "bob"]


def test_who_has_done_the_step_most_often_of_late(flow_tester, people):
    made = one_task(assign.First(assign.Experienced(dt.timedelta(days=30)), assign.ManagerOf(lambda _: None)))
    flow_tester(made)
    people("alice", "bob")
    for name in ("alice", "bob", "bob"):
        [run] = start(flow_tester, made, 1)
        assert given(run) in (None, "alice", "bob")
        if run.task("work").status == "ASSIGNED":
            run.task("work").unassign()
        run.task("work").assign(name).execute()
    assert [given(run) for run in start(flow_tester, made, 2)] == ["bob", "bob"]
    [run] = start(flow_tester, made, 1)
    assert told(run)["rule"] == "experienced"
    run.advance(days=40)
    assert given(start(flow_tester, made, 1)[0]) is None


def test_who_is_away_is_passed_over_and_gets_their_turns_again(flow_tester, people):
    made = one_task(assign.RoundRobin())
    run = flow_tester(made)
    alice, _, _ = people("alice", "bob", "carol")
    now = clock.get()()
    db.session.add(Absence(user=alice, begins=now, ends=now + dt.timedelta(days=2)))
    db.session.commit()
    assert [given(run) for run in start(flow_tester, made, 3)] == ["bob", "carol", "bob"]
    run.start()
    run.advance(days=3)
    assert [given(run) for run in start(flow_tester, made, 2)] == ["alice", "bob"]


def test_the_pages_say_by_which_rule_and_of_nobody_that_they_took_it(flow_tester, people):
    made = make(assign.First(assign.Capability("french"), assign.Familiar()), second=assign.RoundRobin())
    run = flow_tester(made)
    people("alice")
    create_user("root", "a long password", is_superuser=True)
    run.start()
    browser = current_app.test_client()
    browser.post("/login", data={"username": "root", "password": "a long password"})

    def history(node):
        text = re.sub(r"<[^>]+>", " ", browser.get(f"/tasks/{run.tasks(node)[0].task.id}").text)
        return re.sub(r"\s+", " ", text[text.rindex("History") :])

    assert "was assigned to alice by rule: round robin" in history("first")
    run.task("first").execute()
    assert "alice took" not in history("last")
    assert "by rule: who knows the case" in history("last")


def test_the_manager_of_who_did_a_step(flow_tester, people):
    run = flow_tester(make(assign.ManagerOf(this.first.owner)))
    alice, bob = people("alice", "bob")
    bob.manager = alice
    db.session.commit()
    run.start()
    run.task("first").assign("bob").execute()
    assert given(run) == "alice"
    assert told(run)["rule"] == "manager of bob"


def test_one_action_that_gives_out_many_tasks_counts_them(flow_tester, people):
    body = {
        "start": flow.StartHandle().Next(this.split),
        "split": flow.Split().Next(this.work, task_data_source=lambda activation: [{}] * 9),
        "work": flow.ManualTask().Permission("shop.do").Assign(assign.ShortestQueue()).Next(this.join),
        "join": flow.Join().Next(this.end),
        "end": flow.End(),
    }
    run = flow_tester(type(flow.Flow)("ManyFlow", (flow.Flow,), body))
    people("alice", "bob", "carol")
    run.start()
    assert Counter(task.owner.username for task in run.tasks("work")) == {"alice": 3, "bob": 3, "carol": 3}


@pytest.mark.parametrize("rule", [assign.RoundRobin(), assign.ShortestQueue()], ids=lambda rule: rule.title)
def test_two_workers_at_once_are_fair(flow_tester, people, at_once, rule):
    made = one_task(rule)
    flow_tester(made)
    people("alice", "bob", "carol", "dora")
    results = at_once(*[lambda: made.start.run().id for _ in range(8)])
    assert all(isinstance(each, int) for each in results), results
    owners = select(User.username, func.count()).join(Task, Task.owner_id == User.id).group_by(User.username)
    assert dict(db.session.execute(owners).all()) == dict.fromkeys(["alice", "bob", "carol", "dora"], 2)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: assign.RoundRobin, "assign.RoundRobin\\(\\)"),
        (lambda: assign.First(), "First\\(\\) needs rules"),
        (lambda: assign.First(assign.Familiar), "assign.Familiar\\(\\)"),
        (lambda: assign.Capability(""), 'Capability\\("french"\\)'),
        (lambda: assign.ManagerOf(this.nobody.owner), "no node `nobody`"),
        (lambda: assign.RoundRobin(role=7), "name of a role"),
        (lambda: assign.Experienced(7), "timedelta\\(days=90\\)"),
    ],
)
def test_a_rule_that_cannot_be(wrong, words):
    with pytest.raises(FlowError, match=words):
        one_task(wrong())
