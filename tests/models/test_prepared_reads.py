"""What each request asks for by prepared statements says what the ORM says."""

from __future__ import annotations

import datetime as dt

import pytest

from portal import flow, queries, this
from portal.engine import actions
from portal.models import Absence, Process, Task, UserSession, db, utcnow

TOKEN = "t" * 64


class TwoPeopleFlow(flow.Flow):
    start = flow.StartHandle().Next(this.write)
    write = flow.ManualTask().Permission(auto_create=True).Next(this.check)
    check = flow.ManualTask().Permission(auto_create=True).NotSameAs(this.write).Next(this.end)
    end = flow.End()


@pytest.fixture
def people(register, make_user):
    register(TwoPeopleFlow)
    for name in ("carol", "alice", "bob", "dave"):
        rights = ("two_people.can_write", "two_people.can_check") if name != "dave" else ()
        make_user(name, *rights, full_name="Ann" if name == "carol" else "", roles=["Checkers"])
    erin = make_user("erin", "two_people.can_check")
    erin.is_active = False
    role = db.session.scalars(db.select(type(erin).roles.property.mapper.class_)).one()
    role.permissions = ["two_people.can_check:7"]
    db.session.commit()
    return {user.username: user for user in db.session.scalars(db.select(type(erin)))}


@pytest.mark.parametrize("obj", [None, "7", "8"])
def test_the_names_of_who_could_take_a_task_are_those_of_the_people(session, people, obj):
    process_id = TwoPeopleFlow.start.run().id
    for action in ("assign", "execute"):
        task = session.scalars(db.select(Task).where(Task.flow_task == "write")).one()
        with actions.activation(session, task.id, people["alice"].id) as activation:
            activation.assign(activation.user) if action == "assign" else activation.execute()
    task = session.scalars(db.select(Task).where(Task.flow_task == "check")).one()
    task.owner_permission_obj = obj
    session.commit()
    name = "two_people.can_check"
    for others in (("write",), ()):
        names = queries.names_of_who_could(session, process_id, name, obj, others, 10)
        wanted = [person.name for person in queries.who_could(session, task)]
        assert names == (wanted if others else sorted([*wanted, "alice"], key=str.lower))
    assert len(queries.names_of_who_could(session, process_id, name, obj, (), 2)) == 2
    asks = queries.standing(session, process_id).asks
    assert asks == {"check": (name, obj)}
    assert session.get_one(Process, process_id).status == "NEW"


@pytest.fixture
def asked(session, people):
    now, user = utcnow(), people["alice"]
    day = dt.timedelta(days=1)
    session.add(
        UserSession(
            user_id=user.id, token_hash=TOKEN, session_key=user.session_key, created=now, seen=now, address="", agent=""
        )
    )  # fmt: skip
    away = people["bob"].id
    session.add(Absence(user_id=away, substitute_id=user.id, begins=now - day, ends=now + day))
    session.commit()
    session.expunge_all()
    return lambda idle=day: queries.signed_in(session, TOKEN, now, now - idle, now - day)


def test_who_is_signed_in_comes_with_roles_and_whom_they_stand_in_for(session, asked, count):
    with count() as statements:
        found = asked()
        assert found.user.username == "alice"
        assert [role.name for role in found.user.roles] == ["Checkers"]
        assert [each.user.username for each in found.user.stand_ins] == ["bob"]
        assert found.user.can("two_people.can_write")
    assert len(statements) == 2, str(statements)
    assert found.unread == 0
    assert found.user in session
    assert not session.dirty
    assert asked(dt.timedelta(0)) is None


def test_what_was_changed_and_not_saved_of_who_is_signed_in_stays(session, asked):
    user = asked().user
    user.full_name, user.roles = "Alice", []
    again = asked().user
    assert again is user
    assert (again.full_name, again.roles) == ("Alice", [])
    session.commit()
    assert session.scalar(db.select(type(user).full_name).where(type(user).username == "alice")) == "Alice"
