"""What machines ask: /healthz, /readyz, /metrics, and the id that goes through the log."""

import json
import logging
import time

import pytest
from sqlalchemy import text

from portal import flow, logs, this, views
from portal.engine.queue import timers
from portal.metrics import Waiting
from portal.models import Task, db, init_db


def test_a_process_that_answers_is_alive_without_a_database(app):
    db.session.execute(text("DROP TABLE portal_event"))
    db.session.commit()
    assert app.test_client().get("/healthz").text == "ok\n"


def test_ready_is_what_has_a_database_and_its_schema(app):
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json["database"] == answer.json["schema"] == "ok"


def test_a_missing_table_is_not_ready_and_says_the_mend(app):
    db.session.execute(text("DROP TABLE portal_event"))
    db.session.commit()
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert "event" in answer.json["schema"]
    assert "portal init-db" in answer.json["schema"]


def samples(client, **headers):
    """The figures as a mapping of a line's beginning to its number."""
    answer = client.get("/metrics", **headers)
    assert answer.status_code == 200
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_figures_tell_what_was_done_and_what_waits(app, people, paper):
    client = app.test_client()
    before = samples(client).get('portal_actions_total{action="start",flow="paper"}', 0)
    views.submit(paper.start, people["alice"], title="One")
    found = samples(client)
    assert found['portal_actions_total{action="start",flow="paper"}'] > before
    assert found['portal_tasks_open{flow="paper",state="NEW"}'] == 1
    assert found["portal_action_seconds_count"] >= 1
    assert found['portal_queue{queue="timers and jobs"}'] == 0
    assert any(line.startswith("portal_request_seconds_count") for line in found)


def test_who_invents_methods_makes_no_figures(app):
    for number in range(3):
        app.test_client().open("/healthz", method=f"FETCH{number}")
    assert b"FETCH" not in app.test_client().get("/metrics").data


def test_what_is_late_and_what_is_due_is_told_with_its_age(app, people, register):
    import datetime as dt

    class SlowFlow(flow.Flow):
        start = flow.StartHandle().Next(this.wait)
        wait = flow.Timer(lambda activation: dt.timedelta(minutes=-2)).Next(this.end)
        end = flow.End()

    register(SlowFlow)
    SlowFlow.start.run()
    found = samples(app.test_client())
    assert found['portal_queue{queue="timers and jobs"}'] == 1
    assert found['portal_queue_age_seconds{queue="timers and jobs"}'] >= 120


def test_figures_that_take_long_are_not_read_again_at_once(app, people, paper):
    client = app.test_client()
    app.extensions["portal_waiting"] = Waiting(db.session, timers.now, share=1e-6)
    views.submit(paper.start, people["alice"], title="One")
    one = samples(client)
    views.submit(paper.start, people["alice"], title="Two")
    open_tasks = 'portal_tasks_open{flow="paper",state="NEW"}'
    assert one[open_tasks] == samples(client)[open_tasks] == 1


def test_what_a_process_has_counted_is_told_without_a_database(app, people, paper):
    views.submit(paper.start, people["alice"], title="One")
    client = app.test_client()
    assert samples(client)["portal_database_up"] == 1
    db.session.execute(text("DROP TABLE portal_outgoing"))
    db.session.commit()
    found = samples(client)
    assert found["portal_database_up"] == 0
    assert found['portal_actions_total{action="start",flow="paper"}'] >= 1
    assert not [line for line in found if line.startswith("portal_tasks")]


@pytest.mark.parametrize(
    ("token", "headers", "environ", "code"),
    [
        (None, {}, {}, 200),
        (None, {}, {"REMOTE_ADDR": "192.0.2.7"}, 403),
        (None, {"X-Forwarded-For": "127.0.0.1"}, {}, 403),
        (None, {"Forwarded": "for=127.0.0.1"}, {}, 403),
        (None, {"X-Real-IP": "127.0.0.1"}, {}, 403),
        (None, {"X-Forwarded-Proto": "https"}, {}, 403),
        (None, {}, {"REMOTE_ADDR": ""}, 403),
        ("s3cret", {}, {}, 403),
        ("s3cret", {"Authorization": "Bearer wrong"}, {}, 403),
        ("s3cret", {"Authorization": "Basic czNjcmV0"}, {}, 403),
        ("s3cret", {"Authorization": "Bearer s3cr\xe9t"}, {}, 403),
        ("s3cret", {"Authorization": "Bearer s3cret"}, {"REMOTE_ADDR": "192.0.2.7"}, 200),
    ],
)
def test_figures_are_for_this_machine_or_for_who_holds_the_token(app, token, headers, environ, code):
    import dataclasses

    settings = app.extensions["portal"]
    app.extensions["portal"] = dataclasses.replace(settings, metrics_token=token)
    answer = app.test_client().get("/metrics", headers=headers, environ_overrides=environ)
    assert answer.status_code == code


def test_behind_a_proxy_that_is_trusted_only_the_token_tells(app):
    import dataclasses

    app.extensions["portal"] = dataclasses.replace(app.extensions["portal"], trusted_proxies=1)
    assert app.test_client().get("/metrics").status_code == 403


@pytest.mark.parametrize("place", ["nowhere", "127.0.0.1:99999"])
def test_a_worker_whose_figures_have_no_place_says_so(app, place):
    result = app.test_cli_runner().invoke(args=["worker", "--metrics", place])
    assert result.exit_code == 1
    assert f"no metrics at {place!r}" in result.output


# -- one id from the request to the worker -------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-123.DEF_4", True), ("short", False), ("a b c d e f g", False), ("x" * 65, False)],
)
def test_an_answer_bears_the_id_of_its_request(app, given, kept):
    answer = app.test_client().get("/healthz", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is kept
    assert len(answer.headers["X-Request-ID"]) >= 8


def test_the_id_of_a_request_stands_in_the_tasks_it_made_and_in_what_fails_of_them(app, client_of, register):
    def fail(activation):
        raise ValueError("out of paper")

    class PrintFlow(flow.Flow):
        start = flow.Start(views.CreateProcessView.as_view(fields=[])).Next(this.pause)
        pause = flow.Timer(__import__("datetime").timedelta(0)).Next(this.print)
        print = flow.Function(fail).Next(this.end)
        end = flow.End()

    register(PrintFlow)
    erin = client_of("erin")
    answer = erin.post("/flows/print/start/start", headers={"X-Request-ID": "from-the-proxy"})
    assert answer.status_code == 303
    pause = db.session.query(Task).filter_by(flow_task="pause").one()
    assert pause.trace == "from-the-proxy"
    assert timers.fire(db.session(), pause.id)
    failed = db.session.query(Task).filter_by(flow_task="print").one()
    assert failed.trace == failed.data["_exception"]["trace"] == "from-the-proxy"


@pytest.fixture
def portal_log():
    logger = logging.getLogger("portal")
    before = logger.handlers[:], logger.level, logger.propagate
    yield logger
    logger.handlers, logger.level, logger.propagate = before[0], before[1], before[2]


def test_the_log_as_json_has_the_id_and_the_fields_of_each_line(app, portal_log, capsys):
    logs.configure("json")
    logs.configure("json")  # once is enough
    app.test_client().get("/readyz", headers={"X-Request-ID": "abcdefgh"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == 1
    line = lines[0]
    assert (line["trace"], line["status"], line["endpoint"]) == ("abcdefgh", 200, "operations.ready")
    assert line["message"] == "GET /readyz 200"
    assert line["milliseconds"] >= 0
    assert line["time"].startswith(time.strftime("%Y-"))


def test_the_log_for_eyes_has_the_id_too(app, portal_log, capsys):
    logs.configure("text")
    app.test_client().get("/readyz", headers={"X-Request-ID": "abcdefgh"})
    assert "abcdefgh GET /readyz 200" in capsys.readouterr().err


def test_a_form_without_its_token_is_refused_and_logged_like_any_other(portal_log, capsys):
    from portal import create_app

    logs.configure("text")
    app = create_app({"DATABASE_URL": "sqlite://", "FLOWS": [], "SCHEDULER": "off", "SECRET_KEY": "x"})
    with app.app_context():
        init_db()
        answer = app.test_client().post("/login", headers={"X-Request-ID": "abcdefgh"})
    assert answer.status_code == 400
    assert answer.headers["X-Request-ID"] == "abcdefgh"
    assert [line.split("portal.web ")[1] for line in capsys.readouterr().err.splitlines()] == [
        "abcdefgh POST /login 400"
    ]


def test_an_address_makes_no_line_of_its_own_in_the_log(app, portal_log, capsys):
    logs.configure("text")
    app.test_client().get("/nowhere%0A2026-01-01 INFO forged%1b[2J", headers={"X-Request-ID": "abcdefgh"})
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("abcdefgh GET /nowhere%0A2026-01-01%20INFO%20forged%1B%5B2J 404")


def test_an_unknown_form_of_log_is_refused():
    with pytest.raises(ValueError, match="PORTAL_LOG is 'xml'; it can be text or json"):
        logs.configure("xml")


def test_passwords_are_in_no_line(app, people, portal_log, capsys):
    logs.configure("json")
    app.test_client().post("/login?password=hunter2", data={"username": "alice", "password": "hunter2"})
    assert "hunter2" not in capsys.readouterr().err
