"""An author's tables change, as docs/running.md says: written on a laptop with SQLite, made on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from postgresql import new_database
from sqlalchemy import create_engine, inspect, text

ROOT = Path(__file__).parents[2]

FIRST = """
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column
from portal import flow, this
from portal.models import Process, db

class OrderProcess(Process):
    __tablename__ = "own_order"
    id: Mapped[int] = mapped_column(ForeignKey(Process.id), primary_key=True)
    ref: Mapped[str | None] = mapped_column(String(40))
    # columns

class OrderLine(db.Model):
    __tablename__ = "own_order_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("own_order.id"))

class OrderFlow(flow.Flow):
    process_class = OrderProcess
    start = flow.StartHandle().Next(this.end)
    end = flow.End()
"""
#: a column of its own, and one that points at a table that is new
GAINED = """total: Mapped[int] = mapped_column(default=5)
    paid: Mapped[bool] = mapped_column(default=False)
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("own_shop.id", name="fk_shop"))
"""
SHOP = """
class Shop(db.Model):
    __tablename__ = "own_shop"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
ROWS = (
    "INSERT INTO portal_process (id, flow_label, process_type, status, created, data, depth, task_count, ended, "
    "on_hold) VALUES (1, 'order', 'own_order', 'NEW', CURRENT_TIMESTAMP, '{}', 0, 0, false, false)",
    "INSERT INTO own_order (id, ref) VALUES (1, 'A1')",
    "INSERT INTO own_order_line (id, order_id) VALUES (1, 1)",
)


@pytest.fixture
def machine(tmp_path):
    """The portal's command in a folder with a flow, on a database; what it says and its code."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "__init__.py").touch()
    (tmp_path / "flows" / "order.py").write_text(FIRST)

    def run(url, *arguments):
        environment = os.environ | {
            "PORTAL_DATABASE_URL": url,
            "PORTAL_FLOWS": "flows",
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-m", "portal", *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def address(postgresql_server):
    """A database of its own: other tests could not empty one with such tables."""
    return new_database(postgresql_server, f"own_tables_{os.environ.get('PYTEST_XDIST_WORKER', 'master')}")


@pytest.fixture
def production(address):
    engine = create_engine(address)
    yield engine
    engine.dispose()


def test_what_a_flow_gains_is_written_on_one_machine_and_made_on_the_others(
    machine, production, address, tmp_path
):
    laptop = f"sqlite:///{tmp_path / 'laptop.sqlite'}"
    for url in (laptop, address):
        assert machine(url, "init-db") == (0, "The database is ready.\n")
    with production.begin() as connection:
        for row in ROWS:
            connection.execute(text(row))
    source = FIRST.replace("# columns", GAINED).replace("\nclass OrderProcess", f"{SHOP}\nclass OrderProcess")
    (tmp_path / "flows" / "order.py").write_text(source)

    code, said = machine(laptop, "db", "init")
    assert code == 0, said
    code, said = machine(laptop, "init-db")
    assert code == 1
    assert "the table own_order lacks the column total" in said
    code, said = machine(laptop, "db", "migrate", "-m", "total")
    assert code == 0, said
    for url in (laptop, address):
        assert machine(url, "init-db") == (0, "The database is ready.\n")
    with production.connect() as connection:
        row = connection.execute(text("SELECT ref, total, paid, shop_id FROM own_order")).one()
        assert row == ("A1", 5, 0, None)
        assert connection.scalar(text("SELECT order_id FROM own_order_line")) == 1
    assert "own_shop" in [key["referred_table"] for key in inspect(production).get_foreign_keys("own_order")]

    [revision] = (tmp_path / "migrations" / "versions").glob("*.py")
    (revision.parent / "broken.py").write_text(
        f"revision, down_revision = 'broken', '{revision.name.split('_')[0]}'\nfrom alembic import op\n"
        "def upgrade():\n    op.execute('DELETE FROM own_order_line')\n    op.execute('nonsense')\n"
    )
    code, said = machine(address, "init-db")
    assert code == 1
    assert "nothing was changed" in said
    assert "Traceback" not in said
    with production.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM own_order_line")) == 1
