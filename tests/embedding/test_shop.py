"""A shop with its own people, pages and data: the portal works in it, and nothing else in it has changed."""

from __future__ import annotations

import pytest
import shop
from flask import Flask
from shop.models import Refund, Role, User
from shop.models import db as shop_db
from shop_host import links
from sqlalchemy import event, inspect, select

from portal import models
from portal.engine.queue import jobs
from portal.models import Process, db

REFUND = {"order": "1", "amount": "12.50", "reason": "Broken"}


def ask_for_refund(client, **changes):
    page = client.post("/work/flows/refund/start/start", data=REFUND | changes)
    assert page.status_code == 303, page.get_data(as_text=True)
    return page


def task_of(app, name="approve"):
    with app.app_context():
        return db.session.scalars(select(models.Task.id).where(models.Task.flow_task == name)).one()


def decide(client, app, **data):
    number = task_of(app)
    assert client.post(f"/work/tasks/{number}/assign").status_code == 303
    return client.post(f"/work/tasks/{number}/execute", data={"agreed": "true", **data})


def test_a_refund_from_the_first_form_to_the_shops_own_row(app, sign_in):
    assert ask_for_refund(sign_in("claire")).location == "/work/processes/1"
    assert decide(sign_in("max"), app).status_code == 303
    with app.app_context():
        process = db.session.scalars(select(Process)).one()
        refund = shop_db.session.scalars(select(Refund)).one()
        assert process.artifact is refund
        assert db.session() is shop_db.session()
        assert process.created_by.username == "claire"
        assert (
            shop_db.session.scalar(select(models.Task.status).where(models.Task.flow_task == "pay"))
            == "SCHEDULED"
        )


def test_what_the_flow_writes_is_on_the_shops_page(app, sign_in):
    ask_for_refund(sign_in("claire"))
    max_ = sign_in("max")
    assert decide(max_, app, agreed="false", remark="Too late").status_code == 303
    page = max_.get("/")
    assert "Tell Ada: no refund. Too late" in page.get_data(as_text=True)
    assert "/work/processes/1" in links(page)
    assert max_.get("/work/processes/1").status_code == 200


def test_a_form_that_is_refused_stores_nothing_of_the_shops(app, sign_in):
    page = sign_in("claire").post("/work/flows/refund/start/start", data=REFUND | {"amount": "much"})
    assert page.status_code == 422
    assert 'value="much"' in page.get_data(as_text=True)
    with app.app_context():
        assert shop_db.session.scalars(select(Refund)).all() == []


def test_every_page_leads_to_pages_below_the_prefix_or_of_the_shop(app, sign_in):
    ask_for_refund(sign_in("claire"))
    max_ = sign_in("max")
    number = task_of(app)
    for path in (
        "inbox",
        "queue",
        "archive",
        "flows",
        "flows/refund",
        "processes",
        "processes/1",
        "profile",
        f"tasks/{number}",
    ):
        page = max_.get(f"/work/{path}")
        assert page.status_code == 200, path
        assert [link for link in links(page) if not link.startswith("/work/")] == [], path
        for link in links(page):
            if "/static/" in link:
                with max_.get(link) as file:
                    assert file.status_code == 200, link


def test_the_shop_itself_is_as_before(app, sign_in):
    claire = sign_in("claire")
    home = claire.get("/")
    assert "<h1>Orders</h1>" in home.get_data(as_text=True)
    assert {"Content-Security-Policy", "X-Request-ID", "X-Frame-Options"} & set(home.headers.keys()) == set()
    assert "The shop has no such page" in claire.get("/nowhere").get_data(as_text=True)
    with claire.get("/static/shop.css") as style:
        assert style.status_code == 200
    assert claire.get_cookie("shop") is not None
    assert claire.get_cookie("portal_session") is None
    assert app.login_manager.login_view == "shop.login"


def state(app: Flask):
    """What an extension could change for everyone."""
    jinja = app.jinja_env
    return {
        "globals": set(jinja.globals),
        "filters": set(jinja.filters),
        "tests": set(jinja.tests),
        "blocks": (jinja.trim_blocks, jinja.lstrip_blocks),
        "before": app.before_request_funcs.get(None, [])[:],
        "after": app.after_request_funcs.get(None, [])[:],
        "teardown": app.teardown_request_funcs.get(None, [])[:],
        "context": app.template_context_processors[None][:],
        "errors": {code: set(found) for code, found in app.error_handler_spec.get(None, {}).items()},
        "config": dict(app.config),
        "interface": app.session_interface,
        "wsgi": app.wsgi_app,
        "rules": {str(rule): rule.endpoint for rule in app.url_map.iter_rules()},
    }


def test_what_counts_for_the_whole_application_is_not_touched(monkeypatch):
    seen = {}

    class Watched(shop.Portal):
        def init_app(self, app, **given):
            before = state(app)
            super().init_app(app, **given)
            seen.update(before=before, after=state(app))

    monkeypatch.setattr(shop, "Portal", Watched)
    shop.create_app({"TESTING": True, "SQLALCHEMY_DATABASE_URI": "sqlite://"})
    before, after = seen["before"], seen["after"]
    new = set(after["rules"].items()) - set(before["rules"].items())
    assert new
    assert all(endpoint.startswith("portal.") and rule.startswith("/work/") for rule, endpoint in new)
    settings = {name for name, value in after["config"].items() if value != before["config"].get(name)}
    assert {name for name in settings if not name.startswith("MAIL_")} == set()
    changed = [name for name in before if name not in ("rules", "config") and before[name] != after[name]]
    assert changed == []


def test_who_is_not_signed_in_is_led_to_the_shops_page_and_back(app):
    client = app.test_client()
    page = client.get("/work/queue?flow=refund")
    assert page.status_code == 303
    assert (
        page.location == "/login?next=/work/queue%3Fflow%3Drefund" or "next=%2Fwork%2Fqueue" in page.location
    )
    signed_in = client.post(page.location, data={"login": "claire", "password": "shop"})
    assert signed_in.location == "/work/queue?flow=refund"
    assert client.get("/work/login").status_code == 404


def test_a_form_that_is_sent_signed_out_is_there_after_signing_in_to_the_shop(app):
    client = app.test_client()
    page = client.post("/work/flows/refund/start/start", data=REFUND | {"reason": "It fell apart"})
    assert page.status_code == 303
    client.post("/login", data={"login": "claire", "password": "shop"})
    assert "It fell apart" in client.get("/work/flows/refund/start/start").get_data(as_text=True)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/work/nowhere", 404),
        ("GET", "/work/a%0Ab", 404),
        ("POST", "/work/nowhere", 404),
        ("GET", "/work/processes/999", 404),
        ("GET", "/work/processes/1/cancel/x", 404),
        ("DELETE", "/work/inbox", 405),
        ("POST", "/work/inbox", 405),
        ("GET", "/work/tasks/assign", 405),
    ],
)
def test_refusals_below_the_prefix_are_the_portals(sign_in, method, path, code):
    page = sign_in("claire").open(path, method=method)
    assert page.status_code == code
    assert "The shop has no such page" not in page.get_data(as_text=True)
    assert "side-bar" in page.get_data(as_text=True)
    if code == 405:
        assert page.headers["Allow"]


def test_addresses_with_and_without_a_slash(sign_in):
    claire = sign_in("claire")
    assert claire.get("/work").location.endswith("/work/")
    assert claire.get("/work/").location == "/work/inbox"
    assert claire.get("/work/inbox/").location == "/work/inbox"


def test_a_person_is_made_at_first_sight_and_follows_the_shop(app, sign_in):
    claire = sign_in("claire")
    assert claire.get("/work/inbox").status_code == 200
    with app.app_context():
        user = models.find_user(db.session(), "claire")
        assert (user.full_name, user.email) == ("Claire Clerk", "claire@shop.example")
        assert [role.name for role in user.roles] == ["clerks"]
        hers = shop_db.session.scalars(select(User).where(User.login == "claire")).one()
        hers.name, hers.mail = "Claire Chief", "chief@shop.example"
        hers.roles = shop_db.session.scalars(select(Role).where(Role.name == "managers")).all()
        shop_db.session.commit()
    assert "Claire Chief" in claire.get("/work/inbox").get_data(as_text=True)
    with app.app_context():
        user = models.find_user(db.session(), "claire")
        assert (user.email, [role.name for role in user.roles]) == ("chief@shop.example", ["managers"])
        assert user.can("refund.can_approve")
        assert not user.can("refund.can_start")
    assert claire.get("/work/flows/refund/start/start").status_code == 403


def test_a_person_may_be_deactivated_in_the_portal_alone(app, sign_in):
    claire = sign_in("claire")
    claire.get("/work/inbox")
    with app.app_context():
        models.find_user(db.session(), "claire").is_active = False
        db.session.commit()
    page = claire.get("/work/inbox")
    assert page.status_code == 403
    assert claire.get("/work/api/v1/tasks").status_code == 403
    assert claire.get("/").status_code == 200


def test_two_names_of_the_shop_that_look_alike_are_not_one_person(app, sign_in):
    claire = sign_in("claire")
    claire.get("/work/inbox")
    with app.app_context():
        shop_db.session.scalars(select(User).where(User.login == "max")).one().login = "Claire"
        shop_db.session.commit()
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert sign_in("Claire").get("/work/inbox").status_code == 500
    with app.app_context():
        assert len(db.session.scalars(select(models.User)).all()) == 1


def test_what_the_shop_changed_ahead_of_the_page_is_saved_and_in_nobodys_way(app, sign_in):
    claire = sign_in("claire")
    with app.app_context():
        before = shop_db.session.scalars(select(User).where(User.login == "claire")).one().last_seen
    ask_for_refund(claire)
    with app.app_context():
        after = shop_db.session.scalars(select(User).where(User.login == "claire")).one().last_seen
        assert after is not None
        assert after != before


def test_a_page_that_reads_holds_no_lock_for_what_the_shop_changed(app, sign_in):
    claire = sign_in("claire")
    claire.get("/work/inbox")
    sent = []
    with app.app_context():
        event.listen(shop_db.engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
    for path in ("inbox", "processes", "flows"):
        assert claire.get(f"/work/{path}").status_code == 200
    assert sent
    assert [sql for sql in sent if sql.startswith(("INSERT", "UPDATE", "DELETE"))] == []


def test_profile_without_what_the_shop_says(app, sign_in):
    claire = sign_in("claire")
    page = claire.get("/work/profile").get_data(as_text=True)
    assert "Change the password" not in page
    assert 'name="full_name"' not in page
    assert (
        claire.post("/work/profile", data={"theme": "dark", "after": "list", "timezone": ""}).status_code
        == 303
    )
    assert claire.post("/work/profile/sessions", data={"others": "1"}).status_code == 404
    with app.app_context():
        user = models.find_user(db.session(), "claire")
        assert (user.full_name, user.preferences["theme"]) == ("Claire Clerk", "dark")


def test_messages_of_the_portal_are_not_the_shops(app, sign_in):
    claire = sign_in("claire")
    ask_for_refund(claire)
    with claire.session_transaction() as session:
        assert "_flashes" not in session
    assert "message-success" in claire.get("/work/inbox").get_data(as_text=True)


def test_tables_are_beside_each_other_and_made_as_often_as_one_says(app):
    with app.app_context():
        models.init_db()
        models.init_db()
        names = set(inspect(shop_db.engine).get_table_names())
        assert {"user", "role", "task", "order", "portal_user", "portal_task", "portal_version"} <= names
        assert {name for name in names if name.startswith("portal_")} == models.schema.CORE | {
            "portal_version"
        }
        assert "alembic_version" not in names
        assert models.schema_fault(db.session()) is None
        assert "portal_task" not in shop_db.metadata.tables


def test_the_portal_is_ready_and_tells_its_figures(app):
    client = app.test_client()
    assert client.get("/work/healthz").status_code == 200
    assert client.get("/work/readyz").get_json()["schema"] == "ok"
    assert client.get("/healthz").status_code == 404


def test_jobs_are_done_by_whoever_turns_the_clock_in_the_shop(app, sign_in):
    ask_for_refund(sign_in("claire"))
    decide(sign_in("max"), app)
    with app.app_context():
        jobs.perform(db.session(), jobs.claim(db.session(), task_of(app, "pay")))
        assert shop_db.session.scalar(select(Refund.paid)) is True
        assert db.session.scalar(select(Process.status)) == "DONE"
