"""The statements of an action on the engine's own rows, each worked out once and handed to the driver as text.

The loaders and the unit of work of the ORM would build, key and compile each anew, and look at every attribute several
times. They keep what is an author's: their rows, tables joined to a process, and whatever is pending under a guard or
a savepoint. What is read and written here is an object of the session like any other.
"""

from . import placing, reading, writing
from .reading import NOTHING, Found

__all__ = ["NOTHING", "Found", "placing", "reading", "writing"]
