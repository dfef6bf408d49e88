"""On SQLite the threads of one process write one after the other, however a turn ends."""

import pytest
from sqlalchemy import text

from portal.models import db

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def lose(connection):
    connection.connection.dbapi_connection.rollback()
    connection.invalidate()
    connection.close()


ENDS = {
    "commit": lambda connection: connection.commit(),
    "rollback": lambda connection: connection.rollback(),
    "close": lambda connection: connection.close(),
    "lost": lose,
}


@pytest.mark.parametrize("how", ENDS)
def test_a_turn_that_has_ended_is_passed_on(app, how):
    for _ in range(3):
        connection = db.engine.connect().execution_options(writes=True)
        connection.execute(text("UPDATE portal_task SET status = status"))
        ENDS[how](connection)
        connection.close()
        with db.engine.connect().execution_options(writes=True) as following:
            following.execute(text("UPDATE portal_task SET status = status"))  # else it is busy
