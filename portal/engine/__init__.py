"""The runtime: executes flows. One action is one transaction under the lock of the process tree."""

from portal.flow import runtime
from portal.models.session import Hooks

from . import actions, api, lifecycle, permissions, search_text
from .context import ActionContext
from .interpreter import step

# Where the engine is put together: what is lower calls these without importing them.
ActionContext.interpreter = step
ActionContext.work = actions.TaskActions
runtime.bind(api)
Hooks.watchers.append(search_text.keep_changed)

__all__ = ["actions", "lifecycle", "permissions"]
