"""Drafts and keys of start forms, on each database and from several sessions at once."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from portal import flow, this
from portal.engine import actions, drafts, start_keys
from portal.engine.queue import timers
from portal.models import Draft, ParkedForm, Process, StartKey, User, db, utcnow

PLACE = "/flows/keyed/start/start"


class KeyedFlow(flow.Flow):
    start = flow.Start(lambda activation: None).Next(this.end)
    end = flow.End()


class Repeated(Exception):
    """The key has started a process already."""


def start(user_id, key="k", fault=None):
    """Start with a key, as the page does; the process's id, or that of the process that it has started already."""
    user = db.session.get_one(User, user_id)
    try:
        with actions.starting(db.session(), KeyedFlow.start, user) as activation:
            started = start_keys.claim(db.session(), user_id, key, "d")
            if started is not None:
                raise Repeated(started.process_id)
            activation.execute()
            db.session.flush()
            start_keys.settle(db.session(), user_id, key, activation.process.id)
            if fault is not None:
                raise fault
            return activation.process.id
    except Repeated as repeated:
        return repeated.args[0]


def test_many_sessions_start_one_process(register, make_user, at_once):
    register(KeyedFlow)
    user_id = make_user("ann").id
    db.session.rollback()
    started = at_once(*[lambda: start(user_id)] * 4)
    assert len(db.session.scalars(select(Process.id)).all()) == 1
    assert len(set(started)) == 1


def test_a_start_that_was_rolled_back_leaves_its_key(register, make_user):
    register(KeyedFlow)
    user_id = make_user("ann").id
    with pytest.raises(RuntimeError):
        start(user_id, fault=RuntimeError("killed"))
    assert db.session.scalars(select(StartKey.key)).all() == []
    assert start(user_id) is not None


def test_drafts_that_are_saved_at_once_are_one(make_user, at_once, app):
    user_id = make_user("ann").id
    db.session.rollback()
    results = at_once(
        *[lambda n=n: drafts.save(db.session(), user_id, PLACE, None, [["a", str(n)]]) for n in range(4)]
    )
    assert all(isinstance(result, dt.datetime) for result in results), results
    assert len(db.session.scalars(select(Draft)).all()) == 1


def test_a_draft_holds_every_character(make_user, app):
    user_id = make_user("ann").id
    typed = [["a", "NUL \0, \u2028 and 🐝"], ["a", "a second one"]]
    drafts.save(db.session(), user_id, PLACE, 7, typed)
    assert drafts.read(db.session(), user_id, PLACE).typed == typed


def test_a_parked_form_is_taken_over_once_by_whose_it_is(make_user, app):
    ann, bob = make_user("ann").id, make_user("bob").id
    drafts.park(db.session(), "browser", PLACE, None, [["a", "1"]], ann)
    drafts.park(db.session(), "browser", "/tasks/1/execute", 1, [["a", "2"]], None)
    drafts.adopt(db.session(), "browser", bob)
    assert drafts.read(db.session(), bob, PLACE) is None
    assert drafts.read(db.session(), bob, "/tasks/1/execute").typed == [["a", "2"]]
    drafts.adopt(db.session(), "browser", ann)
    assert drafts.read(db.session(), ann, PLACE).typed == [["a", "1"]]
    assert drafts.read(db.session(), ann, "/tasks/1/execute") is None


def test_what_nobody_fetches_is_forgotten(make_user, app):
    ann = make_user("ann").id
    drafts.park(db.session(), "browser", PLACE, None, [["a", "1"]], ann)
    later = utcnow() + drafts.PARKED + dt.timedelta(seconds=1)
    token = timers.clock.set(lambda: later)
    try:
        drafts.adopt(db.session(), "browser", ann)
        assert drafts.read(db.session(), ann, PLACE) is None, "it waits for a day only"
        drafts.prune(db.session())
    finally:
        timers.clock.reset(token)
    assert db.session.scalars(select(ParkedForm)).all() == []
