"""Commits what a host application has changed before it passes a request to the portal."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask.sansio.scaffold import Scaffold

from portal.models import db

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


def attach(scope: Scaffold) -> None:
    scope.before_request(_settle)
    scope.teardown_request(_restore)


def _settle() -> None:
    """Save it ahead of an action, which is a transaction of its own and does not begin on top of others' changes.

    A page that only reads leaves it alone: flushed with the first query it would be locked for as long as that takes.
    """
    session: Any = db.session()
    if not session.has_unsaved:
        return
    if request.method not in SAFE:
        session.commit()
    elif session.autoflush:
        session.autoflush, g.portal_flushes = False, True


def _restore(_error: BaseException | None) -> None:
    if g.pop("portal_flushes", False):
        db.session().autoflush = True
