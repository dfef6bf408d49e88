"""The auditor of chaos can fail: each thing that must not be is found, and nothing in books that are in order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from portal.models import Outgoing, Process, Task, db, utcnow


@pytest.fixture
def whole(errand: Any, books: Any) -> Any:
    """An errand, a letter and the news that have come to their end, everything acknowledged."""
    from tests.chaos.errand import LetterFlow

    for _ in range(3):
        errand.jobs()
        errand.advance(seconds=3)
    for node, form in (("check", {"approved": True}), ("sign", {})):
        task = errand.task(node)
        task.assign("alice").execute(**form)
        books.said.assigned.append((task.id, "alice"))
        books.said.executed.append((task.id, "alice"))
    LetterFlow.start.run(text="dear bob")
    LetterFlow.answer.run(_where={"text": "dear bob"}, _key="dear bob")
    books.said.written.append("dear bob")
    books.said.replied.append("dear bob")
    books.send()
    assert errand.process.status == "DONE"
    return books


def _change(model: Any, **values: Any) -> Callable[[Any], None]:
    """Change the errand's row, or its last one of this kind."""

    def change(books: Any) -> None:
        newest = select(model.id).order_by(model.id.desc()).limit(1).scalar_subquery()
        books.session.execute(update(model).where(model.id == newest).values(**values))

    return change


def _say(name: str, *what: Any) -> Callable[[Any], None]:
    return lambda books: getattr(books.said, name).extend(what)


def _mark(node: str, times: int) -> Callable[[Any], None]:
    def change(books: Any) -> None:
        from tests.chaos.ledger import Mark

        task = books.task(node).id
        books.session.execute(delete(Mark).where(Mark.task_id == task))
        for _ in range(times):
            books.session.execute(insert(Mark).values(task_id=task, node=node))

    return change


def _counted(books: Any) -> None:
    process = books.session.get_one(Process, books.process)
    process.data["worked_by"] = 7
    books.session.flush()


def _tries(*tries: tuple[int, bool]) -> Callable[[Any], None]:
    """Attempts of a job that began and ended in this order."""

    def change(books: Any) -> None:
        from tests.chaos.ledger import Try

        task = books.task("work")
        books.session.execute(delete(Try).where(Try.task_id == task.id))
        for attempt, began in tries:
            row = {"attempt": attempt, "began": began, "silence": None if began else 1.0}
            books.session.execute(insert(Try).values(task_id=task.id, pid=1, moment=utcnow(), **row))

    return change


def _another_news(books: Any) -> None:
    news = books.session.scalars(select(Process).where(Process.flow_label == "news")).first()
    books.session.add(
        Process(
            flow_label="news",
            status="DONE",
            created=news.created,
            finished=news.created,
            task_count=0,
            ended=True,
            on_hold=False,
            depth=0,
        )
    )
    books.session.flush()


def _forget(books: Any) -> None:
    books.session.execute(delete(Outgoing).where(Outgoing.event == "finished"))


def _mix(books: Any) -> None:
    books.keys[books.process].reverse()


def _answer(books: Any) -> None:
    books.said.answers["500"] += 1


FAULTS: dict[str, tuple[Callable[[Any], None], str]] = {
    "a start is lost": (_say("started", "lost"), "start lost was acknowledged and is there 0 times"),
    "a start is there after all": (_say("refused", "to the baker"), "it was said that nothing was changed"),
    "a taking is lost": (lambda b: b.said.assigned.append((b.task("wait").id, "bob")), "acknowledged as bob's"),
    "a form is lost": (lambda b: b.said.executed.append((b.task("wait").id, "bob")), "acknowledged as done by bob"),
    "a suspension is lost": (lambda b: b.said.held.append((b.process, "suspend", "bob")), "suspend by bob was"),
    "a manager's undo is lost": (lambda b: b.said.managed.append((b.task("wait").id, "undo", "bob")), "undo by bob"),
    "a token lives twice": (
        lambda b: b.session.execute(update(Task).where(Task.flow_task == "checked").values(status="REVIVED")),
        "a token lives twice, it stands after task",
    ),
    "a cancel is lost": (lambda b: b.said.canceled.append(b.process), "acknowledged as cancelled and is not"),
    "a message is lost": (
        lambda b: b.session.execute(update(Task).where(Task.flow_task == "answer").values(status="STARTED")),
        "the answer to letter dear bob was acknowledged and is lost",
    ),
    "a function ran twice": (_mark("joined", 2), "ran 2 times"),
    "a function did not run": (_mark("joined", 0), "is done without having run"),
    "a function ran for nothing": (_mark("sign", 1), "but the task is not done"),
    "a late result counted": (_counted, "the result of attempt 7 of its job counted, not that of 1"),
    "an attempt began twice": (_tries((1, True), (1, True)), "attempts [1, 1] of its job began"),
    "an attempt is not counted": (_tries((1, True), (2, True)), "attempts [1, 2] of its job began, 1 are counted"),
    "two are at work": (_tries((1, True), (2, True), (1, False)), "attempt 2 of its job began while attempt 1"),
    "a task failed": (_change(Task, status="ERROR", data={"_exception": "x"}), "failed: x"),
    "nobody goes on": (_change(Process, status="NEW", finished=None), "is not finished and waits for nothing"),
    "a start for one moment twice": (_another_news, "started for the same due moment"),
    "nobody was told": (_forget, "finished was to be told 1 times, and was written 0 times"),
    "it was not sent": (_change(Outgoing, sent=None), "was not sent"),
    "it came in another order": (_mix, "or in another order"),
    "an answer was a 500": (_answer, "1 answers were 500"),
    "a program met something": (_say("surprises", "KeyError: 1"), "a program met KeyError: 1"),
}  # fmt: skip


def test_each_fault_is_found(whole: Any) -> None:
    """Over one set of books, each put in order again: making them takes longer than reading them."""
    from copy import deepcopy

    from tests.chaos.auditor import faults

    said, keys = deepcopy(whole.said), deepcopy(whole.keys)
    for name, (change, words) in FAULTS.items():
        whole.session.rollback()
        whole.said, whole.keys = deepcopy(said), deepcopy(keys)
        change(whole)
        found = faults(whole.session, whole.said, whole.keys)
        assert any(words in fault for fault in found), f"{name}: {found}"
    db.session.rollback()


def test_books_in_order_have_no_faults_and_tell_a_story(whole: Any) -> None:
    from tests.chaos import story

    assert whole.faults() == []
    strikes = [(utcnow(), "worker killed: 1"), (whole.task("work").created, "web paused: 2")]
    assert story.concerned(whole.session, [f"task {whole.task('work').id} failed: x"]) == [whole.process]
    told = "\n".join(story.told(whole.session, whole.process, strikes))
    assert f"task {whole.task('work').id} work: SCHEDULED → STARTED (job)" in told
    assert "attempt 1 begins" in told
    assert "(finished) was sent" in told
    assert "web paused: 2" in told
