"""Forms with inputs that depend on an answer: evaluates `views.When` when the form is sent."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar

from wtforms import Form

from .arrangement import When, names_in
from .choices import DecisionField
from .references import ReferenceField


class Conditional:
    """Makes of a form one whose inputs rest while they are not asked for: they have no errors and are not written."""

    _whens: ClassVar[tuple[When, ...]]
    _fields: dict[str, Any]
    #: the object that the form is for; it answers for fields that the form does not have
    _about: Any = None

    @property
    def _resting(self) -> frozenset[str]:
        """The names of the inputs that are not asked for now."""
        resting: set[str] = set()
        for _ in self._whens:  # one may hang on another one, in any order
            before = len(resting)
            for when in self._whens:
                if when.field in resting or not self._holds(when):
                    resting |= set(names_in(when.items))
            if len(resting) == before:
                break
        return frozenset(resting)

    def _holds(self, when: When) -> bool:
        if when.field not in self._fields:
            return when.holds(getattr(self._about, when.field, None))
        field = self._fields[when.field]
        if isinstance(field, DecisionField) and field.data is None:
            return True  # nobody knows before a button is pressed
        if isinstance(field, ReferenceField) and not field.multiple:
            return when.holds(next(iter(field.keys), None))
        if isinstance(field.data, list):
            return any(when.holds(each) for each in field.data)
        return when.holds(field.data)

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        every, resting = self._fields, self._resting
        self._fields = {name: field for name, field in every.items() if name not in resting}
        try:
            return bool(super().validate(*args, **kwargs))  # type: ignore[misc]
        finally:
            self._fields = every


def conditional(form_class: type[Form], whens: Iterable[When]) -> type[Form]:
    """The form in which inputs depend on answers."""
    return _made(form_class, tuple(whens))


@lru_cache(maxsize=1024)
def _made(form_class: type[Form], whens: tuple[When, ...]) -> type[Form]:
    made: type[Form] = type(form_class.__name__, (Conditional, form_class), {"_whens": whens})
    return made


def resting(form: Any) -> frozenset[str]:
    """The names of the inputs of any form that are not asked for now."""
    found: frozenset[str] = getattr(form, "_resting", frozenset())
    return found
