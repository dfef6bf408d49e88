"""Mail about a process: what it says, and how it leaves through Flask-Mailman."""

from __future__ import annotations

import datetime as dt
import smtplib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import current_app
from flask_mailman import EmailMultiAlternatives
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal import folders, summaries
from portal.engine import permissions
from portal.engine.outbox import Claim
from portal.models import Process, Task, User

from .addresses import address

#: what a subject begins with, by the event and the state at that time
WORDS = {
    ("assigned", "ASSIGNED"): "To do",
    ("queue", "NEW"): "New in the queue",
    ("due", "NEW"): "Due soon",
    ("due", "ASSIGNED"): "Due soon",
    ("late", "NEW"): "Late",
    ("late", "ASSIGNED"): "Late",
    ("failed", "ERROR"): "Failed",
    ("failed", "FAILED"): "Failed",
    ("finished", "DONE"): "Done",
    ("finished", "CANCELED"): "Cancelled",
}
#: the first sentence, by the same
LINES = {
    ("assigned", "ASSIGNED"): "A task was assigned to you.",
    ("queue", "NEW"): "A task that you may take is new in the queue.",
    ("due", "NEW"): "A task is due soon, and nobody has taken it.",
    ("due", "ASSIGNED"): "A task of yours is due soon.",
    ("late", "NEW"): "A task is overdue, and nobody has taken it.",
    ("late", "ASSIGNED"): "A task of yours is overdue.",
    ("failed", "ERROR"): "A step has failed. It waits until somebody retries or cancels it.",
    ("failed", "FAILED"): "Your request has failed.",
    ("finished", "DONE"): "Your request is done.",
    ("finished", "CANCELED"): "Your request was cancelled.",
}
#: the first sentence where somebody did it
LINES_BY = {
    ("assigned", "ASSIGNED"): "{} has assigned a task to you.",
    ("finished", "DONE"): "Your request is done. The last step was by {}.",
    ("finished", "CANCELED"): "{} has cancelled your request.",
}
REASONS = {
    "owner": "the task is assigned to you",
    "manager": "you manage this flow",
    "requester": "you started it",
    "queue": "you may take the task, and want to hear of the queue",
}
#: a subject is one line that a list of mails can show
LONGEST_SUBJECT = 150
#: a mail counts no further
COUNTED = 1000


@lru_cache(maxsize=4)
def _templates(own: Path) -> Environment:
    """The templates of mail: those in the application's own folder come before ours."""
    return Environment(
        loader=FileSystemLoader([own, folders.TEMPLATES]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it leaves, but for its address."""

    user: User
    subject: str
    text: str
    html: str


def compose(session: Session, claimed: Claim, base_url: str) -> Mail | None:
    """The mail of a claimed row, as things are now. None if there is nobody to send it to any more."""
    user = session.get(User, claimed.user_id)
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
    elif claimed.event in ("due", "late") and task is not None and task.owner_id not in (None, user.id):
        return None  # it has gone to somebody else since
    facts = _facts(claimed, user, process, task, base_url)
    if more:
        facts["line"] = f"{more + 1} tasks that you may take are new in the queue. The first of them:"
    head = f"{facts['word']}: {facts['title']}"
    # A step's own line may be the same for every process: what tells them apart is what the process is about.
    about = facts["about"] or facts["summary"]
    subject = _one_line(f"{head} – {about}" if about else head)
    templates = _templates(Path(current_app.root_path) / str(current_app.template_folder))
    text, html = (
        templates.get_template(f"portal/mail/notice-mail.{kind}").render(facts) for kind in ("txt", "html")
    )
    return Mail(user, subject, text, html)


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
            permissions.takeable_tasks(user),
        )
    )
    return list(session.scalars(query.order_by(Task.id).limit(COUNTED)).unique())


def _facts(claimed: Claim, user: User, process: Process, task: Task | None, base_url: str) -> dict[str, Any]:
    said, by = (claimed.event, claimed.payload["state"]), _one_line(claimed.payload["by"] or "")
    summary = summaries.of_process(process) if task is None else summaries.of_task(task)
    about = summaries.subject(process)
    flow_class = process.flow_class
    flow = process.flow_label if flow_class is None else flow_class.definition.title
    return {
        "word": WORDS[said],
        "line": LINES_BY[said].format(by) if by and said in LINES_BY else LINES[said],
        "title": _one_line(flow if task is None else task.title),
        "flow": flow,
        "number": process.id,
        "summary": summary,
        "about": "" if about == summary else about,
        "due": None if task is None or task.due is None else moment(task.due, user),
        "url": (
            address(base_url, "processes.detail", process_id=process.id)
            if task is None
            else address(base_url, "tasks.detail", task_id=task.id)
        ),
        "reason": REASONS[claimed.payload["reason"]],
        "profile": address(base_url, "accounts.profile"),
    }


def moment(value: dt.datetime, user: User) -> str:
    try:
        zone: dt.tzinfo = ZoneInfo((user.preferences or {}).get("timezone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = dt.UTC
    return value.astimezone(zone).strftime("%a %d %b %Y, %H:%M %Z")


def _one_line(text: str) -> str:
    """No line break, and no other control character: a header is one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1] + "…"


def message(mail: Mail, claimed: Claim, base_url: str) -> Any:
    """The mail with its headers. Its id is the key of the row, the same in every try.

    Raises:
        ValueError: the address has a line break in it.
    """
    host = urlsplit(base_url).hostname or "localhost"
    sender = current_app.config.get("MAIL_DEFAULT_SENDER") or f"portal@{host}"
    made = EmailMultiAlternatives(
        mail.subject,
        mail.text,
        sender,
        [mail.user.email],
        headers={
            "Message-ID": f"<{claimed.key}@{host}>",
            "References": f"<process-{claimed.process_id}@{host}>",  # one conversation in a reader of mail
            "Auto-Submitted": "auto-generated",  # RFC 3834: no automatic answers
            "X-Auto-Response-Suppress": "All",
        },
    )
    made.attach_alternative(mail.html, "text/html")
    return made


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
