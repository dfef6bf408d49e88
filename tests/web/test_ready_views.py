"""The ready views: forms of a process and of an artifact, with a form or a page of the author's own."""

import pytest
from flask_wtf import FlaskForm
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy.orm import Mapped, mapped_column
from wtforms import IntegerField, StringField, SubmitField
from wtforms.validators import InputRequired, NumberRange

from portal import flow, jsonstore, this, views
from portal.errors import FlowError
from portal.models import Process, db


class OrderSlip(db.Model):
    __tablename__ = "order_slip"
    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]
    amount: Mapped[int] = mapped_column(default=1)
    note: Mapped[str | None]


class SlipProcess(Process):
    remark = jsonstore.StringField("Remark")


class SlipFlow(flow.Flow):
    process_class = SlipProcess
    start = flow.Start(views.CreateArtifactView.as_view(model=OrderSlip, fields=["item", "amount"])).Next(
        this.change
    )
    change = flow.View(views.UpdateArtifactView.as_view(fields=["note"])).Next(this.end)
    end = flow.End()


def test_an_artifact_is_made_and_changed(client_of, people, register):
    register(SlipFlow)
    erin = client_of("erin")
    address = "/flows/slip/start/start"
    assert 'name="item"' in erin.get(address).text
    answer = erin.post(address, data={"item": "", "amount": "x"})
    assert answer.status_code == 422
    assert db.session.scalar(db.select(db.func.count(OrderSlip.id))) == 0
    answer = erin.post(address, data={"item": "Chair", "amount": "4", "note": "x", "_continue": "1"})
    assert answer.status_code == 303
    process = db.session.scalars(db.select(SlipProcess)).unique().one()
    assert (process.artifact.item, process.artifact.amount, process.artifact.note) == ("Chair", 4, None)
    page = erin.get(answer.location).text
    assert "Chair" in page
    assert erin.post(answer.location, data={"note": "Soft", "item": "Table"}).status_code == 303
    db.session.expire_all()
    assert (process.artifact.item, process.artifact.note) == ("Chair", "Soft")
    assert "Soft" in erin.get(f"/processes/{process.id}").text


class AgeForm(FlaskForm):
    remark = StringField("Your remark", [InputRequired()])
    age = IntegerField("Age", [NumberRange(18, 99)])
    status = StringField("Marital status")
    send = SubmitField("Send")


def test_a_form_and_a_page_of_the_authors_own(app, client_of, people, register, monkeypatch):
    class OwnFlow(flow.Flow):
        process_class = SlipProcess
        start = flow.Start(views.CreateProcessView.as_view(form_class=AgeForm, template="own.html")).Next(
            this.end
        )
        end = flow.End()

    register(OwnFlow)
    page = "{{ flow.title }}|{{ node.name }}|{{ form.remark.label.text }}|{{ form.errors|length }}"
    monkeypatch.setattr(app, "jinja_loader", ChoiceLoader([DictLoader({"own.html": page}), app.jinja_loader]))
    erin = client_of("erin")
    address = "/flows/own/start/start"
    assert erin.get(address).text == "Own|start|Your remark|0"
    answer = erin.post(address, data={"remark": "x", "age": "5"})
    assert (answer.status_code, answer.text) == (422, "Own|start|Your remark|1")
    assert erin.post(address, data={"remark": "Fine", "age": "20"}).status_code == 303
    process = db.session.scalars(db.select(SlipProcess)).unique().one()
    assert (process.remark, process.status) == ("Fine", "DONE")
    db.session.rollback()
    said = app.test_cli_runner().invoke(args=["flows", "check"]).output
    assert "own: OwnFlow.start: nothing stores `age`, `status` of AgeForm; add" in said


def test_a_hand_written_view_decides_where_to_go(client_of, people, register):
    from flask import redirect, request

    def ask(activation):
        if request.method == "POST":
            if "remark" not in request.form:
                return "what?", 422
            activation.process.remark = request.form["remark"]
            activation.execute()
            return redirect("/archive")
        return "<form>"

    class HandFlow(flow.Flow):
        process_class = SlipProcess
        start = flow.Start(ask).Next(this.work)
        work = flow.View(this.work_view).Next(this.end)
        end = flow.End()

        def work_view(self, activation):
            if request.method == "POST":
                activation.process.remark = "half done"
                return "not yet", 422
            return activation.process.remark

    register(HandFlow)
    erin = client_of("erin")
    address = "/flows/hand/start/start"
    assert erin.get(address).text == "<form>"
    assert erin.post(address).status_code == 422
    assert erin.post(address, data={"remark": "By hand"}).location == "/archive"
    process = db.session.scalars(db.select(SlipProcess)).unique().one()
    task_id = process.tasks[1].id
    erin.post(f"/tasks/{task_id}/assign")
    assert erin.get(f"/tasks/{task_id}/execute").text == "By hand"
    assert erin.post(f"/tasks/{task_id}/execute").status_code == 422
    db.session.expire_all()
    assert process.remark == "By hand"


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (views.CreateProcessView.as_view(fields=["remrk"]), "did you mean `remark`"),
        (views.UpdateProcessView.as_view(fields=["zzz"]), "known are: remark"),
        (views.CreateArtifactView.as_view(OrderSlip, ["itm"]), "did you mean `item`"),
    ],
)
def test_a_field_that_is_not_there_is_an_error_at_import(view, words):
    with pytest.raises(FlowError) as error:

        class WrongFlow(flow.Flow):
            process_class = SlipProcess
            start = flow.Start(view).Next(this.end)
            end = flow.End()

    assert "WrongFlow.start" in str(error.value)
    assert words in str(error.value)
