"""Inputs that choose among the rows of a table: from a list of all, or by a search where they are many."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Integer, Numeric, String, cast, inspect, or_, select
from wtforms import widgets
from wtforms.fields.choices import Choice, SelectFieldBase  # type: ignore[attr-defined]
from wtforms.utils import unset_value

from portal.language import gettext as _
from portal.models.base import db

from ..display.values import name_of
from .choices import BLANK
from .inputs import outermost

#: more rows than this are no list to choose from
_MOST_ROWS = 100
#: so many rows does a search give, and among so many it looks
_MOST_FOUND = 20
_MOST_READ = 2000
#: so many words does the database look for; a statement has room for so much only
_MOST_WORDS = 10


class Pick(NamedTuple):
    """A row to choose."""

    key: str
    label: str
    chosen: bool = False


class ReferenceField(SelectFieldBase):
    """A row of a table; with `multiple` several of them."""

    def __init__(
        self, *args: Any, model: type, multiple: bool = False, blank: bool = True, **kwargs: Any
    ) -> None:
        self.model = model
        self.multiple = multiple
        #: what was typed to find a row, and the rows that it could mean
        self.text = ""
        self.found: list[Any] = []
        super().__init__(*args, **kwargs)
        self.widget = widgets.Select(multiple=multiple)
        self.blank = blank and not multiple

    @property
    def _all(self) -> list[Any] | None:
        """All rows, unless they are many; asked once for all inputs of a form."""
        known: dict[type, list[Any]] = vars(outermost(self)).setdefault("_rows_to_choose", {})
        if self.model not in known:
            key: Any = inspect(self.model).primary_key[0]
            known[self.model] = list(
                db.session.scalars(select(self.model).order_by(key).limit(_MOST_ROWS + 1))
            )
        rows = known[self.model]
        return rows if len(rows) <= _MOST_ROWS else None

    @property
    def is_searched(self) -> bool:
        """There are too many rows for a list."""
        return self._all is None

    @property
    def find_name(self) -> str:
        """The name of the input for the text of a search."""
        return f"{self.name}-find"

    @property
    def _chosen(self) -> list[Any]:
        return list(self.data or ()) if self.multiple else [] if self.data is None else [self.data]

    @property
    def chosen(self) -> list[Any]:
        """The rows that are chosen."""
        return self._chosen

    @property
    def keys(self) -> list[str]:
        """Their keys, as a form sends them."""
        return [self.text_of(row) for row in self._chosen]

    def text_of(self, value: Any) -> str:
        identity = inspect(value).identity
        return str(identity[0]) if identity else ""

    def picks(self) -> list[Pick]:
        """The rows to choose among: all of them, or those that are chosen and those that were found."""
        if self._all is not None:
            lost = [row for row in self._chosen if row not in self._all]
            return self._named([*lost, *self._all])
        return self._named([*self._chosen, *(row for row in self.found if row not in self._chosen)])

    def _named(self, rows: Iterable[Any]) -> list[Pick]:
        rows, chosen = list(rows), self._chosen
        times = Counter(map(name_of, rows))
        return [
            Pick(
                self.text_of(row),
                name_of(row) if times[name_of(row)] == 1 else f"{name_of(row)} ({self.text_of(row)})",
                row in chosen,
            )
            for row in rows
        ]

    def iter_choices(self) -> Iterator[Choice]:
        if self.blank:
            yield Choice("", BLANK, self.data is None, {})
        for pick in self.picks():
            yield Choice(pick.key, pick.label, pick.chosen, {})

    # -- what was entered

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        super().process(formdata, data, extra_filters)
        text = formdata.get(self.find_name) if formdata else None
        if isinstance(text, str) and text.strip():
            self._take(text.strip())

    def process_data(self, value: Any) -> None:
        self.data = list(value or ()) if self.multiple else value

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        if self.multiple:
            self.data = []
            self.data = [self._row(text) for text in valuelist if text != ""]
        elif valuelist:
            self.data = None
            self.data = None if valuelist[0] == "" else self._row(valuelist[0])

    def _take(self, text: str) -> None:
        """Choose the row that the text means, or offer those that it could mean."""
        rows = self.search(text)
        same = [row for row in rows if name_of(row).casefold() == text.casefold()]
        rows = same if len(same) == 1 else rows
        if len(rows) == 1:
            self.data = [*self._chosen, *(row for row in rows if row not in self._chosen)]
            self.data = self.data if self.multiple else rows[0]
        elif rows:
            self.found = rows
            several = "Several" if len(rows) < _MOST_FOUND else "Many"
            self.process_errors = [
                *self.process_errors,
                _("%(several)s fit “%(text)s”: choose one, or type more of it.", several=several, text=text),
            ]
        else:
            self.text = text
            self.process_errors = [*self.process_errors, _("Nothing is called “%(text)s”.", text=text)]

    # -- finding rows

    def suggest(self, text: str) -> list[Pick]:
        """What somebody could mean who has typed this so far."""
        return self._named(self.search(text))

    def search(self, text: str) -> list[Any]:
        """The first rows whose name has each word of the text; the row of that key, where no name has.

        Only what people see of a row is searched: the columns lead to the rows, their names decide.
        """
        words = list(dict.fromkeys(re.findall(r"\w+", text)))
        mapper: Any = inspect(self.model)
        columns = [each for each in mapper.columns if isinstance(each.type, (String, Integer, Numeric))]
        query: Any = select(self.model).order_by(mapper.primary_key[0]).limit(_MOST_READ)
        for word in words[:_MOST_WORDS]:
            query = query.where(or_(*(_has(column, word) for column in columns)))
        found: list[Any] = []
        for row in db.session.scalars(query) if words and columns else ():
            if len(found) < _MOST_FOUND and all(word.casefold() in name_of(row).casefold() for word in words):
                found.append(row)
        row = None if found else self._get(text)
        return found if row is None else [row]

    def _row(self, text: Any) -> Any:
        row = self._get(text) if isinstance(text, str) else None
        if row is None:
            raise ValueError(_("Not a valid choice."))
        return row

    def _get(self, text: str) -> Any:
        key = self._key(text)
        return None if key is None else db.session.get(self.model, key)

    def _key(self, text: str) -> Any:
        kind: Any = inspect(self.model).primary_key[0].type.python_type
        if kind is int:
            return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
        if kind is uuid.UUID:
            try:
                return uuid.UUID(text)
            except ValueError:
                return None
        return text if text.isprintable() else None


def _has(column: Any, word: str) -> Any:
    text = column if isinstance(column.type, String) else cast(column, String)
    # SQLite knows small and large letters of ASCII only.
    forms = {word, word.lower(), word.upper(), word.capitalize()} if not word.isascii() else {word}
    return or_(*(text.icontains(form, autoescape=True) for form in sorted(forms)))
