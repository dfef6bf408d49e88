"""A workflow portal for Flask: flows are declared as classes; people work on their tasks in a browser.

For a flow:

    flow: `Flow`, and the nodes that it is made of.
    views: the ready views of tasks with a form.
    jsonstore: typed fields of a process.
    this, act: references to nodes and methods; values that are read while a process runs.
    celery: `celery.Job`, with the extra `celery`.

For an application:

    create_app: an application of the portal's own.
    Portal, Identity: the portal in an application with people, data and pages of its own.

Other modules for applications are `models`, `errors`, `assign` and `testing`.
"""

from typing import TYPE_CHECKING, Any

from portal.flow.reference import act, this

if TYPE_CHECKING:
    from portal import celery as celery
    from portal import flow, jsonstore, views
    from portal.app import create_app
    from portal.extension import Identity, Portal

__all__ = ["Identity", "Portal", "act", "create_app", "flow", "jsonstore", "this", "views"]

if not TYPE_CHECKING:  # a checker would take every other name for one of any type

    def __getattr__(name: str) -> Any:
        """Import the larger parts when they are asked for, so that the language alone stays light."""
        import importlib

        if name == "create_app":
            return importlib.import_module("portal.app").create_app
        if name in ("Portal", "Identity"):
            return getattr(importlib.import_module("portal.extension"), name)
        if name in ("flow", "jsonstore", "views", "celery"):
            return importlib.import_module(f"portal.{name}")
        raise AttributeError(f"module 'portal' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
