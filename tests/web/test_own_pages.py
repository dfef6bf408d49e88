"""A site's own templates and static files, and which page a form gets."""

import sys
from types import ModuleType

import pytest

from portal import create_app, flow, this, views
from portal.errors import FlowError
from portal.models import Process, create_user, db, init_db


@pytest.fixture
def site(tmp_path, monkeypatch):
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(site):
    def to(name, text):
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return to


def paged(template=None):
    class PagedFlow(flow.Flow):
        process_class = Process
        start = flow.Start(views.CreateProcessView.as_view(fields=[], template=template)).Next(this.confirm)
        confirm = flow.ManualTask().Next(this.end)
        end = flow.End()

    return PagedFlow


@pytest.fixture
def make(monkeypatch):
    """Make an application with flows, as from a module."""
    made = []

    def create(*flow_classes):
        module = ModuleType("flows_of_pages")
        for each in flow_classes:
            each.__module__ = module.__name__
            setattr(module, each.__name__, each)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        app = create_app(
            {"DATABASE_URL": "sqlite://", "FLOWS": [module.__name__], "TESTING": True, "SCHEDULER": "off"}
        )
        made.append(app)
        return app

    yield create
    for app in made:
        with app.app_context():
            db.session.remove()
            app.extensions["portal_memory"].close()
            db.engine.dispose()


def start_page(app):
    with app.app_context():
        init_db()
        create_user("carol", "a long password", is_superuser=True)
        client = app.test_client()
        app.config["WTF_CSRF_ENABLED"] = False
        client.post("/login", data={"username": "carol", "password": "a long password"})
        return client.get("/flows/paged/start/start").text


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], "<h1>Start</h1>"),
        (["portal/form.html"], "portal/form.html"),
        (["portal/form.html", "portal/paged/form.html"], "portal/paged/form.html"),
        (
            ["portal/form.html", "portal/paged/form.html", "portal/paged/start.html"],
            "portal/paged/start.html",
        ),
        (["portal/paged/confirm.html"], "<h1>Start</h1>"),
    ],
)
def test_the_page_of_a_form_is_the_nearest_one(write, make, names, shown):
    for name in names:
        write(f"templates/{name}", name)
    assert shown in start_page(make(paged()))


def test_a_page_that_the_view_names_comes_first(write, make):
    write("templates/portal/paged/start.html", "by its place")
    write("templates/own.html", "by its name")
    assert start_page(make(paged("own.html"))) == "by its name"


def test_a_page_fills_in_the_blocks_of_ours(write, make):
    write(
        "templates/portal/paged/start.html",
        '{% extends "portal/form.html" %}{% block fields %}<p>Read this.</p>{{ super() }}{% endblock %}',
    )
    page = start_page(make(paged()))
    assert "<p>Read this.</p>" in page
    assert "<h1>Start</h1>" in page


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("own.html", None, ["own.html", "cannot be found", "templates/own.html"]),
        ("own.html", "{% if %}", ["own.html", "line 1", "mend"]),
        ("own.html", "one\n{{ process|nothing }}", ["own.html, line 2", "nothing"]),
        ("own.html", '{% extends "portal/from.html" %}', ["own.html", "portal/from.html", "cannot be found"]),
        ("own.html", '{% from "portal/_fieldz.html" import notes %}', ["portal/_fieldz.html"]),
    ],
)
def test_a_page_that_cannot_be_used_is_told_when_the_application_is_made(write, make, name, text, words):
    if text is not None:
        write(f"templates/{name}", text)
    with pytest.raises(FlowError) as refused:
        make(paged(name))
    for word in ["PagedFlow.start", *words]:
        assert word in str(refused.value)


def test_a_page_found_by_its_place_is_read_too(write, make):
    write("templates/portal/paged/confirm.html", "{{ task.")
    with pytest.raises(FlowError, match=r"PagedFlow\.confirm: .*confirm\.html, line 1"):
        make(paged())


def test_static_files_of_the_site_lie_beside_ours(write, make):
    write("static/logo.svg", "<svg/>")
    write("static/portal/portal.css", "not this one")
    client = make(paged()).test_client()
    with client.get("/static/logo.svg") as own, client.get("/static/portal/portal.css") as ours:
        assert own.text == "<svg/>"
        assert ours.status_code == 200
        assert "not this one" not in ours.text


def test_a_site_without_folders_of_its_own_has_ours(site, make):
    with make(paged()).test_client().get("/static/portal/portal.css") as ours:
        assert ours.status_code == 200
