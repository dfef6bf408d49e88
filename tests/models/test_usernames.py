"""One rule for user names, wherever one is typed."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from portal import flow, this, usernames
from portal.errors import PortalError
from portal.models import User, create_user, db, find_user

#: how bob may be typed: spaces, case, another script, full width, a character that cannot be seen
BOBS = ["bob", " bob\n", "BOB", "bоb", "Вob", "ｂｏｂ", "b\u200bob"]


class NamedFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = flow.ManualTask().Assign(username=" Jürgen ").Next(this.end)
    end = flow.End()


@pytest.mark.parametrize("name", BOBS)
def test_nobody_is_made_beside_one_of_the_same_name_or_of_one_that_looks_like_it(app, session, name):
    create_user("bob")
    with pytest.raises(PortalError, match="bob"):
        create_user(name)
    assert find_user(session, name).username == "bob"
    assert [user.username for user in session.scalars(db.select(User))] == ["bob"]


@pytest.mark.parametrize(
    ("one", "other"), [("anna1", "annal"), ("bob0", "bobo"), ("müller", "muller"), ("вера", "vera")]
)
def test_names_that_differ_to_the_eye_or_by_custom_are_two(app, one, other):
    create_user(one)
    create_user(other)


def test_a_name_is_stored_as_it_was_typed_composed_and_without_spaces_around_it(app):
    assert create_user("  Ju\u0308rgen  Vogel ").username == "Jürgen Vogel"


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "bo\0b", "bo\u202eb", "b" * 151, "ﷺ" * 20])
def test_what_is_no_name_is_refused_in_words(app, name):
    with pytest.raises(PortalError, match="name"):
        create_user(name)


def test_a_name_in_a_flow_is_read_by_the_same_rule(register, make_user):
    register(NamedFlow)
    person = make_user("JU\u0308RGEN")
    assert NamedFlow.start.run().tasks[1].owner == person
    assert flow.Start(None).Available(username="jürgen").available(person)


@pytest.mark.parametrize("name", BOBS)
def test_a_key_is_its_own_key(name):
    assert usernames.key(usernames.key(name)) == usernames.key(name) == "bob"


@pytest.mark.parametrize("older", [["m\u00fcller", "mu\u0308ller"], ["anna", " anna"], ["bo b", "bo  b"]])
def test_of_two_of_an_older_database_each_is_found_by_the_name_as_it_is_stored(app, session, older):
    """Before names were composed and trimmed, such were two people: nobody is locked out, nor taken for the other."""
    for name in ("x1", "x2"):
        create_user(name)
    ids = list(session.scalars(select(User.id).order_by(User.id)))
    for number, name in zip(ids, older, strict=True):
        key = usernames.key(name) + ("" if number == ids[0] else f"\x1f{number}")
        session.execute(update(User).where(User.id == number).values(username=name, username_key=key))
    session.commit()
    assert [find_user(session, name).id for name in older] == ids


def test_a_text_that_is_no_name_is_not_looked_at_letter_by_letter():
    assert usernames.key("\ufdfa" * 100_000) != usernames.key("\ufdfa" * 8)
    assert len(usernames.key("\ufdfa" * 100_000)) < 20_000
