"""Shows what was typed on the pages that refuse it, read-only, so that it can be copied."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, request
from markupsafe import Markup

from . import kept
from .labels import in_words, may_start


def of_request() -> dict[str, Any]:
    """What an error page shows of a form that was sent, or of the draft of one that cannot be opened."""
    where = kept.place()
    if where is None:
        return {}
    try:
        seen = may_start(where.path) if where.task_id is None else bool(g.get("subject"))
        if kept.is_form():
            words = kept.keep()
            return {
                "typed": in_words(*where, kept.typed(), seen),
                "typed_words": words,
                "form_address": kept.form_address(),
            }
        draft = kept.current() if request.method == "GET" else None
        return {"typed": in_words(*where, draft.typed, seen), "typed_draft": draft} if draft else {}
    except Exception as error:  # the page itself may still be possible
        current_app.logger.warning("what was typed cannot be shown label by label", exc_info=error)
        return {"typed": [(name, text) for name, text in kept.typed() if text]}


def plain() -> Markup:
    """The same where no page of ours can be made, as while the database is away."""
    if not kept.is_form():
        return Markup("")
    rows = [Markup("<dt>{}<dd><pre>{}</pre>").format(name, text) for name, text in kept.typed() if text]
    words = Markup("<h2>What you typed</h2><p>{}").format(kept.NOT_KEPT)
    return Markup("{}<dl>{}</dl>").format(words, Markup("").join(rows)) if rows else Markup("")
