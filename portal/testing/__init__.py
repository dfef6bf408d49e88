"""Driving a flow in a test: the fixture `flow_tester`, which pytest finds by itself."""

from .flow_run import FlowRun
from .plugin import (
    flow_tester,
    portal_app,
    pytest_addoption,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_runtest_teardown,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)
from .task_run import TaskRun
from .tester import Clock, FlowTester

#: the hooks are pytest's
_HOOKS = (
    pytest_addoption, pytest_configure, pytest_runtest_makereport, pytest_runtest_teardown, pytest_sessionfinish,
    pytest_terminal_summary, pytest_testnodedown,
)  # fmt: skip

__all__ = ["Clock", "FlowRun", "FlowTester", "TaskRun", "flow_tester", "portal_app"]
