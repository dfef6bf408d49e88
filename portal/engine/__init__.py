"""The runtime: moves tokens through flows, one action in one transaction under the lock of the process."""

from portal.flow import port

from . import access, actions, lifecycle, programs

port.bind(programs)

__all__ = ["access", "actions", "lifecycle"]
