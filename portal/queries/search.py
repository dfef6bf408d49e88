"""What `q=` finds: a number, or words in what people see of a process or a task.

Most of it stands in the text that each process carries (`portal.engine.search_text`), and tasks with data of their own.
On PostgreSQL an index of its pieces of three letters finds a word of three letters or more; a shorter one, and any on
SQLite, is looked for row by row in the order of the list, until a page is full. Names of people and titles of steps
are looked up first, and lead to rows by keys.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from sqlalchemy import Text, and_, cast, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session

from portal import summaries
from portal.engine.search_text import CUT, folded
from portal.flow import registry
from portal.models import Process, Task, User

from .spellings import contains

#: a search for more than this is a search for its beginning
_LONGEST = 100
#: words that are looked for
_MOST_WORDS = 10
#: people whose names have a word: beyond these nobody reads on
_MOST_PEOPLE = 200
#: of more words that each may be found in several ways, rows are looked at one by one
_MOST_WAYS = 16
_NUMBER = re.compile(r"#?([0-9]{1,18})", re.ASCII)


def cleaned(text: str) -> str:
    """A search as the database can take it."""
    return " ".join(text.replace("\0", " ").split())[:_LONGEST]


@dataclass(frozen=True)
class Search:
    """A search: its number, and what each of its words is found by beside the text of the process."""

    session: Session
    words: tuple[str, ...]
    number: int | None
    #: the people whose names have the word
    people: dict[str, list[int]]

    @classmethod
    def of(cls, session: Session, text: str) -> Search | None:
        """None where nothing is looked for. One statement, for the people."""
        words = tuple(dict.fromkeys(folded(word) for word in cleaned(text).split()))[:_MOST_WORDS]
        return cls(session, words, number_in(cleaned(text)), _people(session, words)) if words else None

    def processes(self) -> list[Any]:
        """Processes with all of the words in what people see of them: criteria, of which one is fulfilled."""
        has = {word: self._text_has(Task.search_text, word) for word in self.words}
        held = select(Task.process_id)
        ways = [self._process_ways(word) for word in self.words]
        if len(ways) == 1:
            return [*ways[0], Process.id.in_(held.where(*has.values()))]
        theirs = [held.where(Task.process_id == Process.id, has[word]).exists() for word in self.words]
        own = Process.id.in_(held.where(or_(*has.values())))
        return [*_together(ways), _either(own, ways, theirs)]

    def tasks(self) -> list[Any]:
        """Tasks of such processes, of a step that is called so, or of such a person."""
        has = [self._text_has(Task.search_text, word) for word in self.words]
        ways = [self._task_ways(word) for word in self.words]
        return [*_together(ways), has[0] if len(ways) == 1 else _either(or_(*has), ways, has)]

    def _text_has(self, text: Any, word: str) -> Any:
        if self.session.get_bind().dialect.name != "postgresql":
            return func.instr(text, word) > 0
        # Written out: a plan that is made for any word would walk through everything for a rare one.
        pattern = word.replace("/", "//").replace("%", "/%").replace("_", "/_")
        found = text.like(_written_out(f"%{pattern}%"), escape="/")
        indexed = _has_pieces(text, word)
        return found if indexed is None else and_(indexed, found)

    def _process_ways(self, word: str) -> list[Any]:
        ways, steps = self._text_or_people(word), _steps(word)
        if steps:
            stands = select(Task.id).where(Task.process_id == Process.id, Task.finished.is_(None))
            stands = stands.where(tuple_(Process.flow_label, Task.flow_task).in_(steps))
            # once more for an index, and for what it knows of how many there are
            stands = stands.where(Task.flow_task.in_(sorted({node for _, node in steps})))
            ways.append(stands.exists())
        return ways

    def _task_ways(self, word: str) -> list[Any]:
        ways, steps = self._text_or_people(word), _steps(word)
        if steps:
            at = Task.flow_task.in_(sorted({node for _, node in steps}))
            ways.append(and_(at, tuple_(Process.flow_label, Task.flow_task).in_(steps)))
        return ways

    def _text_or_people(self, word: str) -> list[Any]:
        people = self.people.get(word)
        if not people:
            return [self._text_has(Process.search_text, word)]
        had = select(Task.process_id).where(Task.owner_id.in_(people))
        return [
            self._text_has(Process.search_text, word),
            Process.created_by_id.in_(people),
            Process.id.in_(had),
        ]


def may_have(session: Session, texts: Sequence[str]) -> Any:
    """A criterion that an index answers, of processes one of whose values has one of these texts: there are a few more,
    so the values themselves are to be asked besides. None where no index helps.

    Args:
        texts: as `folded` writes them, with a line break where a value begins or ends.
    """
    if session.get_bind().dialect.name != "postgresql":
        return None
    text = Process.search_text
    found = [_has_pieces(text, each[:_LONGEST]) for each in texts]
    if not found or any(each is None for each in found):
        return None
    return or_(*found, _has_pieces(text, CUT), text.is_(None))


def _has_pieces(text: Any, part: str) -> Any:
    """Whether a text has the pieces of three letters that this part of it is made of; None where it is too short. What
    is so may have the part: those that overlap would narrow it down little, and each is read from the index."""
    if len(part) < 3:
        return None
    pieces = sorted({part[at : at + 3] for at in (*range(0, len(part) - 3, 3), len(part) - 3)})
    listed = cast(array([_written_out(each) for each in pieces]), ARRAY(Text))
    return func.portal_trigrams(text).op("@>")(listed)


def _either(own: Any, ways: list[list[Any]], texts: list[Any]) -> Any:
    """Of what has some of the words in a text of its own: what has each word there or as others have it."""
    return and_(own, *(or_(text, *each) for text, each in zip(texts, ways, strict=True)))


def _together(words: list[list[Any]]) -> list[Any]:
    """The ways to what has each word, as ways to what has them all. A database reads each from an index of its own, in
    the order of a list, as long as a page lasts; all of them at once it would read to their ends."""
    if prod(len(ways) for ways in words) > _MOST_WAYS:
        return [and_(*(or_(*ways) for ways in words))]
    return [and_(*ways) for ways in product(*words)]


def _written_out(text: str) -> Any:
    return literal(text, Text, literal_execute=True)


def _people(session: Session, words: tuple[str, ...]) -> dict[str, list[int]]:
    """The people that each word names."""
    ways = [contains(name, word) for name in (User.username, User.full_name) for word in words]
    query = select(User.id, User.username, User.full_name).where(or_(*ways)).limit(_MOST_PEOPLE)
    found: dict[str, list[int]] = {}
    for user_id, *said in session.execute(query):
        text = folded(" ".join(said))
        for word in words:
            if word in text:
                found.setdefault(word, []).append(user_id)
    return found


def _steps(word: str) -> list[tuple[str, str]]:
    """The steps that are called so, or whose summary always says so; read from the code."""
    found = []
    for label, flow_class in registry.items():
        for node in flow_class.definition.nodes.values():
            said = f"{node.title}\n{summaries.constant_part(node.summary_template or '')}"
            if word in folded(said):
                found.append((label, node.name))
    return found


def number_in(text: str) -> int | None:
    """The number that a search is for, written with or without its sign."""
    found = _NUMBER.fullmatch(text)
    return int(found[1]) if found else None
