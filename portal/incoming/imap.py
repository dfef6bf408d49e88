"""Reads a mailbox over IMAP: accepted mail is marked as seen, refused mail as flagged, and the rest is tried again."""

from __future__ import annotations

import logging
from typing import Any

import imap_tools
from flask import current_app

from portal.errors import TransientError, Uncertain
from portal.language import gettext as _

from .ingest import Refused, ingest

log = logging.getLogger("portal.mail")


def poll(most: int = 100) -> int:
    """Take in the mails that nobody has seen yet, as `PORTAL_MAIL_IMAP_…` say. Their number.

    Args:
        most: how many at most.

    Raises:
        ValueError: the settings name no server.
    """
    done = 0
    with _mailbox() as mailbox:
        for letter in mailbox.fetch("UNSEEN", mark_seen=False, limit=most):
            flags = _flags(letter)
            if flags:
                mailbox.flag(letter.uid, flags, True)
                done += 1
    return done


def _mailbox() -> Any:
    config = current_app.config
    if not config.get("MAIL_IMAP_SERVER"):
        raise ValueError(_("PORTAL_MAIL_IMAP_SERVER is not set."))
    plain = str(config.get("MAIL_IMAP_USE_SSL", "on")).lower() in ("off", "false", "0", "no")
    kind: Any = imap_tools.MailBoxUnencrypted if plain else imap_tools.MailBox
    port = int(config.get("MAIL_IMAP_PORT") or (143 if plain else 993))
    mailbox = kind(config["MAIL_IMAP_SERVER"], port, timeout=float(config.get("MAIL_TIMEOUT") or 10))
    return mailbox.login(
        str(config.get("MAIL_IMAP_USERNAME") or ""),
        str(config.get("MAIL_IMAP_PASSWORD") or ""),
        str(config.get("MAIL_IMAP_FOLDER") or "INBOX"),
    )


def _flags(letter: Any) -> tuple[str, ...]:
    r"""How a mail is marked: `\Seen`, and `\Flagged` if it was refused. Not at all if it is to come again."""
    try:
        outcome = ingest(letter.obj.as_bytes())
    except Refused as refused:
        log.warning("mail %s is refused: %s", letter.uid, refused)
        return (r"\Seen", r"\Flagged")
    except (TransientError, Uncertain) as error:
        log.warning("mail %s comes again: %s", letter.uid, error)
        return ()
    log.info("mail %s: %s, process %s", letter.uid, outcome.what, outcome.process)
    return (r"\Seen",)
