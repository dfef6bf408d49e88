"""My requests: how far each is on its milestones, who has it, and what became of it."""

import datetime as dt

import pytest
from sqlalchemy import update

from portal import act, flow, jsonstore, this, views
from portal.engine import actions, drafts
from portal.models import Process, Task, db


class ClaimProcess(Process):
    purpose = jsonstore.StringField("Purpose", required=True)
    approved = jsonstore.BooleanField("Approved", default=False)


def not_approved(process):
    return not process.approved


class ClaimFlow(flow.Flow):
    """Claim"""

    process_class = ClaimProcess
    process_summary_template = "Claim of {{ process.purpose }}"
    process_result_template = "{{ 'Paid' if process.approved else 'Declined' }}"
    milestones = {"Manager": this.approve, "Signature": this.sign, "Payment": this.paid}
    withdraw = not_approved

    start = flow.Start(views.CreateProcessView.as_view(fields=["purpose"])).Next(this.approve)
    approve = (
        flow.View(views.UpdateProcessView.as_view(fields=["approved"]))
        .Permission("paper.can_review")
        .Due(dt.timedelta(days=2))
        .Next(this.check)
    )
    check = flow.If(act.process.approved).Then(this.fork).Else(this.paid)
    fork = flow.Split().Next(this.sign).Next(this.fail)
    sign = flow.ManualTask().Annotation(title="Sign it").Permission("paper.can_sign").Next(this.join)
    fail = flow.Function(this.do_fail).Next(this.join)
    join = flow.Join().Next(this.paid)
    paid = flow.End()

    def do_fail(self, activation):
        if activation.process.purpose == "a fault":
            raise ConnectionError("the bank's socket is closed")


@pytest.fixture
def claim(paper, register, people):
    register(ClaimFlow)

    def start(purpose="a train"):
        return views.submit(ClaimFlow.start, people["alice"], purpose=purpose).id

    return start


@pytest.fixture
def approve(open_task, people):
    def approve(process_id):
        with actions.activation(
            db.session(), open_task(process_id, "approve").id, people["bob"]
        ) as activation:
            activation.assign(people["bob"])
            activation.process.approved = True
            activation.execute()

    return approve


def milestones(page):
    """The words of the milestones of the first request with their states."""
    text = page[page.index('class="milestones"') :]
    items = text[: text.index("</ol>")].split("<li class=")[1:]
    return [(item.split('"')[1], item) for item in items]


def states(page):
    return [state for state, _ in milestones(page)]


def test_the_line_says_what_is_done_under_way_and_to_come(claim, approve, alice):
    key = claim()
    page = alice.get("/requests").text
    assert "Claim of a train" in page
    assert states(page) == ["is-done", "is-current", "is-ahead", "is-ahead"]
    assert "Waiting for somebody to take it" in page
    approve(key)
    assert states(alice.get("/requests").text) == ["is-done", "is-done", "is-current", "is-ahead"]


def test_who_has_it_and_by_when(claim, alice, take):
    take(claim(), node="approve")
    page = alice.get("/requests").text
    assert "bob has it" in page
    assert "· due" in " ".join(page.split())


def test_a_failure_reads_as_a_delay(claim, approve, alice):
    approve(claim("a fault"))
    page = alice.get("/requests").text
    assert "is-delayed" in states(page)
    assert "is delayed" in page
    for word in ("socket", "ConnectionError", "failed", "Failed", "do_fail"):
        assert word not in page


def test_what_is_suspended_is_on_hold(claim, alice, people):
    actions.suspend(db.session(), claim(), people["erin"].id)
    page = alice.get("/requests").text
    assert "On hold" in page


def test_withdraw_is_offered_while_the_flow_allows_it(claim, approve, alice):
    key = claim()
    address = f"/processes/{key}/withdraw"
    page = alice.get("/requests").text
    assert address in page
    assert alice.get(address).status_code == 200
    approve(key)
    assert address not in alice.get("/requests").text


def test_without_milestones_the_step_is_named(submit, alice):
    submit("On bees")
    page = alice.get("/requests").text
    assert "now:" in page
    assert "<strong>Review</strong>" in page


def test_what_is_over_stands_apart_with_its_result(claim, alice, submit, people):
    key = claim()
    actions.cancel_process(db.session(), key, people["erin"].id)
    page = alice.get("/requests").text
    assert "You have no request in progress" in page
    assert "Recently finished" in page
    assert "Claim of a train" in alice.get("/requests?show=finished").text


def test_somebody_elses_are_not_there_nor_what_a_process_called(claim, alice, bob):
    key = claim()
    assert "You have not requested anything yet" in bob.get("/requests").text
    task = db.session.scalars(db.select(Task).where(Task.process_id == key)).unique().first()
    child = claim("a child")
    db.session.execute(update(Process).where(Process.id == child).values(parent_task_id=task.id))
    db.session.commit()
    assert "Claim of a child" not in alice.get("/requests").text


def test_drafts_have_a_page(alice, people):
    assert "No drafts" in alice.get("/requests?show=drafts").text
    drafts.save(db.session(), people["alice"].id, "/flows/paper/start/start", None, [["title", "On wasps"]])
    page = alice.get("/requests?show=drafts").text
    assert "/flows/paper/start/start" in page


def test_pages_go_on_by_keys(claim, alice):
    for number in range(27):
        claim(f"journey {number:02}")
    page = alice.get("/requests").text
    assert "25+" in page
    assert "journey 26" in page
    after = page[page.index("after=") :].split('"')[0]
    second = alice.get(f"/requests?{after}").text
    assert "journey 01" in second
    assert "journey 26" not in second


def test_the_old_address_still_works(claim, alice):
    key = claim()
    assert f"/processes/{key}" in alice.get("/processes?mine=1").text


def test_its_statements_do_not_grow_with_the_requests(claim, approve, alice, count):
    claim()
    alice.get("/requests")
    with count() as few:
        alice.get("/requests")
    for number in range(4):
        claim(f"journey {number}")
    approve(claim("another"))
    with count() as many:
        alice.get("/requests")
    assert len(many) == len(few) <= 9, str(many)
