"""Small applications around the portal: what they may look like, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask, render_template_string, request, session
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from jinja2 import StrictUndefined, UndefinedError
from shop_host import links
from sqlalchemy.orm import DeclarativeBase
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import Identity, Portal, flow, models
from portal.errors import FlowError, PortalError
from portal.flow.registry import Flows
from portal.models import db

FLOWS = """
from portal import flow, jsonstore, this, views
from portal.models import Process
from wtforms import Form

class {name}Process(Process):
    text = jsonstore.StringField("Text", required=True)

def by_hand(activation):
    return views.render_template("portal/form.html", form=Form(), node=activation.node, flow=activation.flow)

def broken(activation):
    raise ZeroDivisionError("the view is broken")

class {name}Flow(flow.Flow):
    process_class = {name}Process
    start = flow.Start(views.CreateProcessView.as_view(fields=["text"])).Next(this.work)
    hand = flow.Start(by_hand).Next(this.work)
    work = flow.View(broken).Permission(auto_create=True).Next(this.end)
    end = flow.End()
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module with a flow of this name, and say how it is imported."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name):
        module = f"flows_of_{name.lower()}_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(FLOWS.format(name=name))
        return module

    yield write
    for name in [each for each in sys.modules if each.endswith(tmp_path.name.replace("-", "_"))]:
        del sys.modules[name]


@pytest.fixture
def host(tmp_path):
    """Make an application without anything, with a database of its own."""
    made = []

    def make(**config):
        number = len(made)
        app = Flask(
            f"host_{number}",
            instance_path=str(tmp_path),
            root_path=str(tmp_path),
            template_folder="templates",
        )
        app.config.update(
            SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / f'host{number}.sqlite'}", SECRET_KEY="s", **config
        )
        app.testing = True
        app.config["WTF_CSRF_ENABLED"] = False
        made.append(app)
        return app

    yield make
    for app in made:
        if app.extensions.get("sqlalchemy") is db:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()


def ann():
    return Identity("ann", name="Ann")


def ready(app, **people):
    with app.app_context():
        models.init_db()
        for name, password in people.items():
            models.create_user(name, password, is_superuser=True)
    return app


def test_without_an_identity_people_sign_in_to_the_portal_and_the_rest_of_the_session_stays(host, module):
    app = host()

    @app.get("/cart")
    def cart():
        session["cart"] = session.get("cart", 0) + 1
        return str(session["cart"])

    Portal(app, url_prefix="/work", flows=[module("Alone")])
    ready(app, ann="correct horse")
    client = app.test_client()
    assert client.get("/cart").text == "1"
    assert client.get("/work/inbox").location == "/work/login?next=%2Fwork%2Finbox"
    assert client.post("/work/login", data={"username": "ann", "password": "wrong"}).status_code == 422
    signed_in = client.post(
        "/work/login?next=/work/queue", data={"username": "ann", "password": "correct horse"}
    )
    assert signed_in.location == "/work/queue"
    assert client.get("/work/queue").status_code == 200
    assert "this browser" in client.get("/work/profile").text
    assert "Open an app for codes" in client.get("/work/profile/two-factors").text
    assert client.get("/cart").text == "2"
    assert client.post("/work/logout").location == "/work/login"
    assert client.get("/work/inbox").status_code == 303
    assert client.get("/cart").text == "3"
    assert not hasattr(app, "login_manager")


def test_who_has_to_sets_up_two_factors_at_sign_in(host, module):
    app = host()
    Portal(app, url_prefix="/work", flows=[module("Strict")], config={"TWO_FACTORS": "all"})
    ready(app, ann="correct horse")
    client = app.test_client()
    answer = client.post("/work/login", data={"username": "ann", "password": "correct horse"})
    assert "Open an app for codes" in client.get(answer.location).text


@pytest.mark.parametrize("prefix", ["", "/work", "work/", "/a/b"])
def test_any_prefix_also_below_a_path_of_the_server(host, module, prefix):
    app = host()
    Portal(app, url_prefix=prefix, flows=[module("Below")], identity=ann)
    ready(app)
    client, inside = app.test_client(), "/" + prefix.strip("/") if prefix.strip("/") else ""
    under = {"environ_overrides": {"SCRIPT_NAME": "/intranet"}}
    assert client.get(f"{inside}/").location == f"{inside}/inbox"
    assert client.get(f"{inside}/", **under).location == f"/intranet{inside}/inbox"
    found = links(client.get(f"{inside}/flows", **under))
    assert found
    assert [link for link in found if not link.startswith(f"/intranet{inside}/")] == []
    posted = client.post(f"{inside}/flows/below/start/start", data={"text": "x"}, **under)
    assert posted.location == f"/intranet{inside}/processes/1"


@pytest.mark.parametrize("whose", ["the host's", "ours", "both"])
def test_behind_a_proxy_that_says_its_prefix(host, module, whose):
    app = host()
    config = {} if whose == "the host's" else {"TRUSTED_PROXIES": 1}
    Portal(app, url_prefix="/work", flows=[module("Proxied")], identity=ann, config=config)
    if whose != "ours":
        app.wsgi_app = ProxyFix(app.wsgi_app, x_prefix=1)
    app.add_url_rule("/workshop", "root", lambda: request.script_root)
    ready(app)
    client, headers = app.test_client(), {"X-Forwarded-Prefix": "/intranet"}
    found = links(client.get("/work/flows", headers=headers))
    assert found
    assert [link for link in found if not link.startswith("/intranet/work/")] == []
    assert client.get("/workshop", headers=headers).text == ("" if whose == "ours" else "/intranet")


def test_where_to_sign_in_follows_the_path_of_the_server(host, module):
    app = host()
    Portal(app, url_prefix="/work", flows=[], identity=lambda: None, config={"LOGIN_URL": "/enter?lang=en"})
    ready(app)
    page = app.test_client().get("/work/inbox", environ_overrides={"SCRIPT_NAME": "/intranet"})
    assert page.location == "/intranet/enter?lang=en&next=%2Fintranet%2Fwork%2Finbox"


def test_without_a_place_to_sign_in_nobody_is_401(host):
    app = host()
    Portal(app, url_prefix="/work", flows=[], identity=lambda: None)
    ready(app)
    assert app.test_client().get("/work/inbox").status_code == 401


def test_two_portals_in_two_applications_of_one_process(host, module):
    one, other = host(), host()
    Portal(one, url_prefix="/one", flows=[module("First")], identity=ann)
    portal = Portal(url_prefix="/other", identity=lambda: Identity("bob"))
    portal.init_app(other, flows=[module("Second")])
    for app in (one, other):
        ready(app)
    assert "first/start" in one.test_client().get("/one/flows").text
    page = other.test_client().get("/other/flows").text
    assert "second/start" in page
    assert "first/start" not in page
    with other.app_context():
        assert [user.username for user in db.session.query(models.User)] == ["bob"]
        assert list(flow.registry) == ["second"]


def test_a_fault_below_the_prefix_is_the_portals_page_and_one_elsewhere_the_hosts(host, module):
    app = host(PROPAGATE_EXCEPTIONS=False)

    @app.errorhandler(Exception)
    def everything(error):
        return "the host's page", 500

    @app.get("/fault")
    def fault():
        return 1 / 0

    Portal(app, url_prefix="/work", flows=[module("Faulty")], identity=ann)
    ready(app)
    client = app.test_client()
    assert client.get("/fault").text == "the host's page"
    assert client.get("/elsewhere").text == "the host's page"
    client.post("/work/flows/faulty/start/start", data={"text": "x"})
    with app.app_context():
        models.find_user(db.session(), "ann").is_superuser = True
        db.session.commit()
    client.post("/work/tasks/2/assign")
    page = client.get("/work/tasks/2/execute")
    assert page.status_code == 500
    assert "Something went wrong" in page.text
    assert client.get("/work/tasks/99").status_code == 404


@pytest.mark.parametrize("url", ["/work/inbox", "/work/nope", "/work/api/v1/flows"])
def test_an_identity_that_raises_is_told_and_breaks_no_page_of_a_refusal(host, module, url):
    app = host(PROPAGATE_EXCEPTIONS=False)

    def broken():
        raise RuntimeError("the directory of people does not answer")

    Portal(app, url_prefix="/work", flows=[module("Nobodys")], identity=broken)
    ready(app)
    answer = app.test_client().get(url)
    assert answer.status_code == 500
    assert "eference" in answer.text
    assert "directory of people" not in answer.text


def test_a_form_of_another_site_is_refused_without_any_help_of_the_host(host, module):
    app = host()
    app.config["WTF_CSRF_ENABLED"] = True

    @app.post("/hook")
    def hook():
        return "taken"

    Portal(app, url_prefix="/work", flows=[module("Guarded")], identity=ann)
    ready(app)
    client = app.test_client()
    assert client.post("/hook").text == "taken"
    assert client.post("/work/flows/guarded/start/start", data={"text": "x"}).status_code == 400
    page = client.get("/work/flows/guarded/start/start").text
    token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    sent = client.post("/work/flows/guarded/start/start", data={"text": "x", "csrf_token": token})
    assert sent.status_code == 303


@pytest.mark.parametrize("protect", ["before", "after"])
def test_a_host_with_its_own_rules_for_jinja_and_for_forms(host, module, protect):
    app = host()
    app.config["WTF_CSRF_ENABLED"] = True
    app.jinja_env.undefined = StrictUndefined
    if protect == "before":
        CSRFProtect(app)
    name = module("Strict")
    Portal(app, url_prefix="/work", flows=[name], identity=ann)
    if protect == "after":
        CSRFProtect(app)

    @app.post("/own")
    def own():
        return render_template_string("{{ nothing }}")

    ready(app)
    client = app.test_client()
    assert client.post("/own").status_code == 400
    page = client.get("/work/flows/strict/start/start").text
    token = page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
    fields = {"text": "x", "csrf_token": token}
    assert client.get("/work/flows/strict/start/hand").status_code == 200
    assert client.post("/work/flows/strict/start/start", data={**fields, "csrf_token": ""}).status_code == 400
    large = {**fields, "more": "m" * 600_000}
    assert client.post("/work/flows/strict/start/start", data=large).status_code == 303
    abroad = {"base_url": "https://localhost", "headers": {"Referer": "https://elsewhere.example/"}}
    assert client.post("/work/flows/strict/start/start", data=fields, **abroad).status_code == 400
    with pytest.raises(UndefinedError):
        client.post("/own", data=fields)


def test_a_template_of_the_host_comes_before_ours(host, module, tmp_path):
    folder = tmp_path / "templates" / "portal" / "framed"
    folder.mkdir(parents=True)
    (folder / "start.html").write_text(
        '{% extends "portal/form.html" %}{% block title %}Our own start{% endblock %}'
        '{% block more_navigation %}<li><a href="/back">Back to the host</a></li>{% endblock %}'
    )
    (tmp_path / "templates" / "portal" / "inbox.html").write_text("the host's inbox of {{ me.name }}")
    (tmp_path / "templates" / "portal" / "frame.html").write_text(
        '{% extends "ours/portal/frame.html" %}{% block more_navigation %}<li>Everywhere</li>{% endblock %}'
    )
    app = host()
    Portal(app, url_prefix="/work", flows=[module("Framed")], identity=ann)
    ready(app)
    client = app.test_client()
    assert client.get("/work/inbox").text == "the host's inbox of Ann"
    page = client.get("/work/flows/framed/start/start").text
    assert "Our own start" in page
    assert "Back to the host" in page
    assert "<li>Everywhere</li>" in client.get("/work/queue").text


def test_a_login_manager_without_an_identity_is_refused_with_the_mend(host):
    app = host()
    LoginManager(app)
    with pytest.raises(PortalError, match=r"Portal\(app, identity=…\)"):
        Portal(app, flows=[])


def test_an_identity_that_is_none_is_refused_with_the_mend(host):
    for wrong, mend in (
        (lambda: Identity("ann", roles="clerks"), r"roles=\['clerks'\]"),
        (lambda: Identity(5), "'5'"),
        (lambda: Portal(host(), flows=[], identity=Identity("ann")), "lambda"),
    ):
        with pytest.raises(PortalError, match=mend):
            wrong()
    app = host()
    names = iter(["ann", Identity("ann", roles=(name for name in ("clerks", "buyers")))])
    Portal(app, url_prefix=None, flows=[], identity=lambda: next(names))
    ready(app)
    client = app.test_client()
    with pytest.raises(PortalError, match=r"write Identity\(…\)"):
        client.get("/inbox")
    assert client.get("/inbox").status_code == 200
    with app.app_context():
        assert {role.name for role in models.find_user(db.session(), "ann").roles} == {"clerks", "buyers"}


def test_a_second_portal_in_one_application_is_refused(host):
    app = host()
    Portal(app, url_prefix="/one", flows=[], identity=ann)
    with pytest.raises(PortalError, match="has a portal already"):
        Portal(app, url_prefix="/two", flows=[], identity=ann)


def test_a_handle_that_is_not_given_or_not_ready_is_refused(host):
    class Base(DeclarativeBase):
        pass

    own = SQLAlchemy(model_class=Base)
    with pytest.raises(PortalError, match=r"db\.init_app\(app\) before"):
        Portal(host(), db=own, flows=[], identity=ann)
    app = host()
    own.init_app(app)
    with pytest.raises(PortalError, match=r"Portal\(app, db=db\)"):
        Portal(app, flows=[], identity=ann)


def test_a_flow_of_the_script_that_runs_is_refused(host, module, monkeypatch):
    name = module("Script")
    app = host()
    found = __import__(name)
    found.ScriptFlow.__module__ = "__main__"
    monkeypatch.setattr("portal.discovery.discover", lambda _names: Flows({"script": found.ScriptFlow}))
    with pytest.raises(FlowError, match="move it into a module"):
        Portal(app, flows=[name], identity=ann)


def test_tables_that_wait_for_the_hosts_are_made_when_those_are_there(database_url):
    here = Path(__file__).parent
    places = os.pathsep.join(
        (str(here), str(here.parent), str(here.parent.parent), str(here.parent.parent / "examples" / "shop"))
    )
    script = "import sys, bound_host; bound_host.main(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", script, database_url],
        capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": places},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
