"""The reason that a form of an action carries."""

from __future__ import annotations

from flask import request

from portal.engine import reasons
from portal.errors import PortalError

from .errors import sentence


def reason_of_request(name: str = "reason") -> tuple[str, str]:
    """What was typed as the reason, and what is wrong with it.

    Args:
        name: what the form calls it.
    """
    typed = request.form.get(name, "")
    try:
        return reasons.checked(typed), ""
    except PortalError as error:
        return typed, sentence(str(error))
