"""The page of a site that could not be loaded, while it is developed: what is wrong, where, and how to mend it."""

from __future__ import annotations

import hashlib
import linecache
import re
import traceback
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Environment, FileSystemLoader
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.wrappers import Response

from portal import folders
from portal.errors import Fault, FlowError
from portal.language import gettext, ngettext

from .slips import faults_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: where its styles and scripts are, as those of an application of our own
_STATIC = "/static/portal"
#: lines of source shown above and below the one that is meant
AROUND = 5
#: a node's declaration rarely has more lines: so far is looked for the word that is meant
LONGEST_NODE = 20


class Line(NamedTuple):
    """A line of source."""

    number: int
    text: str
    marked: bool


class Problem(NamedTuple):
    """A fault as the page shows it."""

    owner: str
    part: str
    what: str
    mend: str
    file: str
    line: int
    source: tuple[Line, ...]


class BrokenSite:
    """A WSGI application that answers everything with the page, as 500."""

    def __init__(self, error: BaseException) -> None:
        self.problems = [_problem(fault) for fault in faults_of(error)]
        self.terminal = _in_terminal(error)
        trace = "".join(traceback.format_exception(error)) if not isinstance(error, FlowError) else ""
        #: tells one state of the site from the next, for the page that waits for it
        self.version = hashlib.sha256(self.terminal.encode()).hexdigest()[:16]
        environment = Environment(loader=FileSystemLoader(folders.TEMPLATES), autoescape=True)
        environment.globals |= {
            "_": gettext,
            "ngettext": ngettext,
            "static": lambda name: f"{_STATIC}/{name}",
        }
        self._page = environment.get_template("portal/broken.html").render(
            problems=self.problems, terminal=self.terminal, kind=type(error).__name__, trace=trace,
            version=self.version,
        )  # fmt: skip
        self._wsgi: Any = SharedDataMiddleware(self._answer, {_STATIC: str(folders.STATIC / "portal")})

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer: Iterable[bytes] = self._wsgi(environ, start_response)
        return answer

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = Response(self._page, status=500, mimetype="text/html")
        response.headers |= {
            "X-Portal-Version": self.version,
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
        }
        return response(environ, start_response)


def _problem(fault: Fault) -> Problem:
    owner, _, part = fault.where.rpartition(".")
    what, _, mend = fault.text.partition("; ")
    line = _exact_line(fault, what)
    return Problem(
        owner or part, part if owner else "", what, mend[:1].upper() + mend[1:], fault.file, line,
        tuple(_source(fault.file, line)),
    )  # fmt: skip


def _exact_line(fault: Fault, what: str) -> int:
    """The line of a node's declaration that has the word which is wrong; else where the declaration begins."""
    found = re.search(r"\b(?:this|act)\.[\w.]+|['`]\w+['`]", what)
    if found is None or not fault.line:
        return fault.line
    name = found[0].strip("'`")
    for line in range(fault.line, fault.line + LONGEST_NODE):
        text = linecache.getline(fault.file, line)
        if line > fault.line and re.match(r"\s*\w+ = |\s*def ", text):  # the next one begins
            break
        if re.search(rf"(?<![\w.]){re.escape(name)}\b", text):
            return line
    return fault.line


def _source(file: str, line: int) -> Iterator[Line]:
    linecache.checkcache(file)
    lines = linecache.getlines(file) if file else []
    first = max(line - AROUND, 1)
    for number, text in enumerate(lines[first - 1 : line + AROUND], first):
        yield Line(number, text.rstrip("\n"), number == line)


def _in_terminal(error: BaseException) -> str:
    if isinstance(error, FlowError):
        return f"FlowError: {error}"
    return "".join(traceback.format_exception_only(error)).strip()
