"""What leaves the outbox, how often and in which order."""

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from pathlib import Path

import pytest
from bills import BillFlow

from portal import queries
from portal.engine import outbox
from portal.engine.queue import timers
from portal.models import Outgoing, User, db
from portal.work import hooks

SECRET = "a secret of the tests"


@pytest.fixture
def told(bill, act):
    """Bob is told of a task; its run."""

    def tell(text="Paper"):
        run = bill(text)
        act(run.task("check"), "assign", "carol", to="bob")
        return run

    return tell


@pytest.fixture
def called(hooked, bill, act):
    """A process in which alice's bill is taken, paid and over: three calls of a hook."""

    def call():
        run = bill()
        run.task("check").assign("bob").execute(paid=True)
        return run

    return call


def events(http):
    return [json.loads(content)["event"] for _, _, content in http.received]


def open_rows(session):
    """How many rows wait, and how many are given up."""
    session.rollback()
    waiting = db.select(db.func.count()).select_from(Outgoing).where(Outgoing.scheduled.is_not(None))
    return session.scalar(waiting), len(outbox.given_up(session))


def test_a_mail_says_what_and_why_and_where(told, send, smtp):
    run = told()
    send()
    [mail] = smtp.received
    assert mail["To"] == "bob@example.com"
    assert mail["From"] == "portal@portal.example"
    assert mail["Subject"] == "To do: Check – Bill for Paper"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = (mail.get_body([kind]).get_content() for kind in ("plain", "html"))
    assert "carol has assigned a task to you." in text
    for body in (text, html):
        assert f"https://portal.example/tasks/{run.task('check').id}" in body
        assert "because the task is assigned to you" in body
        assert "https://portal.example/profile" in body
    assert "\n\n\n" not in text.replace("\r\n", "\n")


def test_a_site_has_its_own_words_in_mail(told, send, smtp, app, tmp_path, monkeypatch):
    folder = tmp_path / "portal" / "mail"
    folder.mkdir(parents=True)
    (folder / "notice-mail.txt").write_text("Our house: {{ url }}")
    monkeypatch.setattr(app, "template_folder", str(tmp_path))
    run = told()
    send()
    [mail] = smtp.received
    text, html = (mail.get_body([kind]).get_content() for kind in ("plain", "html"))
    assert text.strip() == f"Our house: https://portal.example/tasks/{run.task('check').id}"
    assert "You get this email because" in html


def test_a_mail_tells_its_process_from_the_others_of_its_step(
    told, act, send, smtp, people, session, monkeypatch
):
    monkeypatch.setattr(BillFlow.check, "summary_template", "Look at the sum")
    session.get_one(User, people["carol"]).full_name = "Carol\r\nBcc: eve@example.com"
    session.commit()
    told("W" * 80)
    send()
    [mail] = smtp.received
    assert mail["Subject"].strip() == f"To do: Check – Bill for {'W' * 80}"
    for kind in ("plain", "html"):
        text = mail.get_body([kind]).get_content()
        assert "Look at the sum" in text
        assert f"Bill for {'W' * 80}" in text
        assert "Carol Bcc: eve@example.com has assigned a task to you." in text


@pytest.mark.parametrize(
    ("action", "subject", "line"),
    [
        ("finish", "Done: Bill – Bill for Paper", "The last step was by bob."),
        ("cancel", "Cancelled: Bill – Bill for Paper", "carol has cancelled your request."),
        ("fail", "Failed: Pay – Bill for <bad>", "A step has failed."),
        ("wait", "Due soon: Check – Bill for Paper", "A task of yours is due soon."),
        ("wait longer", "Late: Check – Bill for Paper", "A task of yours is overdue."),
    ],
)
def test_each_event_has_its_words(bill, send, smtp, session, people, action, subject, line):
    run = bill("<bad>" if action == "fail" else "Paper")
    task = run.task("check").assign("bob")
    if action == "cancel":
        run.process.cancel(people["carol"])
    elif action.startswith("wait"):
        run.advance(days=3.5 if action == "wait" else 4.5)
    else:
        task.execute(paid=True)
    send()
    mail = smtp.received[-1]
    assert mail["Subject"] == subject
    assert line in mail.get_body(["plain"]).get_content()
    html = mail.get_body(["html"]).get_content()
    assert "<bad>" not in html


@pytest.mark.parametrize("text", ["a\r\nBcc: eve@example.com", "a\nb\u2028c\x1b[0m", "x" * 900, "Büro – 字"])
def test_no_text_gets_into_the_headers(told, session, send, smtp, text):
    run = told()
    process = run.process
    process.text = text
    session.commit()
    send()
    [mail] = smtp.received
    assert mail["Bcc"] is None
    subject = mail["Subject"].strip()
    assert len(subject) <= 150
    assert subject.isprintable()
    assert open_rows(session) == (0, 0)


def test_an_address_with_a_line_break_is_given_up(told, session, people, send, smtp):
    session.get_one(User, people["bob"]).email = "bob@example.com\r\nBcc: eve@example.com"
    session.commit()
    told()
    send()
    assert smtp.received == []
    [row] = outbox.given_up(session)
    assert row.error == "ValueError"


def test_who_has_no_address_any_more_gets_nothing(told, session, people, send, smtp):
    told()
    session.get_one(User, people["bob"]).email = None
    session.commit()
    send()
    assert smtp.received == []
    assert open_rows(session) == (0, 0)


def test_a_hook_tells_of_its_process_in_order(called, send, http):
    process = called().process
    send()
    assert events(http) == ["assigned", "finished"]
    path, headers, content = http.received[-1]
    said = json.loads(content)
    assert path == "/hook?token=sesame"
    assert said["process"]["id"] == process.id
    assert said["process"]["url"] == f"https://portal.example/processes/{process.id}"
    assert (said["process"]["status"], said["process"]["created_by"], said["by"]) == ("DONE", "alice", "bob")
    assert headers["Idempotency-Key"] == headers["Webhook-Id"] == said["id"]
    assert "Paper" not in content.decode()


@pytest.mark.parametrize("secret", [SECRET, "whsec_" + base64.b64encode(b"0123456789abcdef").decode()])
def test_a_receiver_can_check_the_signature(secret):
    raw = b"0123456789abcdef" if secret.startswith("whsec_") else secret.encode()
    wanted = base64.b64encode(hmac.digest(raw, b"key.17.{}", hashlib.sha256)).decode()
    assert hooks.signature(secret, "key", "17", b"{}") == f"v1,{wanted}"


def test_the_signature_is_that_of_the_guide():
    body = b'{"id": "5e0c", "event": "finished"}'
    guide = (Path(__file__).parents[2] / "docs/running.md").read_text("utf-8")
    assert hooks.signature("a long secret", "5e0c", "1790000000", body) in guide


def test_the_signature_is_that_of_what_arrives(called, send, http):
    called()
    send()
    for _, headers, content in http.received:
        wanted = hooks.signature(SECRET, headers["Webhook-Id"], headers["Webhook-Timestamp"], content)
        assert headers["Webhook-Signature"] == wanted


def test_after_a_500_it_is_tried_again_and_the_later_rows_wait(called, send, http, flow_tester, session):
    http.answers[:] = [500, 503]
    called()
    send()
    assert events(http) == ["assigned"]
    flow_tester.clock.offset += outbox.FIRST_WAIT * 1.3
    send()
    assert events(http) == ["assigned", "assigned"]
    flow_tester.clock.offset += outbox.FIRST_WAIT * 2.6
    send()
    assert events(http) == ["assigned", "assigned", "assigned", "finished"]
    keys = [headers["Idempotency-Key"] for _, headers, _ in http.received]
    bodies = [content for _, _, content in http.received]
    assert len(set(keys[:3])) == len(set(bodies[:3])) == 1
    assert keys[3] != keys[0]
    assert open_rows(session) == (0, 0)


def test_one_process_does_not_wait_for_another(hooked, bill, act, send, http, session, people):
    http.answers[:] = [500]
    for _ in range(2):
        act(bill().task("check"), "assign", "bob", to="bob")
    send()
    assert len(http.received) == 2
    assert open_rows(session) == (1, 0)


def test_a_receiver_who_is_refused_for_now_keeps_nobody_else_waiting(
    hooked, bill, act, send, smtp, http, session
):
    smtp.answers[:] = ["452 full"]
    run = bill()
    act(run.task("check"), "assign", "carol", to="bob")
    act(run.task("check"), "reassign", "carol", to="dave")
    send()
    assert [mail["To"] for mail in smtp.received] == ["dave@example.com"]
    assert events(http) == ["assigned", "assigned"]
    assert open_rows(session) == (1, 0)


def test_a_hook_that_does_not_answer_keeps_neither_mails_nor_other_hooks_waiting(
    bill, act, scheduler, http, smtp, monkeypatch
):
    slow, quick = (f"http://127.0.0.1:{http.port}/{name}" for name in ("slow", "quick"))
    http.patience.clear()
    monkeypatch.setattr(BillFlow, "process_webhooks", [slow, quick])
    scheduler.start()
    try:
        for _ in range(15):  # more than there are threads to call
            act(bill().task("check"), "assign", "carol", to="bob")
        until = time.monotonic() + 300
        while len(smtp.received) + len(http.received) < 30 and time.monotonic() < until:
            time.sleep(0.02)
        paths = [path for path, _, _ in http.received]
        assert (len(smtp.received), paths.count("/quick"), paths.count("/slow")) == (15, 15, 0)
    finally:
        http.patience.set()
        assert scheduler.stop(300)


def test_the_last_try_gives_up_and_lets_the_later_rows_go(called, send, http, flow_tester, session, caplog):
    http.answers[:] = [500] * outbox.TRIES["hook"]
    called()
    for _ in range(outbox.TRIES["hook"]):
        send()
        flow_tester.clock.offset += outbox.LONGEST_WAIT * 1.3
    send()
    assert events(http)[-1] == "finished"
    assert len(http.received) == outbox.TRIES["hook"] + 1
    [row] = outbox.given_up(session)
    assert (row.event, row.error) == ("assigned", "127.0.0.1 answers 500")
    assert queries.figures(session, timers.now()).plain()["given_up"] == {"hook": 1}
    assert "sesame" not in caplog.text

    assert outbox.again(session) == 1
    send()
    assert events(http)[-1] == "assigned"
    assert open_rows(session) == (0, 0)


@pytest.mark.parametrize(("status", "lost"), [(410, 1), (302, 0), (404, 0)])
def test_a_redirect_is_not_followed_and_a_receiver_that_is_gone_not_asked_again(
    hooked, bill, act, send, http, session, status, lost
):
    http.answers[:] = [status]
    act(bill().task("check"), "assign", "bob", to="bob")
    send()
    assert [path for path, _, _ in http.received] == ["/hook?token=sesame"]
    assert open_rows(session) == (1 - lost, lost)


def test_a_receiver_that_nobody_answers_for_is_tried_again(bill, act, send, session, monkeypatch):
    monkeypatch.setattr(BillFlow, "process_webhooks", ["http://127.0.0.1:1/"])
    act(bill().task("check"), "assign", "bob", to="bob")
    send()
    session.rollback()
    [row] = session.scalars(db.select(Outgoing))
    assert row.error == "127.0.0.1: NewConnectionError"
    assert row.scheduled is not None


def test_a_mail_server_that_is_busy_gets_it_later(told, send, smtp, flow_tester, session):
    smtp.answers[:] = ["451 later"]
    told()
    send()
    assert smtp.received == []
    assert open_rows(session) == (1, 0)
    flow_tester.clock.offset += outbox.FIRST_WAIT * 1.3
    send()
    assert len(smtp.received) == 1


def test_a_refused_receiver_is_given_up_and_not_named_in_the_log(told, send, smtp, session, caplog):
    smtp.answers[:] = ["550 no bob@example.com here"]
    told()
    with caplog.at_level(logging.DEBUG):
        send()
    [row] = outbox.given_up(session)
    assert row.error == "the mail server refuses the receiver (550)"
    assert "given up" in caplog.text
    assert "bob@" not in caplog.text


def test_a_sender_that_dies_after_sending_leaves_the_row_with_its_key(
    called, sender, send, http, flow_tester, session
):
    called()
    [claimed] = outbox.claim(session, "hook")
    hooks.post(claimed, hooks.body(claimed, "https://portal.example"), SECRET, 0)
    send()
    assert len(http.received) == 1  # the claim holds, and what comes later waits
    flow_tester.clock.offset += outbox.LEASE * 1.1
    send()
    assert events(http) == ["assigned", "assigned", "finished"]
    first, second = http.received[:2]
    assert first[1]["Idempotency-Key"] == second[1]["Idempotency-Key"]
    assert first[2] == second[2]
    assert not outbox.delivered(session, claimed)


def test_a_row_that_cannot_be_made_into_a_mail_keeps_no_other_one_back(told, send, smtp, session):
    told()
    told()
    session.rollback()
    broken = session.scalars(db.select(Outgoing).order_by(Outgoing.id)).first()
    broken.payload = {}
    session.commit()
    send()
    assert len(smtp.received) == 1
    session.refresh(broken)
    assert (broken.attempt, broken.error) == (1, "KeyError")
    assert broken.scheduled is not None


def test_the_message_id_is_the_same_in_every_try(told, send, smtp, flow_tester, session):
    told()
    [claimed] = outbox.claim(session, "mail")
    flow_tester.clock.offset += outbox.LEASE * 1.1
    smtp.answers[:] = ["451 later"]
    send()
    flow_tester.clock.offset += outbox.LEASE
    send()
    assert smtp.received[0]["Message-ID"] == f"<{claimed.key}@portal.example>"


def test_two_senders_send_each_row_once(called, app, http, flow_tester, session):
    from portal.engine import transaction
    from portal.work.outbox import Sender

    for _ in range(6):
        called()
    session.rollback()

    def work():
        transaction.clock.set(flow_tester.clock)
        other = Sender(app, app.extensions["portal"])
        for _ in range(20):
            other.turn()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = [headers["Idempotency-Key"] for _, headers, _ in http.received]
    assert len(keys) == len(set(keys)) == 12
    by_process = {}
    for _, _, content in http.received:
        said = json.loads(content)
        by_process.setdefault(said["process"]["id"], []).append(said["event"])
    assert list(by_process.values()) == [["assigned", "finished"]] * 6


def test_the_thread_sends_soon_after_the_commit(scheduler, told, smtp):
    scheduler.start()
    try:
        told()
        until = time.monotonic() + 300
        while not smtp.received and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        scheduler.stop()
    assert len(smtp.received) == 1


def test_what_was_sent_long_ago_is_swept(told, send, flow_tester, session):
    told()
    send()
    flow_tester.clock.offset += outbox.KEPT * 1.1
    assert outbox.sweep(session) == 1
    assert session.scalar(db.select(db.func.count()).select_from(Outgoing)) == 0
