"""The runtime: executes flows. One action is one transaction under the lock of the process tree."""

from portal.flow import runtime

from . import actions, api, lifecycle, permissions
from .context import ActionContext
from .interpreter import step

# Where the engine is put together: what is lower calls these without importing them.
ActionContext.interpreter = step
ActionContext.work = actions.TaskActions
runtime.bind(api)

__all__ = ["actions", "lifecycle", "permissions"]
