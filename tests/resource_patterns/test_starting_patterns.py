"""Auto-start patterns: a task begins without somebody who opens it."""

import pytest
from flask import current_app

from portal import flow, jsonstore, this, views
from portal.models import Process, create_user


class LabelProcess(Process):
    weight = jsonstore.IntegerField("Weight")
    place = jsonstore.StringField("Place")


class LabelFlow(flow.Flow):
    process_class = LabelProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.weigh)
    weigh = (
        flow.View(views.UpdateProcessView.as_view(fields=["weight"]))
        .Permission("label.work")
        .Next(this.store)
    )
    store = (
        flow.View(views.UpdateProcessView.as_view(fields=["place"])).Permission("label.work").Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def runs(flow_tester):
    return [flow_tester(LabelFlow) for _ in range(2)]


@pytest.fixture
def amy(runs):
    create_user("amy", "a long password", permissions=["label.work"])
    browser = current_app.test_client()
    browser.post("/login", data={"username": "amy", "password": "a long password"})
    return browser


def address(run, node):
    return f"/tasks/{run.task(node).task.id}/execute"


def place(answer):
    return answer.location.partition("?")[0]


def test_r36_commencement_on_creation(runs, amy):
    """A task is at work as soon as it is made.

    *Submit and open first task* of a start form (`_continue`) takes the first task that is for the
    requester and opens it. Without a person's click only code begins by itself."""
    answer = amy.post("/flows/label/start/start", data={"_continue": "1"})
    runs[0]._process_id = 1
    assert place(answer) == address(runs[0], "weigh")
    assert runs[0].task("weigh").owner.username == "amy"


def test_r37_commencement_on_allocation(runs, amy):
    """A task is at work as soon as it is somebody's.

    *Take and open*, *Take next from queue*: the task is taken, and its form is open."""
    runs[0].start("start", user="tom")
    answer = amy.post("/queue/next")
    assert place(answer) == address(runs[0], "weigh")


def test_r38_piled_execution(runs, amy):
    """Somebody does the same step of one case after the other.

    *Then open the next task* with *One of this step first*; the choice is remembered."""
    for run in runs:
        run.start("start", user="tom")
    amy.post("/queue/next")
    done = {"weight": "3", "_continue": "1", "_order": "step"}
    assert place(amy.post(address(runs[0], "weigh"), data=done)) == address(runs[1], "weigh")


def test_r39_chained_execution(runs, amy):
    """Somebody does one step of a case after the other.

    *Then open the next task* with *One of this process first*, as it is at the beginning."""
    for run in runs:
        run.start("start", user="tom")
    amy.post("/queue/next")
    done = {"weight": "3", "_continue": "1", "_order": "case"}
    assert place(amy.post(address(runs[0], "weigh"), data=done)) == address(runs[0], "store")
