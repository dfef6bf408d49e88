"""Remembers what a person saw when a form was opened, so that nobody's change is undone unseen.

A form carries a digest of each input as it was shown. When it comes back, an input that was left alone but has changed
in the database stays as it is there; one that both have changed comes back with both values. Who changes the digests
harms nobody but their own form, which then writes what it shows, as one without them does.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any

import wtforms
from sqlalchemy import inspect
from sqlalchemy.exc import InvalidRequestError
from wtforms import widgets

from portal.errors import Gone
from portal.language import lazy_gettext
from portal.models import Process, db

from ..display.values import list_words, name_of, show
from .build import add_error
from .choices import DecisionField, SelectField
from .conditional import resting
from .embedded import FieldList, value_of
from .inputs import FileField
from .references import ReferenceField
from .stored import StoredFileField

#: the input that carries the digests
NAME = "_seen"
CHANGED = lazy_gettext("Somebody else has changed this meanwhile. Compare both, and send the form again.")
_NOTHING = "nothing"


def note_seen(form: Any, target: Any, formdata: Any) -> None:
    """Keep with a form what its reader sees, or what the form says that they saw."""
    form._seen = {}
    if formdata is not None:
        form._seen = dict(re.findall(r"(\w+):([\w-]+)", str(formdata.get(NAME, ""))))
    elif (state := inspect(target, raiseerr=False)) is not None and getattr(state, "has_identity", False):
        form._seen = {name: _digest(field) for name, field in _inputs(form)}


def fill_up(form: Any, typed: Any, current: Callable[[], Any]) -> None:
    """Let a form that was made of a draft show what is stored in the inputs that it did not have then.

    Args:
        typed: the draft.
        current: makes the form as it would be shown now.
    """
    now = current()
    known, fresh = form._seen, now._seen
    for name, field in _inputs(form):
        if name in known or name not in fresh:
            continue
        if known and not any(each == name or each.startswith(f"{name}-") for each in typed):
            field.process(None, now._fields[name].object_data)
    form._seen = {**fresh, **known}


def seen_text(form: Any) -> str:
    """What the hidden input says."""
    return " ".join(f"{name}:{digest}" for name, digest in getattr(form, "_seen", {}).items())


def hold(target: Any) -> None:
    """Lock the row that a form changes, unless it is a process, whose lock is held; SQLite has one for all.

    Raises:
        Gone: somebody has deleted it.
    """
    state = inspect(target, raiseerr=False)
    if isinstance(target, Process) or state is None or not getattr(state, "persistent", False):
        return
    if db.session().get_bind().dialect.name == "sqlite":
        return
    try:
        # its own tables: what is read beside it by an outer join cannot be locked
        db.session().refresh(target, with_for_update={"of": list(state.mapper.tables)})
    except InvalidRequestError as error:
        raise Gone from error


def agree(form: Any, current: Callable[[], Any]) -> bool:
    """Leave out of a form what its sender left alone and somebody else has changed.

    Args:
        current: makes the form as it would be shown now.

    Returns:
        Whether nothing was changed by both; else the form shows both.
    """
    if not form._seen:
        return True
    now, agreed, left, away = current(), True, set(), resting(form)
    for name, field in _inputs(form):
        seen, stored = form._seen.get(name), _digest(now._fields[name])
        if name in away:  # it is emptied, unless somebody else has written it
            left |= {name} if seen not in (None, stored) else set()
            continue
        if seen is None or seen == stored or _says_the_same(field, now._fields[name]):
            continue
        if not _is_touched(field, seen):
            left.add(name)
            continue
        field.theirs = _words(now._fields[name]) or _NOTHING
        add_error(field, CHANGED)
        form._seen[name] = stored
        agreed = False
    form._left = frozenset(left)
    return agreed


def take_theirs(form: Any, name: str, current: Callable[[], Any]) -> bool:
    """Put what is stored into an input instead of what was typed; whether there is such an input."""
    field = form._fields.get(name)
    if field is None or name not in form._seen:
        return False
    now = current()._fields[name]
    field.raw_data = None
    field.process(None, now.object_data)
    form._seen[name] = _digest(now)
    return True


def _inputs(form: Any) -> Iterator[tuple[str, Any]]:
    for name, field in form._fields.items():
        if name != "csrf_token" and not isinstance(field, wtforms.SubmitField):
            yield name, field


def _says_the_same(field: Any, now: Any) -> bool:
    """Whether an input that came back holds what is stored, perhaps in other words."""
    if _digest(field) == _digest(now):
        return True
    if isinstance(field, DecisionField | FileField) or field.errors or field.process_errors:
        return False
    return bool(value_of(field) == value_of(now))


def _is_touched(field: Any, seen: str) -> bool:
    if isinstance(field, FileField):
        return field.came or field.removed
    return isinstance(field, DecisionField) or _digest(field) != seen


def _digest(field: Any) -> str:
    text = json.dumps(_shown(field), ensure_ascii=False, sort_keys=True, default=str)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return urlsafe_b64encode(digest).decode("ascii")


def _shown(field: Any) -> Any:
    """What an input shows; the same for one that came back as it was sent."""
    if isinstance(field, wtforms.FormField):
        return {name: _shown(each) for name, each in field.form._fields.items() if name != "csrf_token"}
    if isinstance(field, wtforms.FieldList):
        rows = [_shown(entry) for entry in field.entries]
        blank = _shown(field.pattern) if isinstance(field, FieldList) else None
        return [row for row in rows if row != blank]
    if isinstance(field, FileField):
        content = field.data if field.came or field.removed else field.object_data
        return hashlib.blake2b(content or b"", digest_size=16).hexdigest()
    if isinstance(field, StoredFileField):
        return [file.id for file in field.files]
    if isinstance(field, DecisionField):
        value = field.object_data if field.raw_data is None else field.data
        return "" if value is None else field.text_of(value)
    if isinstance(field, ReferenceField):
        return sorted([*(field.raw_data or ()), field.text] if field.process_errors else field.keys)
    if isinstance(field, wtforms.BooleanField):
        return bool(field.data)
    if isinstance(field, SelectField | wtforms.SelectField) and not isinstance(field, wtforms.RadioField):
        return _chosen(field)
    if hasattr(field, "_value") and not isinstance(field, wtforms.RadioField | wtforms.SelectMultipleField):
        return _text(field, str(field._value()))
    return str(field.data)


def _chosen(field: Any) -> str:
    """A list shows its first option where none is chosen."""
    if field.raw_data:
        return str(field.raw_data[0])
    options = [(str(choice[0]), choice[2]) for choice in field.iter_choices()]
    chosen = [value for value, selected in options if selected]
    return (chosen or [value for value, _ in options] or [""])[0]


def _text(field: Any, text: str) -> str:
    """A text as a browser sends it back."""
    text = text.replace("\r\n", "\n")
    if isinstance(field.widget, widgets.TextArea):
        return text.removeprefix("\n")  # which a page has before the text, and a browser leaves out
    return "".join(text.splitlines()).strip()


def _words(field: Any) -> str:
    """What an input holds, for people."""
    if isinstance(field, wtforms.FormField):
        parts = [(each.label.text, _words(each)) for each in field.form if each.name != "csrf_token"]
        return ", ".join(f"{label}: {words}" for label, words in parts if words)
    if isinstance(field, wtforms.FieldList):
        return "\n".join(filter(None, map(_words, field.entries)))
    if isinstance(field, DecisionField):
        return str(dict(field.options).get(field.object_data, ""))
    if isinstance(field, SelectField):
        return str(dict(field.options).get(field.data, ""))
    if isinstance(field, ReferenceField):
        return list_words(map(name_of, field.chosen))
    if isinstance(field, StoredFileField):
        return list_words(file.name for file in field.files)
    if isinstance(field, FileField | wtforms.BooleanField):
        return "" if field.data is None else show(field.data)
    value = field._value() if hasattr(field, "_value") else field.data
    return "" if value is None else str(value)
