"""Who may see which fields: `visible_to=` of a field, `info={"visible_to": …}` of a column.

Pages, exports and programs' answers ask here; a form shows its own fields to whoever fills it in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import inspect

from portal.jsonstore import fields_of


def hidden_fields(user: Any, instance: Any) -> frozenset[str]:
    """The names of the fields and columns of a process or an artifact that a person may not see.

    Args:
        user: None is the system, which may see everything, as superusers may.
        instance: the object, which the person may see.
    """
    if user is None or instance is None:
        return frozenset()
    cls: Any = type(instance)
    return frozenset(name for name, rule in _guarded(cls) if not _holds(rule, user, instance))


def guarded_fields(cls: type) -> frozenset[str]:
    """The names of the fields and columns that some may not see who may see the object: a search leaves them out."""
    return frozenset(name for name, _rule in _guarded(cls))


@lru_cache(maxsize=1024)
def _guarded(cls: Any) -> tuple[tuple[str, Any], ...]:
    mapper: Any = inspect(cls, raiseerr=False)
    columns = {} if mapper is None else mapper.columns.items()
    rules = {name: getattr(each, "info", {}).get("visible_to") for name, each in columns}
    fields = {name: field.visible_to for name, field in fields_of(cls).items()}
    return tuple((name, rule) for name, rule in {**rules, **fields}.items() if rule is not None)


def _holds(rule: Any, user: Any, instance: Any) -> bool:
    if getattr(user, "is_superuser", False):
        return True
    if not getattr(user, "is_authenticated", True):
        return False
    if callable(rule):
        return bool(rule(user, instance))
    return any(user.can(permission) for permission in ([rule] if isinstance(rule, str) else rule))
