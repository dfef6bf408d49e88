"""Sends the outbox in threads of its own: a slow receiver delays no timer, no mail and no other receiver."""

from __future__ import annotations

import contextvars
import datetime as dt
import json
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from flask import current_app, has_app_context
from flask.logging import default_handler, has_level_handler
from sqlalchemy.exc import SQLAlchemyError

from portal import trace
from portal.engine import notifications, outbox
from portal.engine.queue import timers
from portal.models import db

from . import hooks
from .turns import Turns

if TYPE_CHECKING:
    from flask import Flask

    from portal.config import Config

log = logging.getLogger("portal.outbox")

#: seconds after which the outbox is looked through, whether something fell due or not
AT_LATEST = 60.0
#: hooks that are called at a time, and how many of them at one address
THREADS, AT_ONE = 12, 3
#: a claim that ends sooner than this is left to the next sender
MARGIN = dt.timedelta(seconds=60)


def init_app(app: Flask, settings: Config) -> None:
    """Give an application its way out."""
    app.extensions["portal_sender"] = Sender(app, settings)
    notifications.bind(_webhooks)
    if not (settings.webhook_secret and app.config.get("MAIL_SERVER")):
        log.setLevel(logging.INFO)  # what is not sent is shown
        if not has_level_handler(log):
            log.addHandler(default_handler)


def _webhooks() -> tuple[str, ...]:
    found: tuple[str, ...] = current_app.extensions["portal"].webhooks if has_app_context() else ()
    return found


class Sender:
    """Sends what is in the outbox. Any number of senders may run: each row is claimed by one of them."""

    def __init__(self, app: Flask, settings: Config) -> None:
        self.app = app
        self.settings = settings
        self._turns: Turns | None = None
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="portal-hook")
        #: the calls that are under way, with their addresses
        self._calling: dict[Future[None], str] = {}

    def join(self, turns: Turns) -> None:
        """Take turns among those of this process: one for mail, one for web hooks."""
        self._turns = turns
        turns.add("mail", self._mails, AT_LATEST)
        turns.add("hooks", self._calls, AT_LATEST)

    def wait(self, timeout: float) -> bool:
        """Wait for the calls under way. False if that takes longer than so many seconds."""
        return not wait(list(self._calling), timeout).not_done

    def turn(self) -> int:
        """Try to send what is due now, one row for each process and receiver. The number of rows tried."""
        with self.app.app_context():
            tried = self._mails() + self._calls()
        for call in list(self._calling):
            call.result()
        return tried

    def _mails(self) -> int:
        claimed = outbox.claim(db.session(), "mail")
        if claimed:
            from . import mail  # SMTP and MIME are a megabyte: a process that sends no mail does without

            with mail.post(self.settings.base_url) as send:
                for each in claimed:
                    self._attempt(each, send)
        return len(claimed)

    def _calls(self) -> int:
        """Begin calls of one address, as many as there is room for. Their number."""
        calling = Counter(list(self._calling.values()))
        room = min(THREADS - calling.total(), AT_ONE)
        if room <= 0:
            return 0
        busy = [url for url, number in calling.items() if number >= AT_ONE]
        claimed = outbox.claim(db.session(), "hook", room, busy)
        for each in claimed:
            call = self._pool.submit(contextvars.copy_context().run, self._call, each)
            self._calling[call] = each.url or ""
            call.add_done_callback(self._called)
        return len(claimed)

    def _called(self, call: Future[None]) -> None:
        self._calling.pop(call, None)
        if self._turns is not None:
            self._turns.wake("hooks")

    def _attempt(self, each: outbox.Claim, send: Callable[[outbox.Claim], bool]) -> None:
        if each.until - timers.now() >= MARGIN:
            with trace.following(each.trace):
                self._try(each, send)

    def _try(self, each: outbox.Claim, send: Callable[[outbox.Claim], bool]) -> None:
        """Send a row, and note how that went. A row on which its sender breaks is given up in the end too."""
        session = db.session()
        try:
            has_receiver = send(each)
        except SQLAlchemyError:
            raise  # nothing could be noted either: the row comes up again
        except outbox.Undelivered as error:
            self._failed(each, str(error), error.for_good)
        except Exception as error:
            self._failed(each, _trouble(error), isinstance(error, ValueError))
        else:
            if has_receiver:
                outbox.delivered(session, each)
            else:
                outbox.drop(session, each)

    def _failed(self, each: outbox.Claim, words: str, for_good: bool) -> None:
        if outbox.failed(db.session(), each, words, for_good=for_good):
            log.error("%s %s of process %s is given up: %s", each.kind, each.id, each.process_id, words)
        else:
            log.warning(
                "%s %s of process %s, try %s: %s", each.kind, each.id, each.process_id, each.attempt, words
            )

    # -- hooks -------------------------------------------------------------------------------------------

    def _call(self, each: outbox.Claim) -> None:
        try:
            with self.app.app_context():
                self._attempt(each, self._hook)
        except Exception:
            log.exception("hook %s of process %s: it comes up again", each.id, each.process_id)

    def _hook(self, each: outbox.Claim) -> bool:
        content, secret = hooks.body(each, self.settings.base_url), self.settings.webhook_secret
        if secret:
            hooks.post(each, content, secret, int(timers.now().timestamp()))
        else:
            text = json.dumps(json.loads(content), indent=2, ensure_ascii=False)
            log.info(
                "Hook to %s (shown, not sent: PORTAL_WEBHOOK_SECRET is not set)\n%s", hooks.place(each), text
            )
        return True


def _trouble(error: Exception) -> str:
    """A failure in words without an address in it: what servers say often repeats the receiver's."""
    said = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
