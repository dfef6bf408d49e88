"""What does not go together in a form is told by its `check`."""

import pytest

from portal import flow, jsonstore, this, views
from portal.errors import InvalidForm
from portal.models import Process, db

FORM = "/flows/meeting/start/start"


class MeetingProcess(Process):
    begins = jsonstore.TimeField("Begins", required=True)
    ends = jsonstore.TimeField("Ends", required=True)


def in_order(meeting):
    if meeting.ends <= meeting.begins:
        raise ValueError("It ends before it begins.")


class MeetingFlow(flow.Flow):
    process_class = MeetingProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["begins", "ends"], check=in_order)).Next(
        this.move
    )
    move = (
        flow.View(views.UpdateProcessView.as_view(fields=["ends"], check=in_order))
        .Assign(this.start.owner)
        .Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def erin(client_of, register):
    register(MeetingFlow)
    return client_of("erin")


def test_a_form_that_does_not_fit_together_comes_back_whole(erin):
    answer = erin.post(FORM, data={"begins": "10:00", "ends": "09:00"})
    assert answer.status_code == 422
    assert "<li>It ends before it begins.</li>" in answer.text
    assert 'value="09:00"' in answer.text
    assert db.session.scalar(db.select(db.func.count(Process.id))) == 0


def test_what_a_check_refuses_is_not_stored(erin):
    assert erin.post(FORM, data={"begins": "10:00", "ends": "11:00"}).status_code == 303
    process = db.session.scalars(db.select(MeetingProcess)).unique().one()
    path = f"/tasks/{process.tasks[-1].id}/execute"
    assert erin.post(path, data={"ends": "09:00"}).status_code == 422
    db.session.expire_all()
    assert process.ends.hour == 11
    assert erin.post(path, data={"ends": "12:00"}).status_code == 303


def test_a_check_holds_in_code_too(flow_tester):
    with pytest.raises(InvalidForm, match="It ends before it begins"):
        flow_tester(MeetingFlow).start("start", user="alice", begins="10:00", ends="09:00")
