"""`portal incidents`: the groups in a terminal, and trying them again."""

import pytest

from portal import flow, this
from portal.models import Incident, Task, db

fails = {"on": True}


def call(activation):
    if fails["on"]:
        raise ConnectionError(f"host {activation.process.id} is away")


class DialFlow(flow.Flow):
    start = flow.StartHandle().Next(this.call)
    call = flow.Function(call).Next(this.end)
    end = flow.End()


@pytest.fixture
def database_url(sqlite):
    return sqlite


@pytest.fixture
def dial(register):
    fails["on"] = True
    register(DialFlow)
    for _ in range(3):
        DialFlow.start.run()
    return db.session.scalar(db.select(Incident.key))


def run(app, *words):
    return app.test_cli_runner().invoke(args=["incidents", *words])


def number_failed():
    db.session.expire_all()
    return db.session.scalar(db.select(db.func.count()).select_from(Task).where(Task.status == "ERROR"))


def test_the_groups_are_listed(app, dial):
    out = run(app, "list")
    assert out.exit_code == 0
    assert dial in out.output
    assert "     3  " in out.output
    assert "dial.call  ConnectionError: host … is away" in out.output
    assert run(app, "list", "--state", "resolved").output == ""


def test_a_group_is_retried_by_the_beginning_of_its_key(app, dial):
    fails["on"] = False
    out = run(app, "retry", dial[:8])
    assert out.output == f"{dial}  3 retried, 0 refused\n"
    assert number_failed() == 0
    again = run(app, "retry", dial)
    assert again.exit_code == 1
    assert "is failed any more" in again.output


def test_somebody_who_may_not_is_refused_line_by_line(app, dial, make_user):
    make_user("dave")
    out = run(app, "retry", "--all", "--user", "dave")
    assert "0 retried, 3 refused" in out.output
    assert out.output.count("refused: only a manager") == 3
    assert number_failed() == 3


@pytest.mark.parametrize(
    "words", [("retry",), ("retry", "zzz"), ("retry", "--all", "--user", "nobody"), ("retry", "a", "--all")]
)
def test_a_mistake_is_one_line_and_exit_1(app, dial, words):
    out = run(app, *words)
    assert out.exit_code == 1
    assert len(out.output.strip().splitlines()) == 1


def test_what_is_left_to_the_workers(app, dial):
    assert "3 to retry" in run(app, "retry", dial, "--no-wait").output
    assert number_failed() == 3
