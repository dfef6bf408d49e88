"""Who holds a permission, as a criterion of a query on people."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import cast, literal, or_
from sqlalchemy.dialects.postgresql import JSONB

from portal.jsonstore.sql_functions import has_element
from portal.models import Role, User


def lists(dialect: str, column: Any, *names: str) -> Any:
    """Whether a list in a JSON column has one of these texts.

    Args:
        dialect: the name of the database's.
    """
    postgresql = dialect == "postgresql"
    # PostgreSQL compares documents, whose escapes are no matter; SQLite unpacks the list.
    values = cast(column, JSONB) if postgresql else column
    wanted = [literal(name, JSONB) if postgresql else literal(json.dumps(name)) for name in names]
    return or_(*(has_element(values, each) for each in wanted))


def holds(dialect: str, *names: str) -> Any:
    """Whether a person, or a role of theirs, has one of these permissions; a longer name is another one.

    Args:
        dialect: the name of the database's.
    """
    return or_(
        lists(dialect, User.permissions, *names), User.roles.any(lists(dialect, Role.permissions, *names))
    )
