"""`flows check` says what a rename has left behind: people's permissions, and data that no field reads any more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portal import flow, jsonstore, this
from portal.engine.versions import migration, unread
from portal.models import Process, Role, db


class LineBefore(jsonstore.Schema):
    qty = jsonstore.IntegerField()


class LineAfter(jsonstore.Schema):
    quantity = jsonstore.IntegerField()


class OrderBefore(Process):
    amount = jsonstore.DecimalField()
    customer = jsonstore.StringField()
    urgent = jsonstore.BooleanField()
    street = jsonstore.StringField(json_key=("address", "street"))
    lines = jsonstore.EmbeddedListField(LineBefore)


class OrderAfter(Process):
    total = jsonstore.DecimalField()
    customer = jsonstore.StringField()
    urgent = jsonstore.BooleanField()
    road = jsonstore.StringField(json_key=("address", "road"))
    lines = jsonstore.EmbeddedListField(LineAfter)


def _begin(activation: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(activation.process, name, value)


def declared(model: Any, node: str) -> Any:
    body = {
        "process_class": model,
        "start": flow.StartHandle(_begin).Next(getattr(this, node)),
        node: flow.ManualTask().Permission(auto_create=True).Next(this.end),
        "end": flow.End(),
    }
    return type(flow.Flow)("OrderFlow", (flow.Flow,), body)


@pytest.fixture
def run(flow_tester: Any) -> Any:
    run = flow_tester(declared(OrderBefore, "look"))
    run.start("start", amount=Decimal("12.50"), customer="Ann", street="High Street", lines=[{"qty": 3}])
    return run


def _release(run: Any, model: Any = OrderBefore, node: str = "look") -> Any:
    """The next version of the code: the flow, and the class by its place."""
    run.flow_class = declared(model, node)
    run._tester(run.flow_class)
    if model is not OrderBefore:
        name = model.__mapper__.polymorphic_identity
        table = Process.__table__
        db.session.execute(table.update().values(process_type=name))
        db.session.commit()
        db.session.expunge_all()
    return run._tester.app.test_cli_runner().invoke(args=["flows", "check"])


def _holders() -> None:
    db.session.add(Role(name="lookers", permissions=["order.can_look:7", "order.view", "mine.can_look"]))
    db.session.commit()


def test_what_fits_is_passed_in_silence(run: Any) -> None:
    _holders()
    checked = _release(run)
    assert checked.exit_code == 0
    assert "json_key" not in checked.output
    assert "permission" not in checked.output


def test_who_holds_the_permission_of_a_lost_node_is_named(run: Any, make_user: Any) -> None:
    _holders()
    make_user("ann").permissions = ["order.can_look"]
    db.session.commit()
    output = _release(run, node="inspect").output
    assert (
        "no node asks for the permission order.can_look any more, which ann, the role lookers hold; "
        "if `look` has another name now: portal flows migrate order --map look=inspect\n" in output
    )
    assert "mine.can_look" not in output


def test_permissions_are_carried_on_where_nothing_is_open(run: Any, make_user: Any) -> None:
    run.task("look").assign("alice").execute()
    ann = make_user("ann")
    ann.permissions = ["order.can_look"]
    db.session.commit()
    _release(run, node="inspect")
    assert migration.move(db.session(), run.flow_class, {"look": "inspect"}, processes=[999]) == []
    assert len(unread.permissions(db.session())) == 1
    assert migration.move(db.session(), run.flow_class, {"look": "inspect"}) == []
    assert unread.permissions(db.session()) == []
    db.session.refresh(ann)
    assert ann.permissions == ["order.can_inspect"]


def test_data_of_a_renamed_field_is_named_with_the_mend(run: Any) -> None:
    output = _release(run, OrderAfter).output
    assert (
        "1 running process of OrderAfter has `amount` in the data, which no field reads; if it has another name now: "
        '`total = DecimalField(json_key="amount")` or `road = StringField(json_key="amount")`\n' in output
    )
    assert "`address.street` in the data" in output
    assert '`road = StringField(json_key=("address", "street"))`\n' in output  # no number is a street
    assert "of LineAfter has `qty` in the data" in output
    assert '`quantity = IntegerField(json_key="qty")`\n' in output
    assert "customer" not in output


def test_a_process_of_the_new_code_does_not_hide_the_old_ones(run: Any) -> None:
    _release(run, OrderAfter)
    run._tester(run.flow_class).start("start", total=Decimal(3))
    assert "`total = DecimalField" in "".join(map(str, unread.data(db.session())))


def test_a_key_beside_every_field_is_nobodys_old_name(run: Any) -> None:
    run.process.data["by"] = "alice"
    run.process.urgent = False
    db.session.commit()
    assert [str(each) for each in unread.data(db.session())] == []


def test_a_process_that_is_over_needs_nothing(run: Any) -> None:
    run.task("look").assign("alice").execute()
    assert "json_key" not in _release(run, OrderAfter).output
