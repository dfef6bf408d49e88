"""Writes event logs for process mining in XES (IEEE 1849)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from xml.etree import ElementTree as ET

from portal.jsonstore import storable

_SPACE = "http://www.xes-standard.org/"
_EXTENSIONS = {"concept": "Concept", "time": "Time", "org": "Organizational", "lifecycle": "Lifecycle"}
#: attributes of a trace or of an event by their keys; those without a value are left out
Attributes = Mapping[str, str | int | dt.datetime | None]


def log(traces: Iterable[tuple[Attributes, Iterable[Attributes]]]) -> Iterator[str]:
    """The text of a log, a trace at a time.

    Args:
        traces: the attributes of each, and those of its events.
    """
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="2.0" xmlns="{_SPACE}">\n'
    for prefix, name in _EXTENSIONS.items():
        yield f'<extension name="{name}" prefix="{prefix}" uri="{_SPACE}{prefix}.xesext"/>\n'
    for attributes, events in traces:
        trace = ET.Element("trace")
        _describe(trace, attributes)
        for event in events:
            _describe(ET.SubElement(trace, "event"), event)
        yield ET.tostring(trace, encoding="unicode") + "\n"
    yield "</log>\n"


def _describe(element: ET.Element, attributes: Attributes) -> None:
    for key, value in attributes.items():
        if isinstance(value, dt.datetime):
            ET.SubElement(element, "date", key=key, value=value.astimezone(dt.UTC).isoformat())
        elif isinstance(value, int):
            ET.SubElement(element, "int", key=key, value=str(value))
        elif value:
            plain = "".join(each for each in storable(value) if each >= " " and each not in "\ufffe\uffff")
            ET.SubElement(element, "string", key=key, value=plain)
