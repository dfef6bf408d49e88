"""The script of the stocktaking."""

import datetime as dt

import time_machine

from flows.stocktaking import StocktakingFlow
from portal.engine.queue import timers
from portal.models import Process, db


def test_the_shelves_are_counted_once_a_month(flow_tester):
    with time_machine.travel(dt.datetime(2030, 1, 15, 12, tzinfo=dt.UTC), tick=False):
        run = flow_tester(StocktakingFlow)
        timers.turn(db.session())
        run.advance(days=20)
        (process,) = db.session.query(Process).all()
        run._process_id = process.id
        run.task("count").assign("alice").execute(missing="Two mugs")

        run.external_fails("book", "The ledger is closed.").advance(minutes=1)
        run.external("book", entry="L-2030-02")

        assert run.process.status == "DONE"
        assert run.path == ["first_day", "count", "book", "counted"]
        assert run.process.entry == "L-2030-02"
        assert run.process.missing == "Two mugs"
