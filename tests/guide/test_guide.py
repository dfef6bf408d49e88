"""Each sample of «Writing your flow», said with our imports and SQLAlchemy models."""

from __future__ import annotations

import pytest
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal import act, flow, jsonstore, this, views
from portal.errors import InvalidForm, TransitionNotAllowed
from portal.models import Process, Task, db


class Letter(db.Model):
    """Business data: a model of the author's own."""

    __tablename__ = "guide_letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    message: Mapped[str] = mapped_column(String(150))


class GuideProcess(Process):
    approved = jsonstore.BooleanField("Approved", default=False)
    sample_text = jsonstore.StringField("Text", max_length=150)


# -- data ----------------------------------------------------------------------------------------------------


class DataFlow(flow.Flow):
    process_class = GuideProcess

    start = flow.Start(views.CreateProcessView.as_view(fields=["sample_text"])).Next(this.attach)
    attach = flow.View(this.attach_view).Next(this.note, task_data=this.kept_for_the_task)
    note = flow.ManualTask().Next(this.end)
    end = flow.End()

    def attach_view(self, activation):
        from flask import redirect, request

        letter = Letter(message=request.form["message"])
        db.session.add(letter)
        activation.process.artifact = letter
        activation.execute()
        return redirect(activation.success_url)

    def kept_for_the_task(self, activation):
        return {"length": len(activation.process.artifact.message)}


def test_flow_data_is_kept_under_the_name_of_its_field(flow_tester):
    run = flow_tester(DataFlow)
    run.start("start", user="alice", sample_text="Hi")

    assert run.process.sample_text == "Hi"
    assert run.process.data["sample_text"] == "Hi"
    assert run.process.approved is False
    assert isinstance(run.process, GuideProcess)


def test_business_data_is_attached_by_a_view_written_by_hand(flow_tester):
    run = flow_tester(DataFlow)
    run.start("start", user="alice", sample_text="Hi")
    run.task("attach").assign("bob").execute(message="Dear world")

    assert isinstance(run.process.artifact, Letter)
    assert run.process.artifact.message == "Dear world"
    assert db.session.query(Letter).count() == 1


def test_task_data_is_scoped_to_one_task(flow_tester):
    run = flow_tester(DataFlow)
    run.start("start", user="alice", sample_text="Hi")
    run.task("attach").assign("bob").execute(message="Dear world")

    assert run.task("note").data == {"length": 10}
    assert run.tasks("attach")[0].data == {}
    assert run.process.data.get("length") is None


# -- starting a flow -----------------------------------------------------------------------------------------


class RequestFlow(flow.Flow):
    start_with_artifact = (
        flow.Start(views.CreateArtifactView.as_view(model=Letter, fields=["message"]))
        .Annotation(title="Fill a form to start flow")
        .Permission("letters.can_start_request")
        .Next(this.approve)
    )
    start_noninteractive = flow.StartHandle(this.start_process).Next(this.approve)
    approve = (
        flow.View(views.UpdateArtifactView.as_view(fields=["message"]))
        .Permission(auto_create=True)
        .Next(this.end)
    )
    end = flow.End()

    def start_process(self, activation, message=""):
        letter = Letter(message=message)
        db.session.add(letter)
        activation.process.artifact = letter
        return activation.process


def test_an_interactive_start_makes_the_artifact(flow_tester):
    run = flow_tester(RequestFlow)
    run.start("start_with_artifact", user="alice", message="Hello World")

    assert run.process.artifact.message == "Hello World"
    assert run.process.created_by.username == "alice"
    assert run.path == ["start_with_artifact"]
    assert run.task("approve").status == "NEW"


def test_the_form_of_the_artifact_is_checked(flow_tester):
    run = flow_tester(RequestFlow)
    with pytest.raises(InvalidForm) as refused:
        run.start("start_with_artifact", user="alice", message="x" * 151)

    assert list(refused.value.errors) == ["message"]
    assert db.session.query(Process).count() == db.session.query(Letter).count() == 0


def test_a_programmatic_start_returns_what_its_function_returns(flow_tester):
    flow_tester(RequestFlow)
    process = RequestFlow.start_noninteractive.run(message="Hello World")

    assert process.artifact.message == "Hello World"
    assert process.status == "NEW"
    assert process.created_by is None
    assert [task.flow_task for task in process.tasks] == ["start_noninteractive", "approve"]


def test_a_user_task_changes_the_artifact(flow_tester):
    run = flow_tester(RequestFlow)
    run.start("start_noninteractive", message="Hello World")
    run.task("approve").assign("bob").execute(message="Hello, World!")

    assert run.process.artifact.message == "Hello, World!"
    assert run.process.status == "DONE"


# -- work without people -------------------------------------------------------------------------------------


class WorkFlow(flow.Flow):
    process_class = GuideProcess

    start = flow.Start(views.CreateProcessView.as_view(fields=["sample_text"])).Next(this.process_data)
    process_data = flow.Function(this.process_data_function).Next(this.wait_for_external_event)
    wait_for_external_event = flow.Handle(this.handle_external_event).Next(this.end)
    end = flow.End()

    def process_data_function(self, activation):
        activation.process.sample_text = activation.process.sample_text.upper()
        activation.done()

    def handle_external_event(self, activation, data):
        activation.process.sample_text = data["new_text"]
        activation.done()


def test_a_function_runs_with_the_task_before_it(flow_tester):
    run = flow_tester(WorkFlow)
    run.start("start", user="alice", sample_text="quiet")

    assert run.process.sample_text == "QUIET"
    assert run.path == ["start", "process_data"]
    assert run.task("wait_for_external_event").status == "STARTED"


def test_a_handle_waits_for_code_that_calls_it(flow_tester):
    run = flow_tester(WorkFlow)
    run.start("start", user="alice", sample_text="quiet")

    WorkFlow.wait_for_external_event.run(process=run.process, data={"new_text": "Updated Text"})

    assert run.process.sample_text == "Updated Text"
    assert run.process.status == "DONE"
    assert run.path == ["start", "process_data", "wait_for_external_event", "end"]


def test_a_handle_takes_a_task_or_an_id_too(flow_tester):
    runs = [flow_tester(WorkFlow) for _ in range(3)]
    for run in runs:
        run.start("start", user="alice", sample_text="quiet")
    WorkFlow.wait_for_external_event.run(process=runs[0].process.id, data={"new_text": "a"})
    WorkFlow.wait_for_external_event.run(
        task=runs[1].task("wait_for_external_event").task, data={"new_text": "b"}
    )
    WorkFlow.wait_for_external_event.run(
        task=runs[2].task("wait_for_external_event").id, data={"new_text": "c"}
    )

    assert [run.process.sample_text for run in runs] == ["a", "b", "c"]


def test_a_handle_is_called_once(flow_tester):
    run = flow_tester(WorkFlow)
    run.start("start", user="alice", sample_text="quiet")
    run.handle("wait_for_external_event", data={"new_text": "first"})

    with pytest.raises(TransitionNotAllowed):
        run.handle("wait_for_external_event", data={"new_text": "second"})
    assert run.process.sample_text == "first"


# -- gates ---------------------------------------------------------------------------------------------------


class ConditionFlow(flow.Flow):
    process_class = GuideProcess

    start = flow.Start(views.CreateProcessView.as_view(fields=["approved"])).Next(this.check_condition)
    check_condition = (
        flow.If(lambda activation: activation.process.approved)
        .Then(this.approved_task)
        .Else(this.rejected_task)
    )
    approved_task = flow.ManualTask().Next(this.check_approve)
    rejected_task = flow.ManualTask().Next(this.check_approve)
    check_approve = flow.If(act.process.approved).Then(this.approved).Else(this.rejected)
    approved = flow.End()
    rejected = flow.End()


@pytest.mark.parametrize(
    ("approved", "task", "end"), [(True, "approved_task", "approved"), (False, "rejected_task", "rejected")]
)
def test_one_of_two_paths_and_of_two_ends(flow_tester, approved, task, end):
    run = flow_tester(ConditionFlow)
    run.start("start", user="alice", approved=approved)
    run.task(task).assign("bob").execute()

    assert run.path == ["start", "check_condition", task, "check_approve", end]
    assert run.process.status == "DONE"
    assert db.session.query(Task).count() == 5


class ParallelFlow(flow.Flow):
    process_class = GuideProcess

    start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.parallel_tasks)
    parallel_tasks = flow.Split().Next(this.task1).Next(this.task2)
    task1 = flow.View(views.UpdateProcessView.as_view(fields=["sample_text"])).Next(this.join)
    task2 = flow.View(views.UpdateProcessView.as_view(fields=["approved"])).Next(this.join)
    join = flow.Join().Next(this.next_step)
    next_step = flow.End()


def test_parallel_branches_meet_and_keep_each_others_fields(flow_tester):
    run = flow_tester(ParallelFlow)
    run.start("start", user="alice")
    assert [run.task(name).token for name in ("task1", "task2")] == ["start/2_1", "start/2_2"]

    run.task("task2").assign("bob").execute(approved=True)
    assert run.task("join").status == "STARTED"
    run.task("task1").assign("alice").execute(sample_text="both")

    assert run.path == ["start", "parallel_tasks", "task2", "task1", "join", "next_step"]
    assert (run.process.approved, run.process.sample_text, run.process.status) == (True, "both", "DONE")


# -- processes in processes ------------------------------------------------------------------------------------


class ProofreadFlow(flow.Flow):
    process_class = GuideProcess

    start = flow.StartHandle(this.take).Next(this.read)
    read = flow.View(views.UpdateProcessView.as_view(fields=["approved"])).Next(this.check)
    check = flow.If(act.process.approved).Then(this.end).Else(this.refused)
    end = flow.End()
    refused = flow.ErrorEnd("refused")

    def take(self, activation, item=None, text=""):
        activation.process.sample_text = item or text


class PublishFlow(flow.Flow):
    process_class = GuideProcess

    start = flow.Start(views.CreateProcessView.as_view(fields=["sample_text"])).Next(this.proofread)
    proofread = (
        flow.Subprocess(ProofreadFlow.start, text=act.process.sample_text)
        .OnError(this.rewrite, code="refused")
        .Next(this.end)
    )
    rewrite = flow.View(views.UpdateProcessView.as_view(fields=["sample_text"])).Next(this.proofread)
    end = flow.End()


class AnthologyFlow(flow.Flow):
    start = flow.StartHandle().Next(this.side_by_side)
    side_by_side = flow.NSubprocess(ProofreadFlow.start, ["Bees", "Hives"]).Next(this.one_by_one)
    one_by_one = flow.NSubprocess(ProofreadFlow.start, this.titles, sequential=True).Next(this.end)
    end = flow.End()

    def titles(self, activation):
        return ["Honey", "Wax"]


def read(run, approved=True):
    run.task("read").assign("bob").execute(approved=approved)


def test_a_subprocess_is_waited_for(flow_tester):
    flow_tester(ProofreadFlow)
    run = flow_tester(PublishFlow)
    run.start("start", user="alice", sample_text="Bees")
    (child,) = run.children("proofread")

    assert run.task("proofread").status == "STARTED"
    assert child.process.sample_text == "Bees"
    assert child.process.parent_task.process.id == run.process.id
    assert child.process.created_by.username == "alice"

    read(child)
    assert child.path == ["start", "read", "check", "end"]
    assert run.path == ["start", "proofread", "end"]
    assert run.process.status == "DONE"


def test_a_failed_subprocess_is_felt_above_and_called_again(flow_tester):
    flow_tester(ProofreadFlow)
    run = flow_tester(PublishFlow)
    run.start("start", user="alice", sample_text="Beez")
    read(run.children("proofread")[0], approved=False)
    assert run.children("proofread")[0].process.status == "FAILED"

    run.task("rewrite").assign("alice").execute(sample_text="Bees")
    again = run.children("proofread")[1]
    assert again.process.sample_text == "Bees"
    read(again)
    assert run.path == ["start", "proofread__error", "rewrite", "proofread", "end"]


def test_one_subprocess_for_each_item_at_once_or_one_by_one(flow_tester):
    flow_tester(ProofreadFlow)
    run = flow_tester(AnthologyFlow)
    run.start("start")
    both = run.children("side_by_side")
    assert [child.process.sample_text for child in both] == ["Bees", "Hives"]
    for child in reversed(both):
        assert run.children("one_by_one") == []
        read(child)

    for title in ("Honey", "Wax"):
        child = run.children("one_by_one")[-1]
        assert child.process.sample_text == title
        read(child)
    assert len(run.children("one_by_one")) == 2
    assert run.path == ["start", "side_by_side", "one_by_one", "end"]
    assert run.process.status == "DONE"
