"""Forms with an input of every kind, as a browser gets and sends them."""

import datetime as dt
from decimal import Decimal
from io import BytesIO

import pytest

from portal import flow, jsonstore, this, views
from portal.models import Process, db

FORM = "/flows/pick_up/start/start"


class PickUpProcess(Process):
    at = jsonstore.DateTimeField("At")
    weight = jsonstore.DecimalField("Weight", decimal_places=2)
    takes = jsonstore.DurationField("Takes")
    plan = jsonstore.BinaryField("Plan", max_length=10)
    count = jsonstore.IntegerField("Count")


class PickUpFlow(flow.Flow):
    process_class = PickUpProcess
    start = flow.Start(
        views.CreateProcessView.as_view(fields=["at", "weight", "takes", "plan", "count"])
    ).Next(this.change)
    change = (
        flow.View(views.UpdateProcessView.as_view(fields=["at", "plan"]))
        .Assign(this.start.owner)
        .Next(this.end)
    )
    end = flow.End()


@pytest.fixture
def erin(client_of, register):
    register(PickUpFlow)
    return client_of("erin")


@pytest.fixture
def stored(erin):
    def stored(**data):
        assert erin.post(FORM, data=data).status_code == 303
        return db.session.scalars(db.select(PickUpProcess)).unique().one()

    return stored


def test_a_moment_is_in_utc_unless_the_browser_tells_its_zone(erin, stored):
    assert "Time zone: UTC" in erin.get(FORM).text
    erin.set_cookie("timezone", "Asia/Kolkata")
    assert "Time zone: Asia/Kolkata" in erin.get(FORM).text
    process = stored(at="2026-07-01T12:00")
    assert process.at == dt.datetime(2026, 7, 1, 6, 30, tzinfo=dt.UTC)
    page = erin.get(f"/tasks/{process.tasks[-1].id}/execute").text
    assert 'value="2026-07-01T12:00"' in page


def test_a_zone_that_somebody_chose_goes_before_the_browsers(erin, people, stored):
    people["erin"].preferences = {"timezone": "America/New_York"}
    db.session.commit()
    erin.set_cookie("timezone", "Asia/Kolkata")
    assert "Time zone: America/New_York" in erin.get(FORM).text
    assert stored(at="2026-07-01T12:00").at == dt.datetime(2026, 7, 1, 16, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize("zone", ["Nowhere/At all", "../../etc/passwd", "", "x" * 300])
def test_a_zone_that_is_none_is_utc(erin, zone):
    erin.set_cookie("timezone", zone)
    assert "Time zone: UTC" in erin.get(FORM).text


def test_a_number_is_typed_with_a_point_or_a_comma(erin, stored):
    page = erin.get(FORM).text
    assert (
        '<input class="form-control" id="weight" inputmode="decimal" name="weight" type="text" value="">'
        in page
    )
    assert stored(weight="12,50", takes="1:30").weight == Decimal("12.50")


def test_a_form_that_comes_back_tells_that_its_file_has_to_be_chosen_again(erin):
    answer = erin.post(FORM, data={"weight": "much", "plan": (BytesIO(b"plan"), "plan.txt")})
    assert answer.status_code == 422
    assert "Please choose the file again" in answer.text
    assert 'value="much"' in answer.text
    assert "This is not a number. Write it as 1234.50." in answer.text


def test_a_form_tells_of_the_file_that_is_stored(erin, stored):
    process = stored(plan=(BytesIO(b"plan"), "plan.txt"))
    path = f"/tasks/{process.tasks[-1].id}/execute"
    assert "4 bytes" in erin.get(path).text
    assert "Another file replaces it." in erin.get(path).text
    assert erin.post(path, data={"at": ""}).status_code == 303
    db.session.expire_all()
    assert process.plan == b"plan"
