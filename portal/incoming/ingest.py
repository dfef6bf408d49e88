"""Does what an incoming mail asks for, once: its id is stored in the same transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from flask import current_app
from mailparser_reply import EmailReplyParser
from sqlalchemy import func, select

from portal import language, storage
from portal.engine import actions, comments, permissions, reasons, search_text, writes
from portal.engine import api as engine
from portal.engine.transaction import clock, transaction, wake
from portal.errors import InvalidForm, PermissionDenied, PortalError, TransitionNotAllowed
from portal.flow import mailing, registry
from portal.language import gettext as _
from portal.models import Outgoing, Process, ReceivedMail, StoredFile, Task, User, db
from portal.queries import decisions
from portal.web.forms.submit import fill_form
from portal.web.forms.uploads import clean_name, kind_of
from portal.work import replies

from .letter import Letter

#: bytes of a mail where the application says nothing of its own
LARGEST = 16 * 1024 * 1024
#: the events whose notices are answered by a decision, and by a comment
_DECIDED, _TALKED = ("assigned", "due", "late"), ("comment", "mention")
_parser = EmailReplyParser(languages=["en", "de", "fr", "it", "es"])


class Refused(PortalError):
    """The mail does nothing; the message is for who has sent it."""


class Outcome(NamedTuple):
    """What became of a mail.

    Attributes:
        what: `started`, `told`, `decided`, `commented`; `seen` for one that was taken in before, `dropped` for one
            that no person has written.
        process: the id of the process.
    """

    what: str
    process: int | None = None


def ingest(raw: bytes, to: Iterable[str] = ()) -> Outcome:
    """Take in a mail.

    Args:
        raw: as of RFC 5322.
        to: the addresses it was delivered to; those in its headers, where nobody says.

    Raises:
        Refused: it is for nobody here, from somebody who may not, or cannot be done now.
        TransientError, Uncertain: the database could not do it for the moment; the same mail may come again.
    """
    if len(raw) > (current_app.config.get("MAX_CONTENT_LENGTH") or LARGEST):
        raise Refused(_("The email is larger than the portal takes."))
    try:
        letter = Letter.read(raw)
    except ValueError as error:
        raise Refused(str(error)) from error
    if letter.automatic:
        return Outcome("dropped")
    if db.session.get(ReceivedMail, letter.key) is not None:
        db.session.rollback()
        return Outcome("seen")
    for address in [each.strip().lower() for each in to] or letter.to:
        found = _reply_to(letter, address) or _mail_for(letter, address)
        if found is not None:
            return found
    raise Refused(_("Nobody here takes email to this address."))


def _once(
    letter: Letter, token: str | None, user_id: int | None, act: Callable[[], Outcome], **held: Any
) -> Outcome:
    """Act in one transaction with the mail's id. A second delivery at the same moment waits for it."""
    known = None if token is None else hashlib.sha256(token.encode()).hexdigest()
    session = db.session()
    try:
        with transaction(session, user_id, **held):
            row = {"key": letter.key, "token": known, "created": clock.get()()}
            insert = writes.insert(session, ReceivedMail).values(**row).on_conflict_do_nothing()
            if writes.run(session, insert.returning(ReceivedMail.key)).first() is None:
                if session.get(ReceivedMail, letter.key) is not None:
                    return Outcome("seen")
                raise Refused(_("This email was answered already."))
            found = act()
    except (TransitionNotAllowed, PermissionDenied, InvalidForm) as error:
        raise Refused(error.words) from error
    wake()
    return found


# -- mail to an address of a flow ---------------------------------------------------------------------------------


def _mail_for(letter: Letter, address: str) -> Outcome | None:
    """Start a process, or tell one that is named as in `orders+12@example.com`. None if no flow takes it."""
    local, _at, host = address.partition("@")
    name, plus, number = local.partition("+")
    for flow in registry.values():
        for said, node in mailing.nodes(flow).items():
            if said.lower() in (name, f"{name}@{host}"):
                return _take(letter, flow, node, number if plus else "")
    return None


def _take(letter: Letter, flow: Any, node: Any, number: str) -> Outcome:
    user = _sender(letter)
    if user is None and not flow.mail_from_anyone:
        raise Refused(_("Only people of the portal may write here, from the address that it knows."))
    user_id = None if user is None else user.id
    if node.starts:
        return _once(letter, None, user_id, lambda: _start(letter, node, user_id))
    process_id = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0
    process = db.session.get(Process, process_id) if process_id else None
    seen = (
        process is not None and user is not None and permissions.may_see_process(db.session(), user, process)
    )
    if process is None or process.flow_label != flow.definition.label or not seen:
        raise Refused(_("Name a process that you may see in the address, as in orders+12@example.com."))
    return _once(letter, None, user_id, lambda: _tell(letter, node, process_id, user_id), process=process_id)


def _sender(letter: Letter) -> User | None:
    """The person from whom a mail is. None if several have this address."""
    query = select(User).where(func.lower(User.email) == letter.sender, User.is_active)
    found = list(db.session.scalars(query.limit(2)).unique())
    return found[0] if len(found) == 1 else None


def _start(letter: Letter, node: Any, user_id: int | None) -> Outcome:
    rows = _store(letter, user_id, None)
    made: list[int] = []
    engine.start(node, _given(node, letter, rows, user_id), made.append)
    process = db.session.get_one(Process, made[-1])
    for row in rows:
        storage.attach(row, process)
    search_text.keep_attached(db.session(), process)
    return Outcome("started", process.id)


def _tell(letter: Letter, node: Any, process_id: int, user_id: int | None) -> Outcome:
    process = db.session.get_one(Process, process_id)
    rows = _store(letter, user_id, process)
    search_text.keep_attached(db.session(), process)
    node.run(process=process_id, **_given(node, letter, rows, user_id))
    return Outcome("told", process_id)


def _given(node: Any, letter: Letter, rows: list[StoredFile], user_id: int | None) -> dict[str, Any]:
    given: dict[str, Any] = {"_user": user_id}
    if node.func is not None:
        files = [{"id": row.id, "name": row.name, "type": row.type, "size": row.size} for row in rows]
        given["mail"] = letter.plain() | {"files": files}
    return given


def _store(letter: Letter, user_id: int | None, process: Process | None) -> list[StoredFile]:
    user = None if user_id is None else db.session.get_one(User, user_id)
    rows = []
    for each in letter.attachments:
        name = clean_name(each.name)
        kind = kind_of(name, each.type, each.content[:64])
        rows.append(
            storage.store(db.session(), each.content, name=name, type=kind, user=user, process=process)
        )
    db.session.flush()
    return rows


# -- answers to notices -------------------------------------------------------------------------------------------


def _reply_to(letter: Letter, address: str) -> Outcome | None:
    """Do what the answer to a notice says. None if the address is for no such answer."""
    local, _at, host = address.partition("@")
    name, plus, token = local.partition("+")
    if not plus or (name, host) != replies.mailbox():
        return None
    key = replies.key_of(token)
    row = None if key is None else db.session.scalars(select(Outgoing).where(Outgoing.key == key)).first()
    user = None if row is None or row.user_id is None else db.session.get(User, row.user_id)
    if row is None or user is None or not user.is_active:
        raise Refused(_("This address is not, or no longer, one for answers."))
    with language.use(user.language):
        if (user.email or "").lower() != letter.sender:
            raise Refused(_("Answer from the address to which the email was sent."))
        text = str(_parser.parse_reply(letter.text) or "").strip()
        if row.event in _TALKED and row.process_id is not None:
            return _comment(letter, token, user, row.process_id, text)
        task = db.session.get(Task, row.task_id) if row.task_id is not None else None
        if row.event not in _DECIDED or task is None:
            raise Refused(_("This email cannot be answered: open the portal instead."))
        return _decide(letter, token, user, task, text)


def _comment(letter: Letter, token: str, user: User, process_id: int, text: str) -> Outcome:
    user_id = user.id
    if not permissions.may_see_process(db.session(), user, db.session.get_one(Process, process_id)):
        raise Refused(_("You may not see this process any more."))
    if not text or len(text) > comments.LONGEST:
        raise Refused(_("There is no text in this comment."))

    def act() -> Outcome:
        comments.add(db.session(), process_id, user_id, text, None)
        return Outcome("commented", process_id)

    return _once(letter, token, user_id, act, process=process_id)


def _decide(letter: Letter, token: str, user: User, task: Task, text: str) -> Outcome:
    task_id, process_id, user_id, node = task.id, task.process_id, user.id, task.node
    known = decisions.words(node)
    first, _line, rest = text.partition("\n")
    said = first.strip().strip(".!,;:*_ ").casefold()
    chosen = [value for value, word in known if word.casefold() == said]
    if not chosen:
        if not known:
            raise Refused(_("This email cannot be answered: open the portal instead."))
        words = ", ".join(word for _value, word in known)
        raise Refused(
            _("Begin your answer with one of these words, alone on its line: %(words)s.", words=words)
        )

    def act() -> Outcome:
        with actions.activation(db.session(), task_id, user_id) as activation:
            values, reason = _values(activation, chosen[0], rest.strip())
            if not fill_form(activation, values):
                activation.execute(reason)
        return Outcome("decided", process_id)

    return _once(letter, token, user_id, act, task=task_id)


def _values(activation: Any, value: Any, rest: str) -> tuple[dict[str, Any], str | None]:
    """What the form gets, and the reason: the rest of an answer is what the decision requires, if that is one text."""
    view = activation.node.view
    reason = rest[: reasons.LONGEST] or None
    if view is None:
        return {}, reason
    required = [name for each, names in view.decision.require if each == value for name in names]
    if len(required) == 1 and rest:
        return {view.decision.name: value, required[0]: rest}, None
    return {view.decision.name: value}, reason
