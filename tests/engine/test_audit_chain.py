"""The audit: rows that vouch for each other, written in the transaction of what they tell of."""

from __future__ import annotations

import random
import threading

import pytest
from sqlalchemy import delete, update

from portal import flow, jsonstore, this
from portal.engine import actions, audit, writes
from portal.engine.audit import Entry
from portal.errors import PermissionDenied, TransitionNotAllowed
from portal.models import AuditHead, AuditRow, Process, db


class NoteProcess(Process):
    text = jsonstore.StringField("Text")


class NoteFlow(flow.Flow):
    process_class = NoteProcess
    start = flow.StartHandle().Next(this.write)
    write = flow.ManualTask().Permission(auto_create=True).Next(this.read)
    read = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()


def add(session, *entries):
    writes.begin(session)
    audit.append(session, entries)
    session.commit()


@pytest.fixture
def chain(session):
    """Twelve rows, in three transactions."""
    for part in range(3):
        add(
            session,
            *(Entry(f"a{part}", part, "person", n, {"n": n, "ü": "ß", "x": [1.5, None]}) for n in range(4)),
        )
    return session


def rows(session):
    session.rollback()
    session.expire_all()
    return session.execute(db.select(AuditRow.id, AuditRow.action).order_by(AuditRow.id)).all()


def test_what_is_as_it_was_written_has_no_fault(chain):
    assert len(rows(chain)) == 12
    assert list(audit.faults(chain)) == []
    assert list(audit.faults(chain, audit.head(chain))) == []
    add(chain, Entry("later"))
    assert list(audit.faults(chain, (12, audit.head(chain)[1]))) != []


def change(session, number, how):
    table = AuditRow.__table__
    at = table.c.id == number
    if how == "dropped":
        session.execute(delete(table).where(at))
    elif how == "cut off":
        session.execute(delete(table).where(table.c.id >= number))
    elif how == "cut out":
        session.execute(delete(table).where(table.c.id.between(number, number + 3)))
    elif how == "moved":
        other = number % 12 + 1
        session.execute(update(table).where(at).values(id=1000))
        session.execute(update(table).where(table.c.id == other).values(id=number))
        session.execute(update(table).where(table.c.id == 1000).values(id=other))
    elif how == "closed up":  # dropped, and what follows numbered anew
        session.execute(delete(table).where(at))
        for later in range(number + 1, 13):
            session.execute(update(table).where(table.c.id == later).values(id=later - 1))
        session.execute(update(AuditHead).values(number=11))
    else:
        session.execute(update(table).where(at).values({how: CHANGED[how]}))
    session.commit()


CHANGED = {
    "user_id": 99, "action": "other", "subject": "role", "subject_id": "77", "detail": {"n": 0, "ü": "ß"},
    "hash": "0" * 64,
}  # fmt: skip
WAYS = ("dropped", "cut off", "cut out", "moved", "closed up", *CHANGED)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_changed_is_found(chain, how, seed):
    number = random.Random(f"{how}{seed}").randint(1, 9)
    change(chain, number, how)
    found = list(audit.faults(chain))
    assert found, f"{how} {number}"


def test_one_who_computes_the_hashes_anew_is_found_by_what_was_kept(chain):
    kept = audit.head(chain)
    table, last = AuditRow.__table__, ""
    chain.execute(update(table).where(table.c.id == 3).values(user_id=99))
    for row in chain.execute(db.select(table).order_by(table.c.id)).mappings().all():
        last = audit.hash_of(row, last)
        chain.execute(update(table).where(table.c.id == row["id"]).values(hash=last))
    chain.execute(update(AuditHead).values(hash=last))
    chain.commit()
    assert list(audit.faults(chain)) == []
    assert list(audit.faults(chain, kept)) != []


def test_what_is_rolled_back_leaves_no_gap(chain):
    writes.begin(chain)
    audit.append(chain, [Entry("lost")])
    chain.rollback()
    add(chain, Entry("kept"))
    assert rows(chain)[-1] == (13, "kept")
    assert list(audit.faults(chain)) == []


def test_writers_take_turns(app, session):
    def write():
        with app.app_context():
            for _ in range(5):
                add(db.session(), Entry("x"))
            db.session.remove()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [number for number, _action in rows(session)] == list(range(1, 21))
    assert list(audit.faults(session)) == []


# -- the levers ------------------------------------------------------------------------------------------------


@pytest.fixture
def process(register, make_user):
    register(NoteFlow)
    make_user("alice", "note.can_write", "note.can_read")
    make_user("mia", "note.manage")
    return NoteFlow.start.run()


def person(name):
    from portal.models import find_user

    return find_user(db.session(), name)


def open_task(process):
    db.session.expire_all()
    return next(task for task in process.tasks if task.finished is None)


def test_a_lever_is_kept_with_who_pulled_it(session, process):
    with actions.activation(session, open_task(process), person("mia")) as activation:
        activation.skip(reason="Not needed")
    with actions.activation(session, open_task(process), person("mia")) as activation:
        activation.move("write")
    actions.cancel_process(session, process, person("mia"))
    found = session.scalars(db.select(AuditRow).order_by(AuditRow.id)).all()
    assert [(row.action, row.user_id, row.subject_id) for row in found] == [
        (name, person("mia").id, str(process.id)) for name in ("skip", "move", "cancel")
    ]
    assert found[0].detail["step"] == "write"
    assert found[1].detail["to"] == "write"


def test_a_change_of_data_is_kept_with_its_fields_and_what_vouches_for_the_values(session, process):
    with actions.changing_data(session, process, person("mia")) as found:
        found.text = "new"
    row = session.scalars(db.select(AuditRow)).one()
    assert row.detail["fields"] == ["text"]
    assert len(row.detail["digest"]) == 64


def test_ordinary_work_and_what_the_system_does_is_none_and_costs_nothing(session, process, count):
    alice = person("alice")
    task = open_task(process)
    with count() as statements, actions.activation(session, task, alice) as activation:
        activation.assign(alice)
        activation.execute()
    assert not [sql for sql in statements if "audit" in sql]
    actions.cancel_process(session, process)
    assert rows(session) == []


def test_a_lever_that_is_refused_or_fails_is_none(session, process):
    with (
        pytest.raises(PermissionDenied),
        actions.activation(session, open_task(process), person("alice")) as a,
    ):
        a.skip()
    with (
        pytest.raises(TransitionNotAllowed),
        actions.activation(session, open_task(process), person("mia")) as a,
    ):
        a.move("nowhere")
    assert rows(session) == []


def test_the_task_of_another_is_a_lever_ones_own_is_none(session, process, make_user):
    make_user("ben", "note.can_write")
    alice, ben, mia = person("alice"), person("ben"), person("mia")
    task = open_task(process)
    for who, act in (
        (alice, lambda a: a.assign(alice)), (alice, lambda a: a.reassign(ben)), (mia, lambda a: a.reassign(alice)),
        (alice, lambda a: a.unassign()), (mia, lambda a: a.assign(ben)), (mia, lambda a: a.unassign()),
    ):  # fmt: skip
        with actions.activation(session, task.id, who) as activation:
            act(activation)
    assert [action for _number, action in rows(session)] == ["reassign", "assign", "unassign"]
