"""What can be refused. The docstring of an exception is its message when nothing more exact is said."""

from typing import Any


class PortalError(Exception):
    """The portal refused to do this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class FlowError(PortalError):
    """The declaration of a flow is wrong."""


class TransitionNotAllowed(PortalError):
    """This action is not allowed in the present state."""


class PermissionDenied(PortalError):
    """This person may not do this."""


class UnsavedChanges(PortalError):
    """The session holds changes that are not saved: commit them or roll them back before an action begins."""


class InvalidForm(PortalError):
    """The form is not valid."""

    def __init__(self, message: str | None = None, errors: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        #: the messages by field name
        self.errors = errors or {}
