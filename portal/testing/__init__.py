"""Driving a flow in a test: the fixture `flow_tester`, which pytest finds by itself.

pytest loads this module in every session, so what the fixture needs is imported when a test asks for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .plugin import (  # noqa: F401  the hooks are pytest's
    flow_tester,
    portal_app,
    pytest_addoption,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_runtest_teardown,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)  # fmt: skip

if TYPE_CHECKING:
    from .flow_run import FlowRun
    from .task_run import TaskRun
    from .tester import Clock, FlowTester

__all__ = ["Clock", "FlowRun", "FlowTester", "TaskRun", "flow_tester", "portal_app"]

if not TYPE_CHECKING:  # a checker would take every other name for one of any type

    def __getattr__(name: str) -> Any:
        modules = {"Clock": "tester", "FlowRun": "flow_run", "FlowTester": "tester", "TaskRun": "task_run"}
        if name not in modules:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{modules[name]}", __name__), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
