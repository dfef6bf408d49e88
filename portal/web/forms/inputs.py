"""The inputs of the generated forms. Blank is None; what cannot be read is an error of the form."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import wtforms
from werkzeug.datastructures import FileStorage
from wtforms import widgets
from wtforms.utils import unset_value
from wtforms.validators import StopValidation, ValidationError

from portal.jsonstore import check_text, plain, storable
from portal.language import gettext as _

from ..display import numbers
from .uploads import taken

_INTEGER = re.compile(r"[+-]?\d{1,30}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)


class Required:
    """Something must be given. Other than WTForms' own it takes 0 for something and spaces for nothing."""

    field_flags = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        if not field.process_errors and (field.data is None or field.data in ("", [])):
            raise StopValidation(_("This field is required."))


class Rule:
    """The check of a typed field as a validator; its limits become attributes of the input."""

    def __init__(self, check: Callable[[Any], Any], flags: dict[str, Any]) -> None:
        self.check = check
        self.field_flags = flags

    def __call__(self, form: Any, field: Any) -> None:
        # What could not be read has its error already.
        if field.data is None or field.process_errors:
            return
        try:
            self.check(field.data)
        except ValueError as error:
            raise ValidationError(str(error)) from error


def outermost(field: Any) -> Any:
    """The form that is sent, around all groups and rows that an input is in."""
    form = field._form
    while getattr(form.meta, "_parent_form", None) is not None:
        form = form.meta._parent_form
    return form


class ParsedField(wtforms.Field):
    """An input whose text is parsed."""

    widget: Any = widgets.TextInput()
    strip = True
    #: what a blank input means
    empty: Any = None

    def __init__(self, *args: Any, empty: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.empty = empty

    def parse(self, text: str) -> Any:
        return text

    def text_of(self, value: Any) -> str:
        return str(value)

    def _value(self) -> str:
        if self.raw_data:
            # A page cannot be encoded with half a surrogate pair in it.
            return storable(str(self.raw_data[0]))
        return "" if self.data is None else self.text_of(self.data)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        if not valuelist:
            return
        self.data, text = None, valuelist[0]
        if not isinstance(text, str):
            raise ValueError(_("A text is needed here."))
        text = check_text(text).replace("\r\n", "\n")
        if self._is_untouched(text):
            self.process_data(self.object_data)
        elif not text.strip():
            self.data = self.empty
        else:
            self.data = self.parse(text.strip() if self.strip else text)

    def _is_untouched(self, text: str) -> bool:
        """The input may show less of a value than there is: what was left alone must not lose the rest."""
        return self.object_data is not None and text == self.text_of(self.object_data)


class StringField(ParsedField):
    """A line of text."""


class TextAreaField(ParsedField):
    widget = widgets.TextArea()
    strip = False


class EmailField(ParsedField):
    widget = widgets.EmailInput()


class URLField(ParsedField):
    widget = widgets.URLInput()


class IntegerField(ParsedField):
    widget = widgets.NumberInput(step="1")

    def parse(self, text: str) -> int:
        try:
            text = numbers.read(text)
        except ValueError:
            if not re.search(r"\d", text) or re.search(r"[^\d.,'’ +−-]", text):
                raise ValueError(_("This is not a whole number.")) from None
            raise
        if not _INTEGER.fullmatch(text):
            whole = text.lstrip("+-").isdecimal()
            raise ValueError(_("The number is too large.") if whole else _("This is not a whole number."))
        value = int(text)
        if not -(2**63) <= value < 2**63:
            raise ValueError(_("The number is too large."))
        return value


class DecimalInput(widgets.TextInput):
    """For numbers with a point or a comma: browsers drop the comma from a number input, and 12,50 becomes 1250."""

    def __init__(self) -> None:
        super().__init__()
        self.validation_attrs = ["required", "disabled"]

    def __call__(self, field: Any, **kwargs: Any) -> Any:
        return super().__call__(field, **{"inputmode": "decimal", **kwargs})


class FloatField(ParsedField):
    widget = DecimalInput()

    def parse(self, text: str) -> float:
        value = float(numbers.read(text))
        if value in (float("inf"), float("-inf")):
            raise ValueError(_("The number is too large."))
        return value

    def text_of(self, value: Any) -> str:
        return numbers.write(float(value))


class DecimalField(ParsedField):
    widget = DecimalInput()

    def parse(self, text: str) -> Decimal:
        text = numbers.read(text)
        if not _DECIMAL.fullmatch(text):
            raise numbers.not_a_number()
        if len(text) > 100:
            raise ValueError(_("The number has too many digits."))
        return Decimal(text)

    def text_of(self, value: Any) -> str:
        return numbers.write(value) if isinstance(value, Decimal | int) else str(value)


class UUIDField(ParsedField):
    def __init__(self, *args: Any, as_text: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._as_text = as_text

    def parse(self, text: str) -> uuid.UUID | str:
        try:
            value = uuid.UUID(text)
        except ValueError as error:
            raise ValueError(_("This is not a UUID.")) from error
        return str(value) if self._as_text else value


class JSONField(TextAreaField):
    def parse(self, text: str) -> Any:
        try:
            return plain(json.loads(text, parse_constant=_no_constant))
        except json.JSONDecodeError as error:
            raise ValueError(
                _(
                    "This is not JSON: line %(lineno)s, column %(colno)s: %(msg)s.",
                    lineno=error.lineno,
                    colno=error.colno,
                    msg=error.msg,
                )
            ) from error
        except RecursionError as error:
            raise ValueError(_("This JSON is nested too deeply.")) from error

    def text_of(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=2)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON can hold.")


class BooleanField(wtforms.BooleanField):
    """A check box. Nothing sent means not ticked."""

    false_values = (False, "", "false", "False", "0", "no", "off", "n")

    def __init__(self, *args: Any, labels: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: the words for true and false, where the form decides it by buttons
        self.labels = labels

    def _value(self) -> str:
        return "y"


class FileField(wtforms.FileField):
    """An uploaded file as bytes. Without an upload the old content stays."""

    #: a file came with the form; a browser does not send it again by itself
    came = False
    #: the stored one is to be removed
    removed = False

    @property
    def note(self) -> str:
        """What the input cannot show by itself."""
        return _("Please choose the file again: a form that comes back has lost it.") if self.came else ""

    @property
    def kept(self) -> Any:
        """The link of the file that is stored, if there is one."""
        files = getattr(outermost(self).meta, "files", None)
        if files is None or not self.object_data:
            return None
        return files.link(self.object_data, *self.name.split("-"))

    @property
    def removal(self) -> str:
        """The name of the box that removes it; none where a file is required."""
        return "" if self.flags.required else f"{self.name}-remove"

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        self.came = self.removed = False
        super().process(formdata, data, extra_filters)
        if formdata and not self.came and self.removal and formdata.get(self.removal):
            self.data, self.removed = None, True

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        for upload in valuelist:
            if isinstance(upload, FileStorage) and upload:
                self.data, self.came = taken(upload), True
                upload.close()
                return
