"""The runtime: moves tokens through flows, one action in one transaction under the lock of the process."""

from portal.flow import port

from . import actions, api, lifecycle, permissions

port.bind(api)

__all__ = ["actions", "lifecycle", "permissions"]
