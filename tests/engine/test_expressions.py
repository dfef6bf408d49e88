"""What is reckoned with `act` while a process runs, and how it reads on a picture."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest

from portal import act, flow, this
from portal.models import Process

A, B = act.process.a, act.process.b


def value(expression, **values):
    return expression(SimpleNamespace(process=SimpleNamespace(**values)))


@pytest.mark.parametrize(
    ("expression", "result", "words"),
    [
        (A + B, 9, "a + b"),
        (A + 1, 8, "a + 1"),
        (1 + A, 8, "1 + a"),
        (A - B, 5, "a - b"),
        (1 - A, -6, "1 - a"),
        (A * B, 14, "a * b"),
        (3 * A, 21, "3 * a"),
        (A / B, 3.5, "a / b"),
        (14 / A, 2.0, "14 / a"),
        (A // B, 3, "a // b"),
        (20 // A, 2, "20 // a"),
        (A % B, 1, "a % b"),
        (20 % A, 6, "20 % a"),
        ((A + B) * 2, 18, "(a + b) * 2"),
        (A + B * 2, 11, "a + b * 2"),
        (A - (B - 1), 6, "a - (b - 1)"),
        (A - B - 1, 4, "a - b - 1"),
        (A + B > 8, True, "a + b > 8"),
        (A + B > 10, False, "a + b > 10"),
        ((A > 8) | (A + B == 9), True, "a > 8 or a + b = 9"),
        (~(A + B == 9), False, "not a + b = 9"),
        ((A > 5) == (B > 5), False, "(a > 5) = (b > 5)"),
        ((A + B).real, 9, "(a + b).real"),
    ],
)
def test_arithmetic(expression, result, words):
    assert value(expression, a=7, b=2) == result
    assert str(expression) == words


def test_other_types_than_numbers():
    assert value(A + B, a="x", b="y") == "xy"
    assert value(A + dt.timedelta(days=1), a=dt.date(2026, 1, 31)) == dt.date(2026, 2, 1)
    assert value(Decimal(1) - A, a=Decimal("0.25")) == Decimal("0.75")


class SumFlow(flow.Flow):
    process_class = Process

    start = flow.StartHandle(this.keep).Next(this.is_much)
    is_much = (
        flow.If(act.process.data["net"] + act.process.data["tax"] > 100).Then(this.much).Else(this.little)
    )
    much = flow.End()
    little = flow.End()

    def keep(self, activation: flow.Activation[Process], net: int, tax: int) -> None:
        activation.process.data.update(net=net, tax=tax)


@pytest.mark.parametrize(("tax", "end"), [(9, "much"), (8, "little")])
def test_a_condition_reckons(flow_tester, tax, end):
    run = flow_tester(SumFlow)
    run.start(net=92, tax=tax)
    assert run.path == ["start", "is_much", end]


def test_what_is_missing_fails_the_node_alone(flow_tester):
    run = flow_tester(SumFlow)
    run.start(net=92, tax=None)
    assert run.task("is_much").status == "ERROR"
    told = run.task("is_much").data["_exception"]["message"]
    assert told.startswith("data['net'] + data['tax']: ")
    assert "NoneType" in told
