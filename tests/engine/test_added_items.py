"""Items that a manager adds to a split that makes a branch for each: until its branches have met."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from portal import flow, this
from portal.engine import actions, items
from portal.errors import PortalError, TransitionNotAllowed
from portal.models import Event, Process, Task, db
from tests.audit import faults

TOWNS = [{"town": "Oslo"}, {"town": "Rome"}]


def data(activation):
    return TOWNS


class TourFlow(flow.Flow):
    start = flow.StartHandle().Next(this.each)
    each = flow.Split().Next(this.visit, task_data_source=data).Next(this.office).Next(this.join)
    visit = flow.ManualTask().Next(this.write)
    write = flow.ManualTask().Next(this.join)
    office = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.after)
    after = flow.ManualTask().Next(this.end)
    end = flow.End()


class FirstFlow(flow.Flow):
    """The first two are enough; the others go on beside."""

    start = flow.StartHandle().Next(this.each)
    each = flow.Split().Next(this.visit, task_data_source=data)
    visit = flow.ManualTask().Next(this.join)
    join = flow.Join(count=2, cancel_active=False).Next(this.after)
    after = flow.ManualTask().Next(this.end)
    end = flow.End()


class LooseFlow(flow.Flow):
    """Nobody waits for the branches."""

    start = flow.StartHandle().Next(this.each)
    each = flow.Split().Next(this.visit, task_data_source=data).Next(this.ask, task_data_source=data)
    visit = flow.ManualTask().Next(this.end)
    ask = flow.ManualTask().Next(this.end)
    end = flow.End()


class NestedFlow(flow.Flow):
    """The inner branches go straight to the outer join."""

    start = flow.StartHandle().Next(this.outer)
    outer = flow.Split().Next(this.each).Next(this.office)
    each = flow.Split().Next(this.visit, task_data_source=data)
    visit = flow.ManualTask().Next(this.join)
    office = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.after)
    after = flow.ManualTask().Next(this.end)
    end = flow.End()


class RoundFlow(flow.Flow):
    """A loop: each round has branches of its own."""

    start = flow.StartHandle().Next(this.each)
    each = flow.Split().Next(this.visit, task_data_source=data)
    visit = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.again)
    again = flow.ManualTask().Next(this.more)
    more = flow.If(lambda activation: True).Then(this.each).Else(this.end)
    end = flow.End()


class BareFlow(flow.Flow):
    """Nothing to do at first: the split is gone through before anybody could add something."""

    start = flow.StartHandle().Next(this.each)
    each = flow.Split().Next(this.visit, task_data_source=lambda activation: []).Next(this.plain)
    plain = flow.ManualTask().Next(this.join)
    visit = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()


@pytest.fixture
def begun(flow_tester):
    def begin(flow_class):
        flow_tester(flow_class)
        process_id = flow_class.start.run().id
        db.session.commit()
        return process_id

    return begin


def at(process_id, node):
    db.session.expire_all()
    query = select(Task).where(Task.process_id == process_id, Task.flow_task == node).order_by(Task.id)
    return list(db.session.scalars(query).unique())


def add(process_id, item, node="each", **more):
    actions.add_item(db.session(), process_id, at(process_id, node)[-1].id, item, None, "why", **more)
    db.session.commit()


def skip(process_id, node, count=99):
    for task in [each for each in at(process_id, node) if each.is_open][:count]:
        with actions.activation(db.session(), task.id) as activation:
            activation.skip()


def refused(process_id, words, item=None, **more):
    before = len(at(process_id, "visit"))
    with pytest.raises((TransitionNotAllowed, PortalError), match=words):
        add(process_id, item or {"town": "Bern"}, **more)
    db.session.rollback()
    assert len(at(process_id, "visit")) == before


def sound(process_id):
    assert list(faults(db.session())) == []


def test_a_branch_is_added_and_the_join_waits_for_it_too(begun):
    tour = begun(TourFlow)
    add(tour, {"town": "Bern"})
    fresh = at(tour, "visit")[-1]
    assert (dict(fresh.data), fresh.status, [each.flow_task for each in fresh.previous]) == (
        {"town": "Bern"}, "NEW", ["each"],
    )  # fmt: skip
    event = db.session.scalars(select(Event).where(Event.action == "add")).one()
    assert event.detail == {
        "item": {"town": "Bern"}, "step": "each", "to": "visit", "reason": "why",
    }  # fmt: skip
    for node in ("office", "visit"):
        skip(tour, node)
    skip(tour, "write", 2)
    assert not at(tour, "after")
    add(tour, {"town": "Lima"})  # while the last of those before is still written
    skip(tour, "write")
    assert not at(tour, "after")
    skip(tour, "visit")
    skip(tour, "write")
    assert [len(at(tour, name)) for name in ("visit", "write", "join", "after")] == [4, 4, 1, 1]
    assert len({task.token for task in at(tour, "visit")}) == 4
    refused(tour, "its branches have met in «Join» already")
    sound(tour)


def test_where_enough_are_in_nobody_waits_for_more(begun):
    first = begun(FirstFlow)
    add(first, {"town": "Bern"})
    skip(first, "visit", 2)
    assert len(at(first, "after")) == 1
    refused(first, "its branches have met")
    sound(first)


def test_without_a_join_it_takes_items_while_a_branch_is_under_way(begun):
    loose = begun(LooseFlow)
    refused(loose, "Say which branch")
    refused(loose, "Say which branch", branch="end")
    add(loose, {"town": "Bern"}, branch="ask")
    assert [len(at(loose, name)) for name in ("visit", "ask")] == [2, 3]
    skip(loose, "visit")
    add(loose, {"town": "Lima"}, branch="visit")
    skip(loose, "visit")
    skip(loose, "ask")
    assert db.session.get(Process, loose).status == "DONE"
    with pytest.raises(TransitionNotAllowed):
        add(loose, {"town": "Bern"}, branch="visit")
    db.session.rollback()
    sound(loose)


def test_inner_branches_that_meet_in_the_outer_join(begun):
    nested = begun(NestedFlow)
    skip(nested, "visit")
    refused(nested, "all its branches are over")
    with_open = begun(NestedFlow)
    add(with_open, {"town": "Bern"})
    skip(with_open, "office")
    skip(with_open, "visit", 2)
    assert not at(with_open, "after")
    skip(with_open, "visit")
    assert len(at(with_open, "after")) == 1
    refused(with_open, "its branches have met")
    sound(nested)


def test_each_round_of_a_loop_has_its_own(begun):
    rounds = begun(RoundFlow)
    skip(rounds, "visit")
    skip(rounds, "again")
    first, second = at(rounds, "each")
    process = db.session.get(Process, rounds)
    assert items.taking(db.session(), process) == [second]
    assert "have met" in items.refusal(first)
    add(rounds, {"town": "Bern"})
    skip(rounds, "visit")
    assert [len(at(rounds, name)) for name in ("visit", "again")] == [5, 2]
    sound(rounds)


def test_a_branch_may_be_the_first_of_its_way(begun):
    bare = begun(BareFlow)
    add(bare, {"town": "Bern"})
    skip(bare, "plain")
    assert db.session.get(Process, bare).status == "NEW"
    skip(bare, "visit")
    assert db.session.get(Process, bare, populate_existing=True).status == "DONE"
    sound(bare)


@pytest.mark.parametrize("item", ["Bern", 7, ["Bern"], {"_exception": "x"}])
def test_what_is_no_item_is_refused(begun, item):
    refused(begun(TourFlow), "The items of this step are objects|Nothing takes a value called", item)


def test_what_was_taken_back_takes_nothing(begun):
    tour = begun(TourFlow)
    refused(tour, "does not run once for each item", node="office")
    add(tour, {"town": "Bern"})
    for task in at(tour, "visit"):
        with actions.activation(db.session(), task.id) as activation:
            activation.cancel()
    with actions.activation(db.session(), at(tour, "visit")[-1].id) as activation:
        activation.revive()
    assert dict(at(tour, "visit")[-1].data) == {"town": "Bern"}, "a copy has its item"
    for node in ("visit", "office"):
        for task in at(tour, node):
            if task.is_open:
                with actions.activation(db.session(), task.id) as activation:
                    activation.cancel()
    refused(tour, "its branches have met")  # where nobody is left to come, the join has gone on
    sound(tour)
