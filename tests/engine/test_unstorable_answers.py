"""What an author's code gives to a node and no database keeps fails that node alone: what a person has done is kept."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, this, views
from portal.models import Process, db


class Pair(db.Model):
    __tablename__ = "unstorable_pair"
    left: Mapped[int] = mapped_column(primary_key=True)
    right: Mapped[int] = mapped_column(primary_key=True)


_LOOP: list[object] = []
_LOOP.append(_LOOP)
UNSTORABLE = {
    "an object": object(),
    "a number that is none": float("nan"),
    "a text with NUL": "a\0b",
    "half a character": "\ud800",
    "a key that is no text": {1: 2},
    "a list in itself": _LOOP,
}


class LetterProcess(Process):
    text = jsonstore.StringField("Text")


class LetterFlow(flow.Flow):
    process_class = LetterProcess
    gives: object = None
    start = flow.Start(views.CreateProcessView.as_view(fields=["text"])).Next(this.read)
    read = flow.Function(lambda activation: None).Next(this.end)
    end = flow.End()


def written(flow_tester, flow_class, node):
    """A letter whose writer has sent the form; the node is in ERROR then, and has made nothing."""
    run = flow_tester(flow_class)
    run.start("start", user="ann", text="typed")
    assert run.process.text == "typed"
    assert [task.status for task in run.tasks(node)] == ["ERROR"]
    assert all(task.flow_task in ("start", node) for task in run.process.tasks)
    return run.task(node).data["_exception"]


@pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE)
def test_data_of_the_next_task(flow_tester, value):
    class PassingFlow(LetterFlow):
        read = flow.Function(lambda activation: None).Next(
            this.end, task_data=lambda activation: {"x": value}
        )

    written(flow_tester, PassingFlow, "read")


@pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE)
def test_items_of_a_split(flow_tester, value):
    class SharedFlow(LetterFlow):
        read = flow.Split().Next(this.look, task_data_source=lambda activation: [{}, {"x": value}])
        look = flow.ManualTask().Next(this.end)

    written(flow_tester, SharedFlow, "read")


@pytest.mark.parametrize(
    "value", [object(), "text", Process, Pair(left=1, right=2)], ids=["object", "text", "class", "two keys"]
)
@pytest.mark.parametrize("word", ["task_seed", "task_seed_source"])
def test_seeds_that_are_no_rows(flow_tester, word, value):
    class SeedsFlow(LetterFlow):
        read = flow.Split().Next(this.look, task_seed_source=lambda activation: [value])
        look = flow.ManualTask().Next(this.end)

    class SeedFlow(LetterFlow):
        read = flow.Function(lambda activation: None).Next(this.end, task_seed=lambda activation: value)

    told = written(flow_tester, SeedFlow if word == "task_seed" else SeedsFlow, "read")
    assert told["message"].startswith(("seed takes a mapped object", "seed takes an object whose key is one"))


def test_a_priority_that_no_column_holds(flow_tester):
    class UrgentFlow(LetterFlow):
        read = flow.ManualTask().Priority(lambda activation: 10**12).Next(this.end)

    assert ".Priority() gives 1000000000000" in written(flow_tester, UrgentFlow, "read")["message"]


def test_an_object_of_a_permission_whose_key_no_column_holds(flow_tester):
    class LongFlow(LetterFlow):
        read = flow.ManualTask().Permission("long.read", obj=lambda activation: "x" * 200).Next(this.end)

    assert ".Permission(obj=…) gives 'xxx" in written(flow_tester, LongFlow, "read")["message"]


@pytest.mark.parametrize("value", [10**40, -(10**40), _LOOP, object(), "\ud800", "a\0b"], ids=range(6))
def test_somebody_who_cannot_be_leaves_the_task_to_all(flow_tester, value):
    class GivenFlow(LetterFlow):
        read = flow.ManualTask().Assign(lambda activation: value).Next(this.end)

    run = flow_tester(GivenFlow)
    run.start("start", user="ann", text="typed")
    assert run.task("read").status == "NEW"


def test_a_priority_that_is_said_at_once_is_refused_at_import():
    from portal.errors import FlowError

    with pytest.raises(FlowError, match=r"Priority.*up to 2,147,483,647"):

        class MostUrgentFlow(LetterFlow):
            read = flow.ManualTask().Priority(2**31).Next(this.end)


def test_it_is_caught_like_what_code_raises(flow_tester):
    class CaughtFlow(LetterFlow):
        read = (
            flow.Function(lambda activation: None)
            .OnError(this.mend, code=ValueError)
            .Next(this.end, task_data=lambda activation: {"x": object()})
        )
        mend = flow.ManualTask().Next(this.end)

    run = flow_tester(CaughtFlow)
    run.start("start", user="ann", text="typed")
    assert run.task("mend").status == "NEW"
    db.session.rollback()


class Stamp(db.Model):
    __tablename__ = "unstorable_stamp"
    number: Mapped[int] = mapped_column(primary_key=True)


class StampedProcess(Process):
    __tablename__ = "unstorable_stamped"
    text = jsonstore.StringField("Text")
    pages: Mapped[int] = mapped_column(default=1)
    code: Mapped[str | None] = mapped_column(unique=True)


def assign_nothing(activation):
    activation.process.pages = None


def assign_twice(activation):
    activation.process.code = "taken"


def point_at_a_second_one(activation):
    activation.process.artifact = Stamp(number=1)


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize("code", [assign_nothing, assign_twice, point_at_a_second_one])
def test_what_a_job_has_assigned_and_the_database_refuses_fails_the_job(flow_tester, code, retries):
    class StampFlow(flow.Flow):
        process_class = StampedProcess
        start = flow.StartHandle().Next(this.work)
        work = flow.Job(code, retries=retries).Next(this.end)
        end = flow.End()

    class FirstFlow(flow.Flow):
        process_class = StampedProcess
        start = flow.StartHandle(assign_twice).Next(this.end)
        end = flow.End()

    flow_tester(FirstFlow).start("start")
    run = flow_tester(StampFlow)
    run.start("start")
    db.session.add(Stamp(number=1))
    db.session.commit()
    run.jobs()
    if retries:
        assert run.task("work").status == "SCHEDULED"
        run.advance(minutes=1).jobs()
    assert run.task("work").status == "ERROR"
    assert run.task("work").data["_exception"]["type"] == "IntegrityError"
    assert (run.process.pages, run.process.code, run.process.artifact) == (1, None, None)


@pytest.mark.parametrize("word", ["task_seed", "task_seed_source"])
def test_a_seed_that_the_database_refuses(flow_tester, word):
    class SeedsFlow(LetterFlow):
        read = flow.Split().Next(
            this.look, task_seed_source=lambda activation: [Stamp(number=2), Stamp(number=1)]
        )
        look = flow.ManualTask().Next(this.end)

    class SeedFlow(LetterFlow):
        read = flow.Function(lambda activation: None).Next(
            this.end, task_seed=lambda activation: Stamp(number=1)
        )

    flow_class = SeedFlow if word == "task_seed" else SeedsFlow
    flow_tester(flow_class)
    db.session.add(Stamp(number=1))
    db.session.commit()
    assert written(flow_tester, flow_class, "read")["type"] == "IntegrityError"
    assert db.session.scalars(db.select(Stamp.number)).all() == [1]


@pytest.mark.parametrize("value", [None, [1], "text", 7])
@pytest.mark.parametrize("whose", ["process", "task"])
@pytest.mark.parametrize("kind", [flow.Function, flow.Job])
def test_data_as_a_whole_is_a_mapping(flow_tester, whose, value, kind):
    class WholeFlow(LetterFlow):
        read = kind(lambda activation: setattr(getattr(activation, whose), "data", value)).Next(this.end)

    run = flow_tester(WholeFlow)
    run.start("start", user="ann", text="typed").jobs()
    assert run.process.text == "typed"
    assert run.task("read").status == "ERROR"
    assert run.task("read").data["_exception"]["type"] == "ValueError"
