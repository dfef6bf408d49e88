"""A host whose table a flow's table points at: run in a process of its own, whose models no other test meets."""

from __future__ import annotations

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from shop_host import emptied
from sqlalchemy import ForeignKey, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from portal import Identity, Portal, flow, models, this, views
from portal.models import Process


class HostBase(DeclarativeBase):
    pass


host_db = SQLAlchemy(model_class=HostBase)


class Supplier(HostBase):
    __tablename__ = "supplier"
    id: Mapped[int] = mapped_column(primary_key=True)


class BoundProcess(Process):
    """A joined table that points at a table of the host."""

    __tablename__ = "host_bound_process"
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey(Supplier.id))


class BoundFlow(flow.Flow):
    process_class = BoundProcess
    start = flow.Start(views.CreateProcessView.as_view(fields=["supplier_id"])).Next(this.end)
    end = flow.End()


def main(database_url: str) -> None:
    """Make the tables in turn, and look what is there."""
    app = Flask("bound")
    app.config.update(SQLALCHEMY_DATABASE_URI=database_url, SECRET_KEY="s", TESTING=True)
    host_db.init_app(app)
    Portal(app, url_prefix="/work", flows=["bound_host"], db=host_db, identity=lambda: Identity("ann"))
    with app.app_context():
        emptied(host_db.engine)
        models.init_db()
        there = set(inspect(host_db.engine).get_table_names())
        assert {name for name in there if not name.startswith("portal_")} == set()
        assert "host_bound_process waits" in "\n".join(models.gaps())
        host_db.create_all()
        models.init_db()
        assert models.gaps() == []
        there = set(inspect(host_db.engine).get_table_names())
        assert there == models.schema.CORE | {"portal_version", "supplier", "host_bound_process"}
        emptied(host_db.engine)
        host_db.session.remove()
        host_db.engine.dispose()
