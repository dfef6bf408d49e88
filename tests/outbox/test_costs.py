"""What telling people costs."""

from bills import BillFlow

from portal.engine import actions
from portal.models import Outgoing


def inserts(statements):
    return [sql for sql in statements if Outgoing.__tablename__ in sql]


def test_an_action_that_tells_many_writes_once(hooked, bill, session, people, count, monkeypatch):
    monkeypatch.setattr(BillFlow, "process_webhooks", ["https://one.example/", "https://two.example/"])
    task = bill().task("check").id
    session.expunge_all()
    with count() as silent, actions.activation(session, task, people["bob"]) as activation:
        activation.assign(people["bob"])
    assert len(inserts(silent)) == 1
    assert len(silent) <= 4 + 1, str(silent)


def test_a_failure_asks_for_the_managers_once(bill, session, people, count):
    costs = []
    for text in ("good", "<bad>"):
        task = bill(text).task("check").assign("bob").id
        session.expunge_all()
        with count() as statements, actions.activation(session, task, people["bob"]) as activation:
            activation.execute()
        costs.append(statements)
    good, bad = costs
    assert len(inserts(bad)) == len(inserts(good)) == 1
    assert len(bad) <= len(good) + 3, f"{good}\n----\n{bad}"
