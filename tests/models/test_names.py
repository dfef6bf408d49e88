"""An application's classes and tables may be called as ours are; between ours and its own, objects are said."""

from __future__ import annotations

import pytest
from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal import flow, models, this
from portal.errors import FlowError
from portal.models import Process, Task, db, demand_objects, init_db, registries

OURS = {name for name in models.__all__ if isinstance(getattr(models, name), type)}


def _mapped():
    return {mapper.class_ for mapper in registries.mappers()}


@pytest.fixture
def declared(app):
    """What a test declares is forgotten behind it."""
    tables, classes = set(db.metadata.tables), _mapped()
    yield
    db.session.remove()
    new = [table for name, table in db.metadata.tables.items() if name not in tables]
    for table in reversed(new):
        with db.engine.begin() as connection:
            connection.execute(text(f'DROP TABLE IF EXISTS "{table.name}"'))
    for table in new:
        db.metadata.remove(table)
    for model in _mapped() - classes:
        model.registry._dispose_cls(model)
        model.registry._managers.pop(model._sa_class_manager, None)
        Process.__mapper__.polymorphic_map.pop(f"{model.__module__}:{model.__qualname__}", None)


class NamedFlow(flow.Flow):
    start = flow.StartHandle(this.begin).Next(this.wait)
    wait = flow.ManualTask().Next(this.end)
    end = flow.End()

    def begin(self, activation, artifact):
        activation.process.artifact = artifact


def test_every_table_says_whose_it_is():
    ours = models.schema.CORE
    assert ours
    assert {name for name in db.metadata.tables if name.startswith("portal_")} == ours
    tables = [db.metadata.tables[name] for name in ours]
    named = [each.name for table in tables for each in (*table.indexes, *table.constraints)]
    assert [name for name in named if name and "_portal_" not in name] == []


def test_a_site_has_a_user_a_role_a_task_and_an_event_of_its_own(flow_tester, declared):
    class Role(db.Model):
        __tablename__ = "role"
        id: Mapped[int] = mapped_column(primary_key=True)
        users = relationship("User", back_populates="role", order_by="User.id")

    class User(db.Model):
        __tablename__ = "user_account"
        id: Mapped[int] = mapped_column(primary_key=True)
        role_id: Mapped[int | None] = mapped_column(ForeignKey("role.id"))
        role: Mapped[Role | None] = relationship("Role", back_populates="users")

    class Event(db.Model):
        __tablename__ = "event"
        id: Mapped[int] = mapped_column(primary_key=True)
        task_id: Mapped[int | None] = mapped_column(ForeignKey(Task.id))
        task: Mapped[Task | None] = relationship(Task)

    demand_objects()
    run = flow_tester(NamedFlow)
    init_db()
    somebody = User(role=Role())
    run.start(artifact=somebody)
    db.session.add(Event(task=run.task("wait").task))
    db.session.commit()

    assert run.process.artifact.id == somebody.id
    assert somebody.role.users == [somebody]
    assert db.session.query(Event).one().task.flow_task == "wait"


def test_a_process_class_may_be_called_as_ours_are(flow_tester, declared):
    class Task(Process):
        pass

    class TaskedFlow(flow.Flow):
        process_class = Task
        start = flow.StartHandle().Next(this.wait)
        wait = flow.ManualTask().Next(this.end)
        end = flow.End()

    run = flow_tester(TaskedFlow)
    run.start()
    assert [task.flow_task for task in run.process.tasks] == ["start", "wait"]


def test_a_key_that_names_a_table_of_before_is_refused_with_the_mend(declared):
    class Remark(db.Model):
        __tablename__ = "named_remark"
        id: Mapped[int] = mapped_column(primary_key=True)
        process_id: Mapped[int] = mapped_column(ForeignKey("process.id"))

    with pytest.raises(FlowError, match=r"named_remark\.process_id.*ForeignKey\(Process\.id\)"):
        demand_objects()


def test_a_process_whose_key_names_the_table_of_before_is_refused_with_the_mend(declared):
    with pytest.raises(FlowError, match=r"KeyedByName.*leave the key out.*ForeignKey\(Process\.id\)"):

        class KeyedByName(Process):
            __tablename__ = "keyed_by_name"
            id: Mapped[int] = mapped_column(ForeignKey("process.id"), primary_key=True)


def test_a_relationship_that_names_a_class_of_ours_is_refused_with_the_mend(declared):
    class Slip(db.Model):
        __tablename__ = "named_slip"
        id: Mapped[int] = mapped_column(primary_key=True)
        process_id: Mapped[int] = mapped_column(ForeignKey(Process.id))
        process = relationship("Process")

    with pytest.raises(FlowError, match=r'Slip\.process: relationship\("Process"\).*relationship\(Process\)'):
        demand_objects()


def test_a_process_that_names_a_class_of_its_site_is_refused_with_the_mend(declared):
    class NamedContract(db.Model):
        __tablename__ = "named_contract"
        id: Mapped[int] = mapped_column(primary_key=True)

    class ContractProcess(Process):
        __tablename__ = "named_contract_process"
        contract_id: Mapped[int | None] = mapped_column(ForeignKey("named_contract.id"))
        contract = relationship("NamedContract")

    with pytest.raises(FlowError, match=r"ContractProcess\.contract.*lambda: NamedContract"):
        demand_objects()
