"""Makes mail about a process, and sends it through Flask-Mailman."""

from __future__ import annotations

import logging
import re
import smtplib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_mailman import EmailMultiAlternatives
from flask_mailman import Mail as Mailman
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal import language
from portal.engine import criteria, permissions
from portal.engine.outbox import Claim, Undelivered
from portal.language import ngettext
from portal.models import Process, Task, User, db
from portal.queries import decisions

from . import account_mail, digest, letters, replies, sentences

log = logging.getLogger("portal.outbox")

#: a mail counts no further
COUNTED = 1000
#: what opens an account stands in no log
_OPENS = re.compile(r"(/password/)\S+")


@contextmanager
def post(base_url: str) -> Iterator[Callable[[Claim], bool]]:
    """Sends the mails of claimed rows over one connection. Where no server is set, it shows them in the log.

    What is given is False for a row that nobody is to get any more. It raises `Undelivered` for a mail that the
    server refuses.
    """
    if not current_app.config.get("MAIL_SERVER"):
        yield partial(_show, base_url)
        return
    connection = mailman().get_connection()
    try:
        yield partial(_send, connection, base_url)
    finally:
        _hang_up(connection)


def mailman() -> Any:
    """The application's Flask-Mailman: its own, or ours."""
    if "mailman" not in current_app.extensions:
        Mailman().init_app(current_app)
    return current_app.extensions["mailman"]


def _send(connection: Any, base_url: str, claimed: Claim) -> bool:
    made = compose(db.session(), claimed, base_url)
    if made is None:
        return False
    sent = message(made, claimed, base_url)
    db.session.rollback()  # no transaction is open while a server makes up its mind
    try:
        connection.open()
        connection.send_messages([sent])
    except Exception as error:
        _hang_up(connection)
        if (refused := _refused(error)) is not None:
            raise refused from error
        raise
    return True


def _show(base_url: str, claimed: Claim) -> bool:
    made = compose(db.session(), claimed, base_url)
    if made is None:
        return False
    written = _OPENS.sub(r"\1…", made.text)
    text = "\n".join(f"    {line}" for line in (f"Subject: {made.subject}", "", *written.splitlines()))
    log.info("Mail to %s (shown, not sent: PORTAL_MAIL_SERVER is not set)\n%s", made.user.username, text)
    return True


def _refused(error: Exception) -> Undelivered | None:
    """What the server says, by its codes: its words often repeat the receiver's address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = sorted({code for code, _ in error.recipients.values()})
        words = f"the mail server refuses the receiver ({', '.join(map(str, codes))})"
        return Undelivered(words, all(code >= 500 for code in codes))
    if isinstance(error, smtplib.SMTPResponseException):
        for_good = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
        return Undelivered(f"the mail server answers {error.smtp_code}", for_good)
    return None


def _hang_up(connection: Any) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        connection.connection = None


def compose(session: Session, claimed: Claim, base_url: str) -> letters.Mail | None:
    """The mail of a claimed row in its receiver's language, as things are now. None if nobody is to get it any more."""
    user = None if claimed.user_id is None else session.get(User, claimed.user_id)
    with language.use(None if user is None else user.language):
        return _written(session, claimed, user, base_url)


def _written(session: Session, claimed: Claim, user: User | None, base_url: str) -> letters.Mail | None:
    if claimed.event == "digest":
        return digest.compose(session, claimed, user, base_url)
    if claimed.event in account_mail.EVENTS:
        return account_mail.compose(session, claimed, user, base_url)
    process = session.get(Process, claimed.process_id)
    task = None if claimed.task_id is None else session.get(Task, claimed.task_id)
    if user is None or not user.email or not user.is_active or process is None:
        return None
    more = 0
    if claimed.event == "queue":
        waiting = _waiting(session, claimed, user, process)
        if not waiting:
            return None
        task, more = waiting[0], len(waiting) - 1
        process = task.process
    elif claimed.event in ("due", "late") and _has_gone_to_others(user, task):
        return None
    facts = sentences.facts(claimed.event, claimed.payload, user, process, task, base_url)
    facts["quote"] = sentences.quote(session, claimed.payload)
    facts["answers"] = _answers(claimed, user, task)
    if more:
        facts["line"] = ngettext(
            "%(number)s task that you may take is new in the queue. The first of them:",
            "%(number)s tasks that you may take are new in the queue. The first of them:",
            more + 1,
        )
    head = f"{facts['word']}: {facts['title']}"
    # A step's own line may be the same for every process: what tells them apart is what the process is about.
    about = facts["about"] or facts["summary"]
    return letters.written("notice-mail", user, f"{head} – {about}" if about else head, facts)


def _has_gone_to_others(user: User, task: Task | None) -> bool:
    return task is not None and task.owner_id is not None and not permissions.owns(user, task)


def _answers(claimed: Claim, user: User, task: Task | None) -> list[str]:
    """The words with which the mail can be answered, the first line of the answer. None where it cannot."""
    if task is None or claimed.event not in ("assigned", "due", "late") or replies.mailbox() is None:
        return []
    if task.status != "ASSIGNED" or task.owner_id != user.id:
        return []
    return [word for _value, word in decisions.words(task.node)]


def _waiting(session: Session, claimed: Claim, user: User, process: Process) -> list[Task]:
    """What has come to a step since a notice was written, and is still there for this person to take."""
    name = select(Task.flow_task).where(Task.id == claimed.task_id).scalar_subquery()
    query = (
        select(Task)
        .join(Task.process)
        .where(
            Process.flow_label == process.flow_label,
            Task.flow_task == name,
            or_(Task.id == claimed.task_id, Task.created >= claimed.created),
            criteria.takeable_tasks(user),
        )
    )
    return list(session.scalars(query.order_by(Task.id).limit(COUNTED)).unique())


def message(mail: letters.Mail, claimed: Claim, base_url: str) -> Any:
    """The mail with its headers. Its id is the key of the row, the same in every try.

    Raises:
        ValueError: the address has a line break in it.
    """
    host = urlsplit(base_url).hostname or "localhost"
    sender = current_app.config.get("MAIL_DEFAULT_SENDER") or f"portal@{host}"
    reply_to = None if claimed.event in ("digest", "queue") else replies.address_of(claimed.key)
    made = EmailMultiAlternatives(
        mail.subject,
        mail.text,
        sender,
        [mail.to or mail.user.email],
        reply_to=None if reply_to is None else [reply_to],
        headers={
            "Message-ID": f"<{claimed.key}@{host}>",
            # one conversation in a reader of mail
            "References": f"<{_thread(claimed)}@{host}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no automatic answers
            "X-Auto-Response-Suppress": "All",
        },
    )
    made.attach_alternative(mail.html, "text/html")
    return made


def _thread(claimed: Claim) -> str:
    """What a mail belongs to: its process, the daily mails, or, of an account, nothing but itself."""
    if claimed.process_id is not None:
        return f"process-{claimed.process_id}"
    return claimed.event if claimed.event == "digest" else claimed.key
