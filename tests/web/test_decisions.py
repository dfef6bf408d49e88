"""Forms that decide: one button for each value of the field that `decide=` names."""

import enum
import re

import pytest
from sqlalchemy.orm import Mapped, mapped_column
from wtforms import Form, StringField

from portal import flow, jsonstore, this, views
from portal.discovery import discover
from portal.errors import FlowError, InvalidForm
from portal.models import Process, db

PASSWORD = "correct horse battery"


class Verdict(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class ThesisProcess(Process):
    passed = jsonstore.BooleanField("Passed", labels=("Approve", "Decline"), default=False)
    grade = jsonstore.ChoiceField("Grade", choices=[("a", "Very good"), ("b", "Good"), ("f", "Fail")])
    verdict = jsonstore.ChoiceField("Verdict", choices=Verdict)
    remark = jsonstore.TextField("Remark")
    seen = jsonstore.BooleanField("I have read it")


class ThesisFlow(flow.Flow):
    process_class = ThesisProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.read)
    read = flow.View(
        views.UpdateProcessView.as_view(fields=["remark"], decide="passed", require={False: ["remark"]})
    ).Next(this.rate)
    rate = flow.View(
        views.UpdateProcessView.as_view(
            fields=["seen", "grade", "remark"], decide="grade", require={"f": "remark", "a": ["seen"]}
        )
    ).Next(this.judge)
    judge = flow.View(views.UpdateProcessView.as_view(decide="verdict", require={})).Next(this.end)
    end = flow.End()


@pytest.fixture
def thesis(flow_tester):
    run = flow_tester(ThesisFlow)
    run.start("start", user="alice")
    return run


@pytest.fixture
def sent(thesis):
    """Sends the form of the thesis's open task."""
    app = thesis._tester.app

    def send(node, **data):
        task = thesis.task(node)
        if task.status == "NEW":
            task.assign("bob")
        client = app.test_client()
        owner = task.task.owner
        owner.set_password(PASSWORD)
        db.session.commit()
        assert (
            client.post("/login", data={"username": owner.username, "password": PASSWORD}).status_code == 303
        )
        address = f"/tasks/{task.id}/execute"
        return client.post(address, data=data) if data.pop("post", True) else client.get(address)

    return send


def buttons(page):
    return re.findall(
        r'<button class="(btn [\w-]+)" type="submit" id="[^"]*" name="(\w+)" value="(\w+)">(.*?)</button>',
        page,
    )


def test_each_value_is_a_button_and_no_input(sent):
    page = sent("read", post=False).text
    found = [(style, name, value) for style, name, value, _ in buttons(page)]
    assert found == [("btn btn-primary", "passed", "true"), ("btn btn-outline-danger", "passed", "false")]
    assert [words.rsplit(" ", 1)[-1] for *_, words in buttons(page)] == ["Approve", "Decline"]
    assert 'type="checkbox" id="passed"' not in page
    assert "(required for “Decline”)" in page
    assert "Submit" not in page


def test_enter_in_an_input_decides_nothing(sent):
    form = sent("read", post=False).text.split('<form class="panel"')[1]
    first = re.search(r'<button[^>]*type="submit"[^>]*>', form)[0]
    assert "disabled" in first
    assert "name=" not in first


@pytest.mark.parametrize("data", [{}, {"passed": ""}, {"passed": "maybe"}, {"passed": ["true", "false"]}])
def test_without_a_decision_nothing_is_done_and_all_is_kept(thesis, sent, data):
    answer = sent("read", remark="I have <seen> it", **data)
    assert answer.status_code == 422
    assert "I have &lt;seen&gt; it" in answer.text
    assert 'href="#passed"' in answer.text
    assert thesis.task("read").status == "ASSIGNED"
    if not any(data.values()):
        assert "Choose Approve or Decline." in answer.text


@pytest.mark.parametrize("remark", ["", "  \n "])
def test_a_value_requires_a_field(thesis, sent, remark):
    answer = sent("read", passed="false", remark=remark)
    assert (answer.status_code, "This field is required for “Decline”." in answer.text) == (422, True)
    assert sent("read", passed="true", remark=remark).status_code == 303
    assert thesis.process.passed is True


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("y", True)])
def test_the_value_of_the_button_is_stored(thesis, sent, text, value):
    assert sent("read", passed=text, remark="So it is").status_code == 303
    assert (thesis.process.passed, thesis.process.remark) == (value, "So it is")


def test_a_choice_is_decided_also_if_it_stands_among_the_fields(thesis, sent):
    thesis.task("read").assign("bob").execute(passed=True)
    page = sent("rate", post=False).text
    assert [value for _, _, value, _ in buttons(page)] == ["a", "b", "f"]
    assert "<select" not in page
    assert sent("rate", grade="a").status_code == 422  # a box that is not ticked is empty
    assert sent("rate", grade="x").status_code == 422
    assert sent("rate", grade="a", seen="y").status_code == 303
    assert thesis.process.grade == "a"


def test_a_decision_goes_through_the_driver(thesis):
    task = thesis.task("read").assign("bob")
    with pytest.raises(InvalidForm):
        task.execute()
    with pytest.raises(InvalidForm):
        task.execute(passed=False)
    task.execute(passed=False, remark="Too short")
    rate = thesis.task("rate").assign("bob")
    with pytest.raises(InvalidForm):
        rate.execute(grade="f", remark=None)
    rate.execute(grade="b")
    thesis.task("judge").assign("bob").execute(verdict=Verdict.BAD)
    process = thesis.process
    assert (process.passed, process.grade, process.verdict) == (False, "b", Verdict.BAD)
    assert process.status == "DONE"


class Turn(enum.Enum):
    """Each member bears the name of the other's value."""

    LEFT = "RIGHT"
    RIGHT = "LEFT"


class TurnProcess(Process):
    chosen = jsonstore.ChoiceField("Chosen", choices=Turn)
    decided = jsonstore.ChoiceField("Decided", choices=Turn)


class TurnFlow(flow.Flow):
    process_class = TurnProcess
    start = flow.StartHandle().Next(this.turn)
    turn = flow.View(views.UpdateProcessView.as_view(fields=["chosen"], decide="decided")).Next(this.end)
    end = flow.End()


def test_a_value_is_read_before_a_name_that_is_the_same(flow_tester):
    run = flow_tester(TurnFlow)
    run.start()
    run.task("turn").assign("ann").execute(chosen="LEFT", decided="LEFT")
    assert (run.process.chosen, run.process.decided) == (Turn.RIGHT, Turn.RIGHT)


def test_what_was_decided_before_is_no_answer(thesis, sent):
    thesis.process.grade = "b"
    db.session.commit()
    thesis.task("read").assign("bob").execute(passed=True)
    assert sent("rate").status_code == 422


class Offer(db.Model):
    __tablename__ = "decided_offer"
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]
    good: Mapped[bool | None] = mapped_column(info={"labels": ("Take it", "Leave it")})
    verdict: Mapped[Verdict | None]


class OfferFlow(flow.Flow):
    start = flow.Start(views.CreateArtifactView.as_view(model=Offer, fields=["item"], decide="verdict")).Next(
        this.look
    )
    look = flow.View(
        views.UpdateArtifactView.as_view(fields=["item"], decide="good", require={True: "item"})
    ).Next(this.end)
    end = flow.End()


def test_columns_of_an_artifact_are_decided(flow_tester):
    run = flow_tester(OfferFlow)
    with pytest.raises(InvalidForm):
        run.start("start", item="Chair")
    run.start("start", item="Chair", verdict=Verdict.GOOD)
    look = run.task("look").assign("bob")
    with pytest.raises(InvalidForm):
        look.execute(item="Table")
    look.execute(item="Table", good=False)
    offer = run.process.artifact
    assert (offer.item, offer.good, offer.verdict) == ("Table", False, Verdict.GOOD)


class RemarkForm(Form):
    remark = StringField("Remark")


class ByHandFlow(flow.Flow):
    process_class = ThesisProcess
    start = flow.Start(
        views.CreateProcessView.as_view(form_class=RemarkForm, decide="passed", require={False: ["remark"]})
    ).Next(this.end)
    end = flow.End()


def test_a_form_of_the_authors_own_decides(flow_tester):
    run = flow_tester(ByHandFlow)
    for values in ({}, {"passed": False}, {"passed": False, "remark": " "}):
        with pytest.raises(InvalidForm):
            run.start("start", **values)
    run.start("start", passed=False, remark="No")
    assert (run.process.passed, run.process.remark) == (False, "No")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decide": "pased"}, "has no such field"),
        ({"decide": "remark"}, "make it a BooleanField or a ChoiceField"),
        ({"decide": "passed", "require": {None: ["remark"]}}, "its values are True, False"),
        ({"decide": "grade", "require": {"x": ["remark"]}}, "its values are 'a', 'b', 'f'"),
        ({"decide": "passed", "require": {False: ["reason"]}}, "add it to `fields`"),
        ({"decide": "passed", "require": {False: ["grade"]}}, "add it to `fields`"),
        ({"require": {False: ["remark"]}}, "decide="),
    ],
)
def test_a_wrong_decision_is_told_at_import(options, words):
    with pytest.raises(FlowError) as refused:

        class WrongFlow(flow.Flow):
            process_class = ThesisProcess
            start = flow.Start(views.CreateProcessView.as_view(fields=["remark"], **options)).Next(this.end)
            end = flow.End()

    assert words in str(refused.value)
    assert "start" in str(refused.value)


def test_every_decision_of_the_demo_is_made_by_a_button(app):
    """A step before a question is left by an answer to it: to send its form untouched answers nothing."""
    decided = {}
    for label, flow_class in discover(("flows",)).items():
        for name, node in flow_class.definition.nodes.items():
            decision = getattr(getattr(node, "view", None), "decision", None)
            if decision is not None:
                decided.setdefault(label, {})[name] = decision.name
    assert decided == {
        "hello_world": {"approve": "approved"},
        "leave_request": {"approve": "approved", "approve_late": "approved"},
        "purchase_order": {
            "approve": "approved",
            "approve_large": "approved",
            "check_budget": "budget_ok",
            "check_supplier": "supplier_ok",
        },
        "expense_claim": {"approve": "approved", "countersign": "countersigned"},
        "booking": {"confirm": "agreed"},
    }


def test_the_box_that_opens_the_next_task_stays_as_it_was_left(thesis, sent):
    def is_ticked(node):
        return 'name="_continue" value="1" checked' in sent(node, post=False).text

    assert not is_ticked("read")
    answer = sent("read", passed="true", _asks_next="1", _continue="1")
    assert answer.location == f"/tasks/{thesis.task('rate').id}/execute"
    assert is_ticked("rate")
    assert sent("rate", grade="b", _asks_next="1").location == "/inbox"
    assert not is_ticked("judge")
