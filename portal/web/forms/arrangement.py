"""How fields are arranged in a form: `Row`, `Section`, `When` and `Page` among the names in `fields`."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from portal import jsonstore

#: the name of a field, or one of the items below
Item: TypeAlias = "str | Group"


class Group:
    """Some items that stand together."""

    def __init__(self, *items: Item) -> None:
        self.items: tuple[Item, ...] = items

    @property
    def kind(self) -> str:
        """Which of the items it is, for a template."""
        return type(self).__name__


class Row(Group):
    """Fields side by side, where there is room: `Row("zip", "city")`."""


class Section(Group):
    """Fields under a heading: `Section("Address", "street", Row("zip", "city"))`.

    Args:
        title: the heading.
        items: what stands below it.
        help_text: a sentence under the heading.
    """

    def __init__(self, title: str, *items: Item, help_text: str = "") -> None:
        super().__init__(*items)
        self.title = title
        self.help_text = help_text


class Page(Section):
    """A step of a form that is filled in page by page: `[Page("Trip", …), Page("Costs", …)]`.

    Every page is checked before the next one, and nothing is written before the last one is sent.
    """


class When(Group):
    """Fields that belong to one answer: `When("kind", "other", "reason")`.

    They are shown, required and saved only while the field has that value; otherwise what was saved of them goes.
    Without JavaScript they are always shown, and judged when the form is sent.

    Args:
        field: the field that is asked: one of the form, or one of the object that the form does not show.
        value: the value that it must have, or a list of values of which it must have one.
        items: what depends on it.
    """

    def __init__(self, field: str, value: Any, *items: Item) -> None:
        super().__init__(*items)
        self.field = field
        self.values: tuple[Any, ...] = tuple(value) if isinstance(value, list | tuple | set) else (value,)

    @property
    def texts(self) -> list[str]:
        """The values as a form sends them."""
        return [text_of(value) for value in self.values]

    def holds(self, value: Any) -> bool:
        return text_of(value) in self.texts


def text_of(value: Any) -> str:
    """A value as a form sends it, to compare what was typed with what was declared."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, enum.Enum) else value)


def names_in(items: Iterable[Item]) -> Iterator[str]:
    """The names of the fields at any depth, in their order."""
    for item in items:
        if isinstance(item, str):
            yield item
        elif isinstance(item, Group):
            yield from names_in(item.items)


def conditions_in(items: Iterable[Item]) -> Iterator[When]:
    """What depends on an answer, at any depth; the outer ones first."""
    for item in items:
        if isinstance(item, When):
            yield item
        if isinstance(item, Group):
            yield from conditions_in(item.items)


def pages_in(items: Sequence[Item]) -> list[Page]:
    """The pages of a form that has several."""
    return [item for item in items if isinstance(item, Page)]


def faults(items: Sequence[Item], field_of: Any) -> Iterator[str]:
    """What is wrong with an arrangement, for a message at import.

    Args:
        field_of: finds a typed field by its name, as far as it has choices; None for others.
    """
    names = list(names_in(items))
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        yield f"the form has the field `{name}` twice; name it once"
    for item in _all(items):
        if not isinstance(item, str | Group):
            yield f"the form has {item!r} in its fields; give names, or views.Row, Section, When or Page"
        elif isinstance(item, Group) and not item.items:
            yield f"a views.{item.kind} of the form is empty; name its fields"
    if pages_in(items) and len(pages_in(items)) < len(items):
        yield "some fields of the form are on no views.Page; put all of them on pages"
    if any(
        isinstance(item, Page) for outer in items if isinstance(outer, Group) for item in _all(outer.items)
    ):
        yield "a views.Page is inside of something else; pages are the outermost items"
    for page in pages_in(items)[:-1]:
        for name in names_in(page.items):
            if isinstance(field_of(name), jsonstore.BinaryField):
                yield (
                    f"`{name}` is a BinaryField, whose file is lost between two pages; "
                    "make it a FileField, or put it on the last page"
                )
    for when in conditions_in(items):
        yield from _faults_of(when, field_of)


def _faults_of(when: When, field_of: Any) -> Iterator[str]:
    if when.field in names_in(when.items):
        yield f"`When` hides `{when.field}` by its own value; put it outside"
    known = _texts(field_of(when.field))
    for value in when.values:
        if known is not None and value is not None and text_of(value) not in known:
            yield f"`When` asks whether `{when.field}` is {value!r}; its values are {', '.join(map(repr, known))}"


def _texts(field: Any) -> list[str] | None:
    if isinstance(field, jsonstore.BooleanField):
        return ["true", "false"]
    if field is None or field.choices is None:
        return None
    return [text_of(value) for value, _ in field.choices]


def _all(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        yield item
        if isinstance(item, Group):
            yield from _all(item.items)
