"""Makes mail about a process, and sends it through Flask-Mailman."""

from __future__ import annotations

import smtplib
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_mailman import EmailMultiAlternatives
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal import language
from portal.engine import criteria, permissions
from portal.engine.outbox import Claim
from portal.language import ngettext
from portal.models import Process, Task, User
from portal.queries import decisions

from . import account_mail, digest, letters, replies, sentences

#: a mail counts no further
COUNTED = 1000


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


def trouble(error: Exception) -> str:
    """A failure in words without an address in it: what servers say often repeats the receiver's."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = sorted({code for code, _ in error.recipients.values()})
        return f"the mail server refuses the receiver ({', '.join(map(str, codes))})"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answers {error.smtp_code}"
    said = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def for_good(error: Exception) -> bool:
    """Whether another try would be refused too."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return error.smtp_code >= 500
    return isinstance(error, ValueError)  # no address, or one with a line break in it
