"""A list reads of a document what its summaries show, and the rest only when somebody asks for it."""

from __future__ import annotations

import tracemalloc

import on_each_database
import pytest

from portal import flow, jsonstore, queries, summaries, this
from portal.models import Process, User, db


class ScanProcess(Process):
    scan = jsonstore.BinaryField("Scan")
    name = jsonstore.StringField("Name", default="nameless")
    kind = jsonstore.ChoiceField("Kind", choices=[("a", "Letter"), ("b", "Bill")], json_key=("about", "kind"))

    @property
    def size(self):
        return len(self.scan or b"")


class ScanFlow(flow.Flow):
    process_class = ScanProcess
    process_summary_template = "{{ process.name }} ({{ process.kind }}) #{{ process.id }}"
    start = flow.StartHandle(this.take).Next(this.do)
    do = flow.ManualTask().Permission(auto_create=True).Next(this.end)
    end = flow.End()

    def take(self, activation, size, item=None, **values):
        activation.process.scan = b"x" * size
        for name, value in values.items():
            setattr(activation.process, name, value)


class SizedFlow(ScanFlow):
    """Its summary needs what only the whole document tells."""

    process_summary_template = "{{ process.size }} bytes"


database_url = on_each_database.database_url


@pytest.fixture
def reader(register, make_user):
    register(ScanFlow)
    register(SizedFlow)
    return make_user("reader", is_superuser=True).id


@pytest.mark.parametrize("read", [queries.queue, queries.processes])
def test_what_no_summary_shows_stays_in_the_database(reader, read):
    ScanFlow.start.run(size=10, name="Bees", kind="b")
    ScanFlow.start.run(size=10)
    db.session.expunge_all()
    rows = list(read(db.session(), db.session.get(User, reader)))
    found = [getattr(row, "process", row) for row in rows]
    assert all("data" not in vars(process) for process in found)
    assert all("scan" not in process._shown for process in found)
    lines = {summaries.of_process(process) for process in found}
    assert lines == {f"Bees (b) #{min(p.id for p in found)}", f"nameless (None) #{max(p.id for p in found)}"}
    assert not db.session.identity_map.values() or not any(
        isinstance(each, Process) for each in db.session.identity_map.values()
    ), "a list makes no objects"


def test_a_summary_that_needs_the_whole_gets_it_in_one_statement(reader, count):
    for size in range(10):
        SizedFlow.start.run(size=size)
    db.session.expunge_all()
    user = db.session.get(User, reader)
    with count() as statements:
        lines = {
            summaries.of_process(process)
            for process in queries.read(db.session(), user, "processes", queries.EVERYTHING)
        }
    assert lines == {f"{size} bytes" for size in range(10)}
    assert len(statements) <= 4, str(statements)  # the person's roles and substitutes among them


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("{{ process.name }}{% if process.kind %}!{% endif %}", {"name", "kind"}),
        ("nothing", set()),
        ("{{ process.size }}", None),
        ("{{ process.data }}", None),
        ("{{ process['name'] }}", None),
        ("{{ process|length }}", None),
        ("{{ task.process.name }}", None),
        ("{% set p = process %}{{ p.name }}", None),
    ],
)
def test_what_a_template_speaks_of(template, names, monkeypatch, reader):
    monkeypatch.setattr(ScanFlow, "process_summary_template", template)
    summaries.names_shown.cache_clear()  # a flow keeps its templates, outside of this test
    assert summaries.names_shown(ScanFlow) == names
    summaries.names_shown.cache_clear()


def test_a_page_of_scans_takes_the_room_of_what_it_shows(reader, client_of):
    for _ in range(20):
        ScanFlow.start.run(size=500_000)
    erin = client_of("erin")
    erin.get("/queue")
    db.session.expunge_all()
    tracemalloc.start()
    try:
        assert erin.get("/queue").status_code == 200
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000, f"{peak / 1e6:.1f} MB for twenty scans of half a megabyte that nobody sees"


class ScansFlow(flow.Flow):
    """Scans"""

    start = flow.StartHandle().Next(this.scan)
    scan = flow.NSubprocess(ScanFlow.start, items=range(20), size=500_000).Next(this.end)
    end = flow.End()


def test_the_page_of_who_has_called_them_takes_the_room_of_what_it_shows(reader, register, client_of):
    register(ScansFlow)
    top = ScansFlow.start.run()
    task_id = next(task.id for task in top.tasks if task.flow_task == "scan")
    pages = [f"/processes/{top.id}", f"/tasks/{task_id}"]
    erin = client_of("erin")
    for page in pages:
        assert erin.get(page).text.count("nameless") == 20
        db.session.expunge_all()
        tracemalloc.start()
        try:
            assert erin.get(page).status_code == 200
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 5_000_000, f"{peak / 1e6:.1f} MB on {page} for scans that nobody sees"
