"""The language for declaring flows: `Flow`, its nodes, `this` and `act`."""

from .activation import Activation
from .automatic import BusinessRule, Function, Handle, Job, SendHandle
from .base import Edge, Node
from .decisions import DecisionTable
from .declaration import Flow
from .events import (
    CancelRegion,
    CompensateThrow,
    ConditionalCatch,
    End,
    ErrorEnd,
    EscalationThrow,
    MessageCatch,
    MessageThrow,
    SignalCatch,
    SignalThrow,
    TerminateEnd,
    Timer,
)
from .external import ExternalTask
from .gateways import If, Join, Split, SplitFirst, Switch
from .outcome import Done, Wait
from .reference import act, this
from .registry import registry
from .retention import Retention
from .runtime import throw_signal
from .starts import StartHandle, StartTimer
from .subprocess import NSubprocess, Subprocess
from .times import working
from .user_tasks import ManualTask, Start, View

__all__ = [
    "Activation", "BusinessRule", "CancelRegion", "CompensateThrow", "ConditionalCatch", "DecisionTable", "Done",
    "Edge", "End", "ErrorEnd", "EscalationThrow", "ExternalTask", "Flow", "Function", "Handle", "If", "Job",
    "Join", "ManualTask", "MessageCatch", "MessageThrow", "NSubprocess", "Node", "Retention", "SendHandle",
    "SignalCatch", "SignalThrow", "Split", "SplitFirst", "Start", "StartHandle", "StartTimer", "Subprocess",
    "Switch", "TerminateEnd", "Timer", "View", "Wait", "act", "registry", "this", "throw_signal", "working",
]  # fmt: skip
