"""Forms that decide: the field that `decide=` names becomes a button for each of its values."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import sqlalchemy
from sqlalchemy import inspect
from wtforms import Form
from wtforms.validators import StopValidation

from portal import jsonstore
from portal.errors import FlowError
from portal.flow.names import guess
from portal.jsonstore import fields_of
from portal.jsonstore.scalars import YES_OR_NO
from portal.language import gettext as _

from .build import RecordForm, add_error, input_of
from .choices import DecisionField, SelectField
from .embedded import value_of
from .inputs import BooleanField, Required


class Decision(NamedTuple):
    """What `decide=` and `require=` of a view say."""

    name: str
    #: a value, and the names of the fields that it requires
    require: tuple[tuple[Any, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, decide: str, require: Mapping[Any, str | Iterable[str]] | None) -> Decision:
        pairs = (require or {}).items()
        return cls(
            decide,
            tuple((value, (names,) if isinstance(names, str) else tuple(names)) for value, names in pairs),
        )

    def faults(self, model: type, known: Iterable[str], fields: Sequence[str]) -> Iterator[str]:
        """What is wrong with it for this class, for a message at import.

        Args:
            known: the names of the class's fields and columns.
            fields: the names of the form's inputs.
        """
        if self.name not in known:
            mend = guess(self.name, known, "", all_known=False) or "; name one that it has"
            yield f"`decide` names {self.name!r}, but {model.__name__} has no such field{mend}"
            return
        field = field_or_column(model, self.name)
        values = _values(field)
        if values is None:
            yield (
                f"`decide` names {self.name!r}, which has no few values to decide between; "
                "make it a BooleanField or a ChoiceField"
            )
            return
        labels = getattr(field, "labels", ("Yes", "No"))
        if not _are_labels(labels):
            yield (
                f"the labels of {self.name!r} are {labels!r}; give the words for true and for false, "
                'such as labels=("Approve", "Decline")'
            )
        texts = [DecisionField.text_of(value) for value in values]
        for value, names in self.require:
            if DecisionField.text_of(value) not in texts:
                yield f"`require` names the value {value!r} of `{self.name}`; its values are {_listed(values)}"
            for name in names:
                if name not in fields or name == self.name:
                    yield f"`require` names {name!r}, which is no input of the form; add it to `fields`"


class Deciding:
    """Makes of a form one that decides."""

    _decides: ClassVar[str]
    _fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self._fields.items():
            field.needed_for = self._decision.labels_that_need(name)

    @property
    def _decision(self) -> DecisionField:
        field: DecisionField = self._fields[self._decides]
        return field

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        valid = bool(super().validate(*args, **kwargs))  # type: ignore[misc]
        decision = self._fields.get(self._decides)
        if decision is None or decision.data is None:
            return valid
        text = decision.text_of(decision.data)
        for name in decision.needs.get(text, ()):
            field = self._fields.get(name)  # none where it is not asked for
            if field is not None and not field.errors and _is_empty(field):
                label = {decision.text_of(value): label for value, label in decision.options}[text]
                add_error(field, _("This field is required for “%(label)s”.", label=label))
                valid = False
        return valid


@lru_cache(maxsize=1024)
def deciding(form_class: type[Form], model: type, decision: Decision) -> type[Form]:
    """The form with buttons for a field of this class.

    Raises:
        FlowError: the field cannot be decided by buttons.
    """
    name = decision.name
    members: dict[str, Any] = {name: _input(model, decision), "_decides": name}
    if issubclass(form_class, RecordForm):
        members["record_fields"] = tuple(dict.fromkeys((*form_class.record_fields, name)))
    made: type[Form] = type(form_class.__name__, (Deciding, form_class), members)
    return made


def _input(model: type, decision: Decision) -> Any:
    made = input_of(model, decision.name)
    options = dict(made.kwargs)
    for name in ("default", "blank", "widget"):
        options.pop(name, None)
    if issubclass(made.field_class, BooleanField):
        words = options.pop("labels")
        options["options"] = list(zip((True, False), words, strict=True))
    elif not issubclass(made.field_class, SelectField):
        raise FlowError(f"{model.__name__}.{decision.name} cannot be decided: it has no few values.")
    needs = {DecisionField.text_of(value): names for value, names in decision.require}
    rules = [rule for rule in options.pop("validators", ()) if not isinstance(rule, Required)]
    return DecisionField(needs=needs, validators=[_Decided(), *rules], **options)


class _Decided:
    """One of the buttons must be pressed."""

    def __call__(self, form: Any, field: Any) -> None:
        if field.data is None and not field.process_errors:
            words = field.words
            raise StopValidation(
                _("Choose %(words)s or %(words_2)s.", words=", ".join(words[:-1]), words_2=words[-1])
                if words[1:]
                else words[0]
            )


def _is_empty(field: Any) -> bool:
    value = value_of(field)
    return (
        value is None or value is False or value in ([], {}) or (isinstance(value, str) and not value.strip())
    )


def field_or_column(model: type, name: str) -> Any:
    """A typed field, or as much of a column as its choices ask for; no mapper has to be configured."""
    field = fields_of(model).get(name)
    if field is not None:
        return field
    column: Any = inspect(model).columns.get(name)
    if column is not None and isinstance(column.type, sqlalchemy.Boolean):
        return jsonstore.BooleanField(labels=column.info.get("labels", YES_OR_NO))
    if column is not None and isinstance(column.type, sqlalchemy.Enum):
        return jsonstore.ChoiceField(choices=column.type.enum_class or column.type.enums)
    return None


def _values(field: Any) -> list[Any] | None:
    if isinstance(field, jsonstore.BooleanField):
        return [True, False]
    if field is None or field.choices is None:
        return None
    return list(field.enum) if field.enum is not None else [value for value, _ in field.choices]


def label_of_value(field: Any, value: Any) -> str:
    """What the button of a value says."""
    if isinstance(field, jsonstore.BooleanField):
        return field.labels[0 if value else 1]
    text = DecisionField.text_of(value)
    choices = [] if field is None or field.choices is None else field.choices
    return next((label for choice, label in choices if DecisionField.text_of(choice) == text), text)


def _are_labels(labels: Any) -> bool:
    return (
        isinstance(labels, tuple | list)
        and len(labels) == 2
        and all(isinstance(each, str) and each.strip() for each in labels)
    )


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(repr(value.value if isinstance(value, enum.Enum) else value) for value in values)
