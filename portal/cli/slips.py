"""Explains errors of Python that keep a site's module from being imported: where, and how to mend it."""

from __future__ import annotations

import builtins
import inspect
import itertools
import linecache
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from portal import assign, flow, folders, jsonstore, views
from portal.errors import Fault, FlowError
from portal.flow.names import guess, near

#: where a name comes from that an author has not imported
_IMPORTS = {
    **dict.fromkeys(("act", "assign", "flow", "jsonstore", "this", "views"), "portal"),
    **dict.fromkeys(("Process", "Task", "User", "Role", "db"), "portal.models"),
    **dict.fromkeys(("timedelta", "datetime", "date"), "datetime"),
    "Decimal": "decimal",
}
_WORDS = {name: getattr(each, name) for each in (views, assign, jsonstore, flow) for name in each.__all__}


def faults_of(error: BaseException) -> Iterator[Fault]:
    """What an error at import says is wrong."""
    if isinstance(error, FlowError):
        yield from error.faults or (Fault("", str(error)),)
    else:
        yield fault_of(error) or Fault("", f"{type(error).__name__}: {error}")


def fault_of(error: BaseException) -> Fault | None:
    """What is wrong in the site's own code; None where the error comes from elsewhere."""
    if isinstance(error, SyntaxError):
        return Fault("", f"{type(error).__name__}: {error.msg}", error.filename or "", error.lineno or 0)
    frames = traceback.extract_tb(error.__traceback__)
    at = next((n for n in reversed(range(len(frames))) if _is_own(frames[n])), None)
    if at is None:
        return None
    frame = frames[at]
    text = f"{type(error).__name__}: {error}"
    mend = _mend(error, _source(frame), frame)
    return Fault(_where(frame), text + mend, frame.filename, frame.lineno or 0)


def _is_own(frame: traceback.FrameSummary) -> bool:
    own = frame.filename.startswith(str(folders.site())) and "site-packages" not in frame.filename
    return own and not frame.filename.startswith(sys.prefix)


def _where(frame: traceback.FrameSummary) -> str:
    """The class and the attribute in whose declaration a frame is; empty outside of a class."""
    if frame.name.startswith("<"):
        return ""
    found, depth = frame.name, sys.maxsize
    for line in range(frame.lineno or 0, 0, -1):
        text = linecache.getline(frame.filename, line)
        if re.match(r"\s*(class|def)\b", text):
            break
        named = re.match(r"(\s+)(\w+)\s*(?::[^=]+)?=(?!=)", text)
        if named and len(named[1]) < depth:  # a keyword of a call stands further in than the attribute
            found, depth = f"{frame.name}.{named[2]}", len(named[1])
    return found


def _source(frame: traceback.FrameSummary) -> str:
    """The expression that was worked out when the error came."""
    first = frame.lineno or 0
    lines = [
        linecache.getline(frame.filename, line) for line in range(first, (frame.end_lineno or first) + 1)
    ]
    return "".join(lines)


def _mend(error: BaseException, source: str, frame: traceback.FrameSummary) -> str:
    """A mend, to be added to the message; empty where none is known."""
    if "; " in str(error):  # it says one itself
        return ""
    if isinstance(error, NameError) and error.name:
        return _of_declared(error.name, source, frame) or _of_name(error, error.name)
    if isinstance(error, ImportError) and "partially initialized" in str(error):
        return "; import it inside of the function that needs it, or put both into one module"
    if isinstance(error, AttributeError) and error.name:
        known = [each for each in dir(error.obj) if not each.startswith("_")]
        return guess(error.name, known, "", all_known=False)
    return _of_call(str(error), source) if isinstance(error, TypeError) else ""


def _of_declared(name: str, source: str, frame: traceback.FrameSummary) -> str:
    """The mend for a name that a flow declares further down, or for `self` where there is none yet."""
    if name == "self" and (used := re.search(r"\bself\.(\w+)", source)):
        return f"; write this.{used[1]}"
    below = linecache.getlines(frame.filename)[frame.lineno or 0 :]
    body = itertools.takewhile(lambda line: not line.strip() or line[:1].isspace(), below)
    declares = re.compile(rf"\s+(?:def\s+{name}\(|{name}\s*=\s*\(?\s*(?:flow\.|$))")
    return f"; write this.{name}" if any(map(declares.match, body)) else ""


def _of_name(error: NameError, name: str) -> str:
    if name in _IMPORTS:
        return f"; write from {_IMPORTS[name]} import {name}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame if trace is not None else None
    known = {**frame.f_globals, **frame.f_locals} if frame is not None else {}
    return guess(name, [*known, *dir(builtins), *_IMPORTS], "", all_known=False)


def _of_call(text: str, source: str) -> str:
    """The mend for a call that Python refuses."""
    if text.startswith("module() takes") and (derived := re.search(r"class (\w+)\(flow\)", source)):
        return f"; write class {derived[1]}(flow.Flow)"
    if "object is not callable" in text:
        if reference := re.search(r"\bthis\.(\w+)\(", source):
            return f"; write this.{reference[1]}, which is called when the flow runs"
        words = {each for made in _WORDS.values() for each in dir(made) if each[:1].isupper()}
        for slip in re.findall(r"\.([a-z]\w*)\(", source):
            if meant := near(slip.capitalize(), words):
                return f"; did you mean .{meant}()?"
    if unknown := re.search(r"([\w.]+)\(\) got an unexpected keyword argument '(\w+)'", text):
        return guess(unknown[2], _parameters(unknown[1], source), "")
    if many := re.search(r"([\w.]+)\(\) takes .*positional arguments? but", text):
        named = [f"{each}=…" for each in _parameters(many[1], source)]
        return f"; give the rest by name: {', '.join(named)}" if named else ""
    if missing := re.search(r"missing \d+ required \S+ arguments?: (.+)", text):
        return f"; add {missing[1].replace(chr(39), '')}"
    return ""


def _parameters(called: str, source: str) -> list[str]:
    """The names that a word of the language takes, of those that a line has and the error names."""
    owner, _, method = called.rpartition(".")
    names = [
        *re.findall(r"(?:flow|jsonstore|assign|views)\.(\w+)\(", source),
        owner.rpartition(".")[2],
        method,
    ]
    found: dict[str, None] = {}
    for name in names:
        made = _WORDS.get(name)
        if made is None:
            continue
        calls: list[Any] = [made]
        if isinstance(made, type):
            part = "__init__" if method in ("__init__", name) else method
            ours = [base for base in made.__mro__ if base.__module__.startswith("portal.")]
            calls = [vars(base)[part] for base in ours if part in vars(base)]
        for call in calls:
            found |= dict.fromkeys(_named(call))
    return list(found)


def _named(call: Any) -> list[str]:
    try:
        parameters = inspect.signature(getattr(call, "__func__", call)).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        each.name
        for each in parameters
        if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL) and each.name not in ("self", "cls")
    ]
