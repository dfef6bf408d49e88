"""SpiffWorkflow follows what the scripts run."""

from bpmn_alone import _followed

__all__ = ["_followed"]
