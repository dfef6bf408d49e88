"""Jobs as Celery tasks: the node `celery.Job`, and `portal.celery.app` for `celery -A`.

Importing this makes no application; only asking for `app` does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask import Flask
from flask.cli import ScriptInfo

from portal.flow import automatic
from portal.flow.activation import Activation
from portal.flow.callables import Called
from portal.work.celery import NothingToDo, at_work, make, reference

__all__ = ["Job", "NothingToDo"]

#: the job whose task is called directly, without a broker
_direct: ContextVar[Activation | None] = ContextVar("portal_direct_job", default=None)


def __getattr__(name: str) -> Any:
    """Make the Celery application when it is asked for: flows import this module while the portal is being made."""
    if name != "app":
        raise AttributeError(f"module 'portal.celery' has no attribute {name!r}")
    sys.path.insert(0, os.getcwd())  # where the flows are, as for the command `portal`
    globals()["app"] = made = make(_application())
    return made


def _application() -> Flask:
    """The application whose jobs are done: a site's, or the one that `PORTAL_APP` names as `flask --app` would."""
    named = os.environ.get("PORTAL_APP")
    if named:
        return ScriptInfo(app_import_path=named).load_app()
    from portal.app import create_app

    return create_app()


class Job(automatic.Job):
    """A job that is a Celery task of the author's. BPMN: service task.

    On the executor `celery` the task is sent to the broker, with the options of its declaration, such as its queue. In
    `FlowTester` and on the executor `local` it is called directly, without a broker.

    Args:
        shared_task: the task. It gets one argument, `activation_ref`, and does its work in
            `with celery.Job.activate(activation_ref) as activation:`.
        **kwargs: `retries`, `backoff`, `timeout` and `undo_func`, as for `flow.Job`.
    """

    kind = "Job"

    def __init__(self, shared_task: Any, **kwargs: Any) -> None:
        super().__init__(shared_task, **kwargs)
        #: what the executor sends instead of a message of its own
        self.celery_task = shared_task

    def calls(self) -> Iterator[Called]:
        for called in super().calls():
            own = called.call is self.func
            yield called._replace(what="its Celery task", given=("activation_ref",)) if own else called

    def faults(self) -> Iterator[str]:
        yield from super().faults()
        if not hasattr(self.celery_task, "apply_async"):
            yield "celery.Job() needs a Celery task: a function with @shared_task"

    def work(self, activation: Activation) -> None:
        token = _direct.set(activation)
        try:
            self.celery_task(reference(activation.task.id))
        finally:
            _direct.reset(token)

    @staticmethod
    @contextmanager
    def activate(activation_ref: str) -> Iterator[Activation]:
        """Claim the job, and complete it at the end of the block. An error in the block fails this try.

        What the block assigns is written when it is done, and only if this try still counts. How often a job is tried
        again is said by its node: `self.retry()` in the block is one failed try.

        Args:
            activation_ref: what the task was given.

        Raises:
            NothingToDo: the job is done, cancelled, at work elsewhere or not due yet. Celery takes this as a quiet end.
        """
        direct = _direct.get()
        if direct is not None and reference(direct.task.id) == activation_ref:
            yield direct
            return
        with at_work(activation_ref) as activation:
            yield activation
