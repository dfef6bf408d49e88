"""The exceptions of the portal. The docstring of an exception is its message when nothing more exact is said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class PortalError(Exception):
    """The portal refused to do this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())

    @property
    def words(self) -> str:
        """All that it says, in one text."""
        return str(self)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a declaration.

    Args:
        where: the class, with the node or the attribute: `HelloWorldFlow.approve`.
        text: what is wrong, and the mend.
        file: the file in which it is declared; empty where nobody knows.
        line: the line in that file, from 1.
    """

    where: str
    text: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f'\n  File "{self.file}", line {self.line}' if self.file else ""
        return f"{self.where}: {self.text}{place}" if self.where else f"{self.text}{place}"


class FlowError(PortalError):
    """The declaration of a flow is wrong.

    Attributes:
        faults: what is wrong, each with its place.
    """

    def __init__(self, message: str | None = None, faults: Iterable[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(message or "\n".join(map(str, self.faults)) or "The declaration of a flow is wrong.")


class TransitionNotAllowed(PortalError):
    """This action is not allowed in the present state."""


class Gone(TransitionNotAllowed):
    """What this step works on was deleted."""


class PermissionDenied(PortalError):
    """This person may not do this."""


class UnsavedChanges(PortalError):
    """The session holds changes that are not saved: commit them or roll them back before an action begins."""


class TransientError(PortalError):
    """The database could not do this now, and nothing was changed: try again."""

    #: whether the portal itself may try again at once
    again = True


class Busy(TransientError):
    """Somebody else is working on this process at the moment, and nothing was changed: try again."""


class Slow(TransientError):
    """The database took too long over this, and nothing was changed: try again later."""

    again = False


class Unusable(TransientError):
    """The database cannot be used, and nothing was changed: an administrator has to look after it."""

    again = False


class Uncertain(PortalError):
    """The connection to the database was lost while saving: look whether it was saved before doing it again."""


class CodeExit(Exception):
    """An author's code has raised what would end the whole process, which is its cause: `sys.exit()` for example."""


def ended(error: BaseException) -> CodeExit:
    """What is raised in the place of what would end the whole process."""
    return CodeExit(f"{type(error).__name__}: {error}")


def contain(call: Callable[[], T]) -> T:
    """Call an author's code, and let nothing but exceptions out of it.

    Raises:
        CodeExit: the code raised `SystemExit`, `KeyboardInterrupt` or another `BaseException`.
    """
    try:
        return call()
    except Exception:
        raise
    except BaseException as error:
        raise ended(error) from error


class InvalidForm(PortalError):
    """The form is not valid."""

    def __init__(self, message: str | None = None, errors: dict[str, Any] | None = None) -> None:
        super().__init__(message or (f"The form is not valid: {errors}" if errors else None))
        #: the messages by field name
        self.errors = errors or {}

    @property
    def words(self) -> str:
        """What is wrong, in the words at the fields, or of the form as a whole."""
        return " ".join(str(line) for lines in self.errors.values() for line in lines) or str(self)
