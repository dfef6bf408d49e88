"""The server dies while a start form is worked on: the same form sent again starts the process, or finds it, once."""

from __future__ import annotations

import on_each_database
from sqlalchemy import delete

from portal.models import Draft, Event, Process, StartKey, Task, db
from tests.audit import faults
from tests.engine.test_crash import cutting

FORM = "/flows/paper/start/start"


database_url = on_each_database.database_url


def _empty():
    for model in (Draft, StartKey, Event, Task, Process):
        db.session.execute(delete(model.__table__))
    db.session.commit()


def _send(client, key):
    return client.post(FORM, data={"title": "On bees", "pages": "3", "_start": key})


def test_the_same_form_after_a_death_starts_exactly_one_process(alice):
    with cutting() as sent:
        assert _send(alice, "whole").status_code == 303
    writes = next(number for number, each in enumerate(sent, 1) if "INSERT INTO portal_start_key" in each)
    assert sent.index("COMMIT", writes) > writes, "the key is written in the transaction of the start"
    deaths = [{"before": number} for number in range(1, len(sent) + 1)]
    deaths += [{"after_commit": number} for number in range(1, sent.count("COMMIT") + 1)]
    for death in deaths:
        _empty()
        with cutting(**death):
            _send(alice, "same")
        there = db.session.query(Process).count()
        assert there in (0, 1), death
        db.session.remove()
        answer = _send(alice, "same")
        assert answer.status_code == 303, death
        assert db.session.query(Process).count() == 1, death
        (key,) = db.session.query(StartKey).all()
        assert key.process_id == db.session.query(Process).one().id, death
        if there:
            assert answer.location == f"/processes/{key.process_id}", death
        assert faults(db.session()) == []
        db.session.remove()
