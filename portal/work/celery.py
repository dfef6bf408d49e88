"""Jobs in a Celery worker: a message makes it look at a row, which it claims itself. The row is the queue."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from flask import has_app_context

try:
    import celery
    from celery import signals
    from celery.exceptions import Ignore, Retry
    from kombu.exceptions import OperationalError
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "jobs on Celery need the extra `celery`: pip install 'flask-flow-portal[celery]'", name=missing.name
    ) from missing

from portal.engine.queue import jobs, timers
from portal.flow.activation import Activation
from portal.models import db

from .heartbeat import Heartbeat
from .turns import Turns

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("portal.work")

PREFIX = "portal:"
#: Celery's setting of each of its names; a message is kept until its job is done, and says nothing but a number
SETTINGS = {
    "accept_content": ["json"],
    "broker_connection_retry_on_startup": True,
    "result_backend": None,
    "task_acks_late": True,
    "task_ignore_result": True,
    "task_reject_on_worker_lost": True,
    "task_serializer": "json",
    "worker_prefetch_multiplier": 1,
}
#: what is raised for a broker that is away
UNREACHABLE = (OperationalError, OSError)

#: whether the job of the message at hand was asked for
_asked: ContextVar[bool] = ContextVar("portal_job_asked", default=False)


class NothingToDo(Ignore):  # type: ignore[misc]
    """The job of a message is done, cancelled, at work elsewhere or not due yet."""


def reference(task_id: int) -> str:
    """What a Celery task gets to find its job: `activation_ref`."""
    return f"{PREFIX}{task_id}"


def _task_id(activation_ref: object) -> int | None:
    """The task's id. None if this is no reference."""
    if not isinstance(activation_ref, str) or not activation_ref.startswith(PREFIX):
        return None
    number = activation_ref.removeprefix(PREFIX)
    return int(number) if number.removeprefix("-").isdecimal() else None


class JobHeartbeat(Heartbeat):
    """The heartbeat of a Celery worker's process. It starts with the first job, or when it is told to."""

    def __init__(self, app: Flask) -> None:
        self._claims: list[jobs.Claim] = []
        super().__init__(app, "celery", self._claims.copy)
        self._turns = Turns(app)
        self.join(self._turns)

    def start(self) -> None:
        """Start its thread, once."""
        self._turns.start()

    def stop(self) -> None:
        """End its thread; the row of this process among the workers goes."""
        self.leave(self._turns)
        self._turns.close()

    @contextmanager
    def keeping(self, claimed: jobs.Claim) -> Iterator[None]:
        """Keep this claim alive during the block."""
        self.start()
        self._claims.append(claimed)
        try:
            yield
        finally:
            self._claims.remove(claimed)


class PortalTask(celery.Task):  # type: ignore[misc]
    """A Celery task in the context of the Flask application."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if has_app_context():
            return super().__call__(*args, **kwargs)
        refs = [*args, *kwargs.values()]
        token = _asked.set(False)
        try:
            with self.app.flask_app.app_context():
                return self._in_context(_task_id(refs[0]) if len(refs) == 1 else None, args, kwargs)
        finally:
            _asked.reset(token)

    def _in_context(self, task_id: int | None, args: Any, kwargs: Any) -> Any:
        """A task that ends without having asked for its job fails it: nobody else ever would."""
        error: Exception | None = None
        try:
            result = super().__call__(*args, **kwargs)
        except Exception as raised:
            error = raised
            raise
        else:
            return result
        finally:
            if task_id is not None and not _asked.get():
                _fail(task_id, error or RuntimeError("the task ended without celery.Job.activate(…)"))


def make(app: Flask, **settings: Any) -> Any:
    """The Celery application of a portal, for workers.

    Args:
        app: its `CELERY_BROKER_URL` names the broker.
        **settings: Celery's own.
    """
    made = celery.Celery("portal", task_cls=PortalTask, set_as_current=not settings)
    queue = app.extensions["portal"].celery_queue
    made.conf.update(SETTINGS, broker_url=_broker(app), task_default_queue=queue, **settings)
    made.flask_app = app

    @made.task(name="portal.run_job", shared=False)  # type: ignore[untyped-decorator]
    def run_job(activation_ref: str) -> None:
        with at_work(activation_ref) as activation:
            activation.node.work(activation)  # type: ignore[attr-defined]

    if not settings:
        made.keeper = JobHeartbeat(app)
        app.extensions["portal_keeper"] = made.keeper
        signals.worker_before_create_process.connect(_about_to_fork, weak=False)
        signals.worker_process_init.connect(_born, weak=False)
        signals.worker_process_shutdown.connect(_gone, weak=False)
        signals.worker_shutdown.connect(_gone, weak=False)  # where the jobs run in the worker's own process
    return made


def _broker(app: Flask) -> str:
    return str(app.config.get("CELERY_BROKER_URL") or "redis://127.0.0.1:6379/0")


def _about_to_fork(**_: Any) -> None:
    """What there is stays out of a child's garbage collection, which would make a copy of it all."""
    gc.unfreeze()  # what was kept for the last child may have become garbage
    gc.collect()
    gc.freeze()


def _born(**_: Any) -> None:
    """A child of a worker begins: connections of its parent are not its own."""
    app = celery.current_app.flask_app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)
    app.extensions["portal_keeper"].start()


def _gone(**_: Any) -> None:
    celery.current_app.flask_app.extensions["portal_keeper"].stop()


@contextmanager
def at_work(activation_ref: str) -> Iterator[Activation]:
    """Claim a job and complete it after the block, which an error leaves as it came.

    Raises:
        NothingToDo: it cannot be claimed.
    """
    task_id = _task_id(activation_ref)
    if task_id is None:
        raise ValueError(f"{activation_ref!r} is no activation_ref")
    _asked.set(True)
    with _tended(task_id) as claimed:
        error: Exception | None = None
        with jobs.at_work(db.session(), claimed) as activation:
            if activation is None:
                raise NothingToDo(f"the job of task {task_id} is not to be done now")
            try:
                yield activation
            except Exception as raised:
                error = raised
                raise _cause(raised) from None
        if error is not None:
            raise error


def _cause(error: Exception) -> Exception:
    """What a try failed of: `self.retry()` only wraps it."""
    return error.exc if isinstance(error, Retry) and isinstance(error.exc, Exception) else error


@contextmanager
def _tended(task_id: int) -> Iterator[jobs.Claim]:
    """A claim whose lease is kept; handed back when the worker is stopped, put off when the database was
    unavailable."""
    from flask import current_app

    claimed = _claim(task_id)
    with current_app.extensions["portal_keeper"].keeping(claimed):
        try:
            yield claimed
        except Exception as error:  # of the author's code, which is known of already, or of the portal
            timers.put_off(db.session(), task_id, error, claimed.attempt)
            raise
        except BaseException:
            jobs.hand_back(db.session(), claimed)
            raise


def _claim(task_id: int) -> jobs.Claim:
    try:
        claimed = jobs.claim(db.session(), task_id)
    except Exception as error:
        timers.put_off(db.session(), task_id, error)
        raise
    if claimed is None:
        raise NothingToDo(f"the job of task {task_id} is not to be done now")
    return claimed


def _fail(task_id: int, error: Exception) -> None:
    claimed = jobs.claim(db.session(), task_id)
    if claimed is not None:
        jobs.finish(db.session(), claimed, None, _cause(error))
