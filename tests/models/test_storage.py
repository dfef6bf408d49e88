"""What processes and tasks point at, joined tables, inheritance, and what the code no longer has."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from portal import flow, jsonstore, this
from portal.errors import PortalError, TransitionNotAllowed
from portal.models import Event, Process, Role, Task, User, create_user, db, init_db


class ByInt(db.Model):
    __tablename__ = "storage_by_int"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")


class ByText(db.Model):
    __tablename__ = "storage_by_text"
    code: Mapped[str] = mapped_column(primary_key=True)


class ByUUID(db.Model):
    __tablename__ = "storage_by_uuid"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)


class JoinedProcess(Process):
    """A table of its own; the key is left to us."""

    __tablename__ = "storage_joined"
    amount: Mapped[int | None]
    note = jsonstore.StringField()


class KeyedProcess(Process):
    __tablename__ = "storage_keyed"
    id: Mapped[int] = mapped_column(ForeignKey(Process.id), primary_key=True)
    amount: Mapped[int | None]


class SharedProcess(Process):
    note = jsonstore.StringField("Note")


class PointFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.split)
    split = flow.Split().Next(this.item, task_seed_source=this.seeds, task_data_source=this.numbers)
    item = flow.ManualTask().Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    made: list = []

    def begin(self, activation, artifact=None):
        activation.process.artifact = artifact
        return activation.process

    def seeds(self, activation):
        return type(self).made

    def numbers(self, activation):
        return [{"n": n} for n in range(len(type(self).made))]


MAKERS = {"int": lambda: ByInt(name="a"), "text": lambda: ByText(code='a/b "c"'), "uuid": ByUUID}


@pytest.fixture(autouse=True)
def _no_seeds():
    PointFlow.made = []


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("kind", MAKERS)
def test_an_artifact_of_any_key(flow_tester, session, kind, stored):
    run = flow_tester(PointFlow)
    made = MAKERS[kind]()
    if stored:
        session.add(made)
        session.commit()
    run.start(artifact=made)
    session.expunge_all()

    found = run.process.artifact
    assert type(found) is type(made)
    assert session.query(type(made)).count() == 1

    session.delete(session.merge(found))
    session.commit()
    session.expunge_all()
    assert run.process.artifact is None


@pytest.mark.parametrize("kind", MAKERS)
def test_seeds_from_a_source_in_step_with_its_data(flow_tester, session, kind):
    PointFlow.made = [MAKERS[kind]() for _ in range(1 if kind == "text" else 3)]
    run = flow_tester(PointFlow)
    run.start()
    session.expunge_all()

    items = run.tasks("item")
    assert [t.data["n"] for t in items] == list(range(len(PointFlow.made)))
    assert all(type(t.seed) is type(PointFlow.made[0]) for t in items)
    assert session.query(type(PointFlow.made[0])).count() == len(items)


@pytest.mark.parametrize("value", [5, "text", object()])
def test_a_pointer_takes_mapped_objects_only(flow_tester, session, value):
    with pytest.raises(ValueError, match="artifact"):
        Process().artifact = value


def make_flow(model, name):
    def begin(activation, **values):
        for key, value in values.items():
            setattr(activation.process, key, value)
        return activation.process

    body = {
        "process_class": model,
        "start": flow.StartHandle(begin).Next(this.wait),
        "wait": flow.ManualTask().Next(this.end),
        "end": flow.End(),
    }
    return type(flow.Flow)(name, (flow.Flow,), body)


@pytest.mark.parametrize("model", [JoinedProcess, KeyedProcess])
def test_a_joined_table(flow_tester, session, model):
    run = flow_tester(make_flow(model, "TableFlow"))
    run.start(amount=7)
    session.expunge_all()

    process = run.process
    assert type(process) is model
    assert process.amount == 7
    assert session.scalars(select(model).where(model.amount > 5, model.status == "NEW")).one() is process
    assert session.scalars(select(model).where(model.id == process.id)).one() is process
    run.task("wait").assign("alice").execute()
    assert run.process.status == "DONE"


def test_fields_beside_columns(flow_tester, session):
    run = flow_tester(make_flow(JoinedProcess, "TableFlow"))
    run.start(amount=1, note="both")
    assert session.scalars(select(JoinedProcess).where(JoinedProcess.note == "both")).one().amount == 1


def test_fields_given_to_the_class_are_kept():
    assert SharedProcess(note="x").data == {"note": "x"}
    assert SharedProcess(note="x", data={"more": 1}).data == {"more": 1, "note": "x"}
    assert JoinedProcess(amount=1, note="both").note == "both"
    assert SharedProcess().data == {}


def test_one_process_class_for_two_flows(flow_tester, session):
    runs = [flow_tester(make_flow(SharedProcess, name)) for name in ("FirstFlow", "SecondFlow")]
    for run in runs:
        run.start(note=run.label)
    found = session.scalars(select(SharedProcess).order_by(SharedProcess.note)).all()
    assert [(p.note, p.flow_class) for p in found] == [(r.label, r.flow_class) for r in runs]
    assert session.scalars(select(Process).where(Process.flow_class == "first")).one() is found[0]


# -- inheritance


class BaseFlow(flow.Flow):
    start = flow.StartHandle().Next(this.work)
    work = (
        flow.ManualTask()
        .Permission(auto_create=True)
        .OnTimeout(dt.timedelta(days=1), this.end)
        .Next(this.end)
    )
    end = flow.End()


class HeirFlow(BaseFlow):
    work = flow.Function(lambda activation: None).Next(this.more)
    more = flow.ManualTask().Permission(auto_create=True).Next(this.end)


class PlainHeirFlow(BaseFlow):
    """As its parent."""


def test_a_flow_that_inherits_runs_as_itself(flow_tester):
    base, heir, plain = (flow_tester(each) for each in (BaseFlow, HeirFlow, PlainHeirFlow))
    for run in (base, heir, plain):
        run.start()
    assert base.task("work").owner_permission == "base.can_work"
    assert plain.task("work").owner_permission == "plain_heir.can_work"
    assert heir.path == ["start", "work"]
    assert heir.task("more").owner_permission == "heir.can_more"
    assert [r.process.flow_class for r in (base, heir, plain)] == [BaseFlow, HeirFlow, PlainHeirFlow]
    assert "work__timeout" not in HeirFlow.definition.nodes
    assert PlainHeirFlow.definition.nodes["work__timeout"].host is PlainHeirFlow.definition.nodes["work"]
    assert BaseFlow.definition.nodes["work"].outgoing[0].target is BaseFlow.definition.nodes["end"]
    plain.task("work").assign("alice").execute()
    assert plain.process.status == "DONE"


# -- what the code no longer has


def lose(app, node=True):
    """The next version of the flow, without its node, or no flow at all."""
    flows = app.extensions["portal_flows"]
    del flows["keep"]
    if node:
        body = {"start": flow.StartHandle().Next(this.end), "end": flow.End()}
        flows.register(type(flow.Flow)("KeepFlow", (flow.Flow,), body))


@pytest.mark.parametrize("node", [True, False])
def test_an_open_task_of_a_lost_node(app, flow_tester, session, make_user, node):
    body = {"start": flow.StartHandle().Next(this.check_it), "check_it": flow.ManualTask().Next(this.end)}
    flow_tester(type(flow.Flow)("KeepFlow", (flow.Flow,), {**body, "end": flow.End()})).start()
    alice = make_user("alice", is_superuser=True)
    task = session.query(Task).filter_by(flow_task="check_it").one()
    lose(app, node)

    assert (task.node, task.flow_task, task.title) == (None, "check_it", "Check it")
    assert session.scalars(select(Task).where(Task.node == "check_it")).one() is task
    for action in ("assign", "revive"):
        with pytest.raises(TransitionNotAllowed), task.activation(alice) as activation:
            getattr(activation, action)()
    with task.activation(alice) as activation:
        activation.cancel()
    assert task.status == "CANCELED"
    with pytest.raises(TransitionNotAllowed), task.activation(alice) as activation:
        activation.revive()


@pytest.mark.parametrize("node", [True, False])
def test_a_process_with_a_lost_node_can_be_cancelled(app, flow_tester, session, node):
    body = {"start": flow.StartHandle().Next(this.check_it), "check_it": flow.ManualTask().Next(this.end)}
    flow_tester(type(flow.Flow)("KeepFlow", (flow.Flow,), {**body, "end": flow.End()})).start()
    process = session.query(Process).one()
    lose(app, node)
    process.cancel()
    assert (process.status, process.tasks[1].status) == ("CANCELED", "CANCELED")


# -- people and the rest


def test_users_permissions_and_roles(flow_tester, session):
    flow_tester(BaseFlow)
    alice = create_user("alice", "secret", permissions=["base.can_work"], roles=["clerks"])
    role = session.scalars(select(Role)).one()
    role.permissions.append("base.view")
    session.commit()
    assert alice.can("base.can_work")
    assert alice.can("base.view")
    assert not alice.can("base.manage")
    assert create_user("root", is_superuser=True).can("base.manage")
    assert alice.check_password("secret")
    assert not alice.check_password("Secret")
    assert "secret" not in alice.password_hash
    with pytest.raises(PortalError, match=r"base\.can_work"):
        create_user("bob", permissions=["base.can_wrok"])
    with pytest.raises(PortalError):
        create_user("alice")
    assert session.query(User).count() == 2


def test_the_schema_may_be_made_again(app, session):
    init_db()
    init_db()
    assert session.query(Event).count() == 0


def test_moments_are_utc_and_aware(flow_tester, session):
    run = flow_tester(PointFlow)
    run.start()
    session.expunge_all()
    process = run.process
    assert process.created.tzinfo is not None
    assert abs(process.created - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)
    with pytest.raises(Exception, match="time zone"):
        session.query(Process).filter(Process.created > dt.datetime(2030, 1, 1)).all()


def test_changes_at_any_depth_are_kept(flow_tester, session):
    run = flow_tester(PointFlow)
    run.start()
    process = run.process
    process.data["a"] = {"b": [{"c": 1}]}
    session.commit()
    process.data["a"]["b"][0]["c"] = 2
    process.tasks[0].data.setdefault("deep", []).append({"x": 1})
    session.commit()
    process.tasks[0].data["deep"][0]["x"] = 2
    session.commit()
    session.expunge_all()
    assert run.process.data["a"] == {"b": [{"c": 2}]}
    assert run.process.tasks[0].data == {"deep": [{"x": 2}]}
