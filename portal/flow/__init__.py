"""The language: the words with which a flow is declared."""

from .base import Edge, Flow, Node
from .events import End
from .gateways import If, Join, Split, Switch
from .outcome import Done, Wait
from .reference import act, this
from .registry import registry
from .tasks import Function, Handle, Job, ManualTask, Start, StartHandle, Timer, View

__all__ = [
    "Done", "Edge", "End", "Flow", "Function", "Handle", "If", "Job", "Join", "ManualTask", "Node", "Split", "Start",
    "StartHandle", "Switch", "Timer", "View", "Wait", "act", "registry", "this",
]  # fmt: skip
