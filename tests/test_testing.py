"""The fixture `flow_tester` as other projects have it: an application of the test's own."""

import os

import pytest
from sqlalchemy import make_url

import portal.testing
from portal import flow, this
from portal.models import db
from portal.testing import flow_tester  # noqa: F401  instead of the one that our own tests share


class GreetFlow(flow.Flow):
    start = flow.StartHandle().Next(this.end)
    end = flow.End()


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_a_database_in_memory_of_its_own(flow_tester, number):  # noqa: F811
    assert "mode=memory" in str(db.engine.url)
    run = flow_tester(GreetFlow)
    run.start("start")
    assert (run.process.id, run.process.status) == (1, "DONE")


@pytest.fixture
def named(database_url, monkeypatch):
    monkeypatch.setenv("PORTAL_TEST_DATABASE_URL", database_url)


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize("number", [1, 2])
def test_a_database_that_is_named_is_emptied(flow_tester, number):  # noqa: F811
    assert db.engine.url == make_url(os.environ["PORTAL_TEST_DATABASE_URL"])
    run = flow_tester(GreetFlow)
    run.start("start")
    assert (run.process.id, run.process.status) == (1, "DONE")


def test_what_is_public_is_found_though_it_is_imported_late():
    """The reference of the documentation lists what `dir` tells."""
    assert set(portal.testing.__all__) <= set(dir(portal.testing))
    assert all(hasattr(portal.testing, name) for name in portal.testing.__all__)


def test_what_is_no_flow_and_no_handle_is_named(flow_tester):  # noqa: F811
    for wrong in (object, GreetFlow.start, "greet"):
        with pytest.raises(TypeError, match="flow_tester takes a flow's class, not "):
            flow_tester(wrong)
    run = flow_tester(GreetFlow)
    run.start("start")
    with pytest.raises(AssertionError, match="'end' is no handle of GreetFlow; it has none"):
        run.handle("end")
