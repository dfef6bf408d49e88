"""The runtime: moves tokens through flows, one action in one transaction under the lock of the process."""

from portal.flow import runtime

from . import actions, api, lifecycle, permissions

runtime.bind(api)

__all__ = ["actions", "lifecycle", "permissions"]
