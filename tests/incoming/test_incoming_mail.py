"""Mail that comes in: each once, from whom it says, for what the flow says. On one database."""

from __future__ import annotations

import threading
from email.message import EmailMessage

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import OperationalError

from portal import flow, jsonstore, this, views
from portal.cli.mail import AGAIN, REFUSED, mail
from portal.engine import actions, answers
from portal.errors import Busy, FlowError
from portal.incoming import imap
from portal.incoming import ingest as gateway
from portal.incoming.ingest import Refused, ingest
from portal.incoming.letter import Letter
from portal.models import Comment, Outgoing, Process, ReceivedMail, StoredFile, Task, db
from portal.web.writing import writing
from portal.work import mail as notices
from portal.work import replies


class InvoiceProcess(Process):
    subject = jsonstore.StringField("Subject", max_length=500)
    note = jsonstore.TextField("Note")
    paid = jsonstore.BooleanField("Paid", labels=("Pay", "Refuse"))
    why = jsonstore.TextField("Why")


class InvoiceFlow(flow.Flow):
    """Invoice"""

    process_class = InvoiceProcess
    mail_addresses = {"invoices@shop.example": this.arrived, "notes": this.noted}

    arrived = flow.StartHandle(this.take).Next(this.split)
    split = flow.Split().Next(this.decide).Next(this.noted)
    decide = (
        flow.View(views.UpdateProcessView.as_view(fields=["why"], decide="paid", require={False: ["why"]}))
        .Permission(auto_create=True)
        .Assign(username="bob")
        .Next(this.join)
    )
    noted = flow.Handle(this.note).Next(this.join)
    join = flow.Join().Next(this.end)
    end = flow.End()

    def take(self, activation, mail):
        activation.process.subject = f"{mail['subject']} ({len(mail['files'])})"

    def note(self, activation, mail):
        activation.process.note = mail["text"]


@pytest.fixture
def database_url(sqlite):
    return sqlite


@pytest.fixture
def people(app, register, make_user):
    register(InvoiceFlow)
    app.config["MAIL_REPLY_TO"] = "portal@shop.example"
    yield {
        "alice": make_user("alice", "invoice.view", email="Alice@shop.example"),
        "bob": make_user("bob", "invoice.can_decide", email="bob@shop.example"),
    }
    del app.config["MAIL_REPLY_TO"]


def letter(
    sender="alice@shop.example", to="invoices@shop.example", text="Hello", key="<1@x>", files=(), **headers
):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = f"Somebody <{sender}>", to, "No. 7"
    if key:
        made["Message-ID"] = key
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    for name in files:
        made.add_attachment(b"%PDF-1.4 ...", maintype="application", subtype="pdf", filename=name)
    return made.as_bytes()


def test_a_mail_starts_a_process_once_with_its_attachments(people):
    raw = letter(files=["a.pdf", "../b.pdf"])
    first = ingest(raw)
    assert (first.what, ingest(raw).what) == ("started", "seen")
    process = db.session.get_one(InvoiceProcess, first.process)
    assert (process.subject, process.created_by.username) == ("No. 7 (2)", "alice")
    files = list(db.session.scalars(db.select(StoredFile).order_by(StoredFile.name)))
    assert [(file.name, file.type, file.process_id) for file in files] == [
        ("a.pdf", "application/pdf", process.id),
        ("b.pdf", "application/pdf", process.id),
    ]
    told = ingest(letter(to=f"notes+{process.id}@anywhere", text="Über\nzwei", key="<2@x>"))
    assert told == ("told", process.id)
    assert db.session.get_one(InvoiceProcess, process.id).note == "Über\nzwei"


def test_many_deliveries_at_one_moment_start_one(app, people):
    raw, found, together = letter(), [], threading.Barrier(4)

    def deliver():
        together.wait()
        with app.app_context():
            found.append(ingest(raw).what)

    threads = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == ["seen", "seen", "seen", "started"]


def test_what_is_refused_does_nothing(people):
    process = ingest(letter()).process
    for wrong in (
        {"sender": "eve@else.example"},  # nobody of ours
        {"to": "sales@shop.example"},  # nobody's address
        {"to": "notes@shop.example"},  # no process
        {"to": "notes+99@shop.example"},
        {"to": f"notes+{process}@shop.example", "sender": "eve@else.example"},
        {"to": "portal+" + "0" * 52 + "@shop.example"},  # a token that nobody has made
    ):
        with pytest.raises(Refused):
            ingest(letter(key="<w@x>", **wrong))
    for raw in (b"", b"\xff\xfe", b"From: \n\n", b"From: a@b, c@d\n\nx", b"To: x@y\n\n"):
        with pytest.raises(Refused):
            ingest(raw)
    for header in ({"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"Return_Path": "<>"}):
        assert ingest(letter(key="<auto@x>", **header)).what == "dropped"
    db.session.rollback()
    assert db.session.scalar(db.select(db.func.count(ReceivedMail.key))) == 1


def notice_of(event="assigned"):
    """The mail about the task that is Bob's: its text, and where it is answered."""
    row = db.session.scalars(
        db.select(Outgoing).where(Outgoing.event == event, Outgoing.kind == "mail")
    ).one()
    made = notices.compose(db.session(), row, "https://shop.example")
    sent = notices.message(made, row, "https://shop.example")
    return made, sent.reply_to[0]


def test_a_notice_is_answered_by_a_word_once_and_by_its_receiver_alone(people):
    process = ingest(letter()).process
    made, to = notice_of()
    assert "Pay · Refuse" in made.text
    assert "Pay · Refuse" in made.html
    assert to.startswith("portal+")
    quoted = "\n\nOn Mon, 2 Nov 2026 at 10:00, Portal <portal@shop.example> wrote:\n> Pay it?\n"
    for wrong in (
        {"sender": "alice@shop.example", "text": "Pay"},
        {"text": "Perhaps"},
        {"text": quoted},
        {"text": "Refuse" + quoted},  # without the reason that the form wants
        {"text": "Pay", "to": to[:-21] + "f@shop.example"},
    ):
        with pytest.raises(Refused):
            ingest(letter(**{"sender": "bob@shop.example", "to": to, "key": "<r@x>"} | wrong))
    answer = {"sender": "Bob@shop.example", "to": to, "text": "refuse.\nToo dear,\nfar too dear." + quoted}
    assert ingest(letter(key="<r1@x>", **answer)) == ("decided", process)
    found = db.session.get_one(InvoiceProcess, process)
    assert (found.paid, found.why) == (False, "Too dear,\nfar too dear.")
    assert ingest(letter(key="<r1@x>", **answer)).what == "seen"
    with pytest.raises(Refused, match="already"):
        ingest(letter(key="<r2@x>", **answer))
    task = db.session.scalars(db.select(Task).where(Task.flow_task == "decide")).one()
    assert (task.status, task.owner.username) == ("DONE", "bob")


def test_an_answer_that_comes_too_late_is_refused(people):
    process = ingest(letter()).process
    _, to = notice_of()
    db.session.rollback()
    actions.cancel_process(db.session(), process, None)
    with pytest.raises(Refused):
        ingest(letter(sender="bob@shop.example", to=to, text="Pay", key="<late@x>"))


def test_a_comment_is_answered_by_a_comment(people):
    process_id = ingest(letter()).process
    with writing() as session:
        session.add(
            Outgoing(
                process_id=process_id, kind="mail", event="comment", user_id=people["alice"].id, payload={},
                key="0" * 8 + "-0000-0000-0000-" + "1" * 12, created=people["alice"].created,
            )
        )  # fmt: skip
    to = replies.address_of("0" * 8 + "-0000-0000-0000-" + "1" * 12)
    assert ingest(letter(to=to, text="So be it.", key="<c@x>")).what == "commented"
    assert db.session.scalars(db.select(Comment.text)).all() == ["So be it."]


def test_the_command_speaks_to_the_mail_server(app, people, monkeypatch):
    app.cli.add_command(mail)
    run = CliRunner()

    def call(raw, *arguments):
        return run.invoke(mail, ["ingest", *arguments], input=raw, obj=None)

    with app.app_context():
        done = call(letter(to="undisclosed@nowhere"), "--to", "invoices@shop.example")
        assert (done.exit_code, done.stdout.split()[0]) == (0, "started"), done.output
        refused = call(letter(key="<2@x>", sender="eve@else.example"))
        assert (refused.exit_code, refused.stdout) == (REFUSED, "")
        assert "Only people of the portal" in refused.stderr

        def busy(*_):
            raise Busy("Somebody is at work.")

        monkeypatch.setattr(gateway, "_take", busy)
        assert call(letter(key="<3@x>")).exit_code == AGAIN

        for away in (
            OperationalError("SELECT 1", {}, Exception("connection refused")),
            OSError("no space left"),
        ):

            def fails(*_, error=away):
                raise error

            monkeypatch.setattr(gateway, "_take", fails)
            again = call(letter(key="<4@x>"))
            assert (again.exit_code, str(away) in again.stderr or "connection refused" in again.stderr) == (
                AGAIN,
                True,
            )


def test_a_mailbox_is_polled(app, people, monkeypatch):
    flagged = {}

    class Mailbox:
        def __init__(self, *_args, **_kwargs): ...
        def login(self, *_args):
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_): ...
        def fetch(self, criteria, mark_seen, limit):
            from email import message_from_bytes

            assert (criteria, mark_seen) == ("UNSEEN", False)
            for uid, raw in {"1": letter(), "2": letter(sender="eve@else.example", key="<2@x>")}.items():
                yield type("Mail", (), {"uid": uid, "obj": message_from_bytes(raw)})

        def flag(self, uid, flags, value):
            flagged[uid] = flags

    monkeypatch.setattr("imap_tools.MailBox", Mailbox)
    with pytest.raises(ValueError, match="IMAP_SERVER"):
        imap.poll()
    monkeypatch.setitem(app.config, "MAIL_IMAP_SERVER", "mail.example")
    assert imap.poll() == 2
    assert flagged == {"1": (r"\Seen",), "2": (r"\Seen", r"\Flagged")}


def test_a_mail_is_read_whatever_its_form():
    made = EmailMessage()
    made["From"] = "a@b"
    made.set_content("<p>Hello<br>you &amp; me</p>", subtype="html")
    made.add_alternative("x", subtype="calendar")
    found = Letter.read(made.as_bytes())
    assert found.text == "Hello\nyou & me"
    odd = b"From: a@b\nContent-Type: text/plain; charset=nonsense\nDate: soon\nSubject: =?utf-8?q?=00?=\n\nd\xe9j\xe0"
    found = Letter.read(odd)
    assert (found.text, found.date) == ("déjà", None)


def test_mail_is_forgotten_when_no_server_sends_it_again(people):
    ingest(letter())
    db.session.rollback()
    assert answers.prune_mail(db.session()) == 0


@pytest.mark.parametrize(
    ("addresses", "told"),
    [
        (["x"], "takes a mapping"),
        ({"a+b@c": "this"}, "without a plus"),
        ({"a": "start"}, "write this"),
        ({"a": this.nothing}, "no such node"),
        ({"a": this.end}, "it is for|is for a StartHandle"),
        ({"a": this.start}, "add this parameter"),
    ],
)
def test_a_wrong_address_is_told_at_import(addresses, told):
    with pytest.raises(FlowError, match=told):
        type(
            "WrongMailFlow",
            (flow.Flow,),
            {
                "process_class": Process,
                "mail_addresses": addresses,
                "start": flow.StartHandle(lambda activation, text: None).Next(this.end),
                "end": flow.End(),
            },
        )
