"""What an author's code is to a type checker: mypy and basedpyright read this file, nobody runs it.

A line that has to be refused says so by `type: ignore`; both checkers tell of one that is not needed.
"""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Any, assert_type

from sqlalchemy import Select, String, select
from sqlalchemy.orm import Mapped, QueryableAttribute, mapped_column

from portal import act, flow, jsonstore, this, views
from portal import flwo as flwo  # type: ignore[attr-defined]
from portal.flow.reference import Expression
from portal.models import Process, Task, User, db
from portal.testing import FlowRun, FlowTester, TaskRun


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


TEAMS = [("it", "IT"), ("people", "People")]


class Article(db.Model):
    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))


class Line(jsonstore.Schema):
    what = jsonstore.StringField("What", required=True)
    note = jsonstore.TextField("Note")


class OrderProcess(Process):
    customer = jsonstore.StringField("Customer", required=True, max_length=100)
    remark = jsonstore.TextField("Remark", help_text="For us")
    mail = jsonstore.EmailField("Mail", default="")
    paid = jsonstore.BooleanField("Paid", labels=("Paid", "Open"), default=False)
    amount = jsonstore.DecimalField("Amount", max_digits=8, min_value=Decimal("0.01"), required=True)
    discount = jsonstore.DecimalField("Discount")
    pieces = jsonstore.IntegerField("Pieces", default=lambda: 1)
    weight = jsonstore.FloatField("Weight", required=False)
    day = jsonstore.DateField("Day", required=True)
    moment = jsonstore.DateTimeField("Moment")
    time = jsonstore.TimeField("Time", required=True)
    span = jsonstore.DurationField("Span", default=dt.timedelta(days=1))
    key = jsonstore.UUIDField("Key")
    scan = jsonstore.BinaryField("Scan", max_length=1000)
    colour = jsonstore.ChoiceField("Colour", choices=Colour, default=Colour.RED)
    team = jsonstore.ChoiceField("Team", choices=TEAMS)
    size = jsonstore.ChoiceField("Size", choices=[1, 2], required=True)
    anything = jsonstore.JSONField("Anything")
    article = jsonstore.ReferenceField(Article, "Article", required=True)
    spare = jsonstore.ReferenceField(lambda: Article, "Spare")
    articles = jsonstore.ReferenceListField(Article, "Articles")
    first = jsonstore.EmbeddedField(Line, "First")
    lines = jsonstore.EmbeddedListField(Line, "Lines", required=True)


def fields_of_an_instance(process: OrderProcess) -> None:
    assert_type(process.customer, str)
    assert_type(process.remark, str | None)
    assert_type(process.mail, str)
    assert_type(process.paid, bool)
    assert_type(process.amount, Decimal)
    assert_type(process.discount, Decimal | None)
    assert_type(process.pieces, int)
    assert_type(process.weight, float | None)
    assert_type(process.day, dt.date)
    assert_type(process.moment, dt.datetime | None)
    assert_type(process.time, dt.time)
    assert_type(process.span, dt.timedelta)
    assert_type(process.key, uuid.UUID | None)
    assert_type(process.scan, bytes | None)
    assert_type(process.colour, Colour)
    assert_type(process.team, str | None)
    assert_type(process.size, int)
    assert_type(process.anything, Any)
    assert_type(process.article, Article)
    assert_type(process.spare, Article | None)
    assert_type(process.articles[0].name, str)
    assert_type(process.first, Line | None)
    assert_type(process.lines[0].what, str)
    assert_type([line.note for line in process.lines], list[str | None])
    assert_type(process.lines[1:], list[Line])


def fields_are_assigned(process: OrderProcess) -> None:
    process.customer = "Anna"
    process.remark = None
    process.amount = 5
    process.weight = 5
    process.colour = Colour.BLUE
    process.articles = [Article(name="Pen")]
    process.first = {"what": "Pen"}
    process.lines = [Line(what="Pen"), {"what": "Ink"}]
    process.lines.append(Line(what="Paper"))
    process.customer = 5  # type: ignore[call-overload]
    process.paid = "yes"  # type: ignore[assignment]
    process.custmer = "Anna"  # type: ignore[attr-defined]


def fields_of_the_class() -> None:
    assert_type(OrderProcess.customer, QueryableAttribute[str])
    assert_type(OrderProcess.discount, QueryableAttribute[Decimal | None])
    query = select(OrderProcess).where(OrderProcess.customer == "Anna", OrderProcess.amount > 5)
    assert_type(query.order_by(OrderProcess.day.desc()), Select[OrderProcess])
    assert_type(db.session.scalars(query).first(), OrderProcess | None)
    assert_type(db.session.get_one(Article, 1).name, str)


jsonstore.StringField("Name", maxlength=5)  # type: ignore[call-arg]
jsonstore.ChoiceField("Name")  # type: ignore[call-overload]


def take(activation: flow.Activation[OrderProcess], article: Article, *, pieces: int = 1) -> str:
    assert_type(activation.process, OrderProcess)
    assert_type(activation.task, Task)
    assert_type(activation.user, User | None)
    assert_type(activation.now, dt.datetime)
    assert_type(activation.owner_of("start"), User | None)
    activation.proces  # type: ignore[attr-defined]
    activation.process.customr  # type: ignore[attr-defined]
    note(activation)
    return f"{pieces} × {article.name}"


def note(activation: flow.Activation) -> None:
    """An activation of any process."""
    assert_type(activation.process, Process)


class ChildFlow(flow.Flow):
    start = flow.StartHandle().Annotation(title="Begin").Next(this.end)
    end = flow.End()


class OrderFlow(flow.Flow):
    process_class = OrderProcess

    start = (
        flow.Start(views.CreateProcessView.as_view(fields=["customer"]))
        .Annotation(title="Order")
        .Permission(auto_create=True)
        .Available(lambda user: user.is_active)
        .Next(this.by_amount)
    )
    from_code = flow.StartHandle(take).Annotation(title="Take it").Next(this.by_amount)
    by_method = flow.StartHandle(this.begin).Next(this.by_amount)
    said: flow.StartHandle[int] = flow.StartHandle(this.begin).Next(this.by_amount)
    by_amount = flow.If(act.process.amount + act.process.discount > 100).Then(this.approve).Else(this.check)
    approve = (
        flow.View(this.page)
        .Assign(this.start.owner)
        .NotSameAs(this.start)
        .Priority(act.process.pieces // 2)
        .Due(this.soon)
        .OnTimeout(dt.timedelta(days=1), this.check)
        .Next(this.wait)
    )
    check = flow.Function(note).OnError(this.end).CompensateWith(this.undo).Next(this.wait)
    wait = flow.Handle(take).Mutex("stock").Next(this.message)
    message = flow.MessageCatch(take).Next(this.work)
    work = flow.Job(lambda activation: activation.process, retries=3).Next(this.child)
    child = flow.Subprocess(ChildFlow.start, item=act.process.article).Next(this.parts)
    parts = flow.NSubprocess(ChildFlow.start, act.process.lines).Next(this.split)
    split = flow.Split().Next(this.ready, case=act.process.paid).Always(this.ready)
    ready = flow.Join(lambda activation, active: not active).Next(this.timer)
    timer = flow.Timer(this.soon).Next(this.end)
    end = flow.End()

    def begin(self, activation: flow.Activation[OrderProcess]) -> int:
        return activation.process.pieces

    def undo(self, activation: flow.Activation[OrderProcess]) -> None:
        activation.process.paid = False

    def soon(self, activation: flow.Activation[OrderProcess]) -> dt.datetime:
        return activation.now + activation.process.span

    def page(self, activation: flow.Activation[OrderProcess]) -> str:
        activation.execute()
        return activation.success_url


flow.End().Next(this.end)  # type: ignore[attr-defined]
flow.Function(5)  # type: ignore[arg-type]
flow.Function(note).Next("end")  # type: ignore[arg-type]


def words_keep_their_node() -> None:
    assert_type(flow.View(note).Permission("x").Annotation(title="x").Next(this.end), flow.View)
    assert_type(flow.If(act.process.paid).Then(this.end).Else(this.end), flow.If)
    assert_type(OrderFlow.ready, flow.Join)


def run(process: OrderProcess, article: Article, user: User) -> None:
    assert_type(OrderFlow.from_code.run(article, pieces=2), str)
    assert_type(OrderFlow.from_code.run(article=article, _user=user), str)
    assert_type(OrderFlow.from_code.run(article=article, _propagate=True), str)
    OrderFlow.from_code.run(articel=article)  # type: ignore[call-overload]
    OrderFlow.from_code.run(article=5)  # type: ignore[call-overload]
    assert_type(OrderFlow.said.run(), int)
    assert_type(ChildFlow.start.run(), Process)
    assert_type(OrderFlow.wait.run(process=process, article=article), str)
    assert_type(OrderFlow.wait.run(task=5, _user=user), str)
    OrderFlow.wait.run(process="5")  # type: ignore[arg-type]
    assert_type(OrderFlow.message.run(process=process, article=article), str | None)
    assert_type(OrderFlow.message.run(_where={"customer": "Anna"}, _ttl=dt.timedelta(days=1)), str | None)


def a_form_is_filled_in_by_code(user: User) -> None:
    assert_type(views.submit(OrderFlow.start, user, customer="Anna"), Process)
    views.submit(OrderFlow.check, user)  # type: ignore[arg-type]


class OwnView(views.UpdateProcessView):
    def save(self, form: Any, activation: flow.Activation[OrderProcess]) -> None:
        activation.process.paid = True


def a_task_is_worked_on(task: Task) -> None:
    with task.activation() as activation:
        assert_type(activation.process, Process)
        assert_type(activation.revive(), Task)
    assert_type(task.owner, User | None)


def expressions() -> None:
    a, b = act.process.amount, act.process.discount
    for each in (
        a + b,
        a - 1,
        2 * a,
        a / b,
        7 // a,
        a % 2,
        -1 + a,
        a > b,
        a == 1,
        (a > 1) & ~b,
        True | b,
        a[0],
    ):
        assert_type(each, Expression)


def flows_are_driven(flow_tester: FlowTester) -> None:
    driven = flow_tester(OrderFlow)
    assert_type(driven, FlowRun)
    assert_type(driven.task("approve").assign("bob").execute(paid=True), TaskRun)
    assert_type(driven.advance(days=1).jobs().path, list[str])
    assert_type(driven.process.status, str)
    assert_type(driven.task("approve").status, str)
