"""Each test begins with an empty database and the tables as they are declared now."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, Table, inspect, text

from portal.models import Role, db
from portal.testing.database import empty_database


@pytest.fixture
def declare(app):
    """Declare a table until the end of the test."""
    declared = {}

    def add(name, *columns):
        if name in declared:
            db.metadata.remove(declared.pop(name))
        declared[name] = Table(name, db.metadata, Column("id", Integer, primary_key=True), *columns)
        return declared[name]

    yield add
    db.session.remove()
    for table in declared.values():
        db.metadata.remove(table)
    if db.engine.dialect.name == "postgresql":  # where the other tests follow in the same database
        with db.engine.begin() as connection:
            for name in declared:
                connection.execute(text(f"DROP TABLE {name} CASCADE"))


def add_role():
    role = Role(name="Staff")
    db.session.add(role)
    db.session.commit()
    return role.id


def test_rows_are_gone_and_numbers_begin_anew(app):
    first = add_role()
    db.session.remove()
    empty_database()
    assert add_role() == first == 1


def test_a_table_that_is_declared_anew_is_made_anew(declare):
    declare("emptied_shelf")
    empty_database()
    declare("emptied_shelf", Column("height", Integer))
    empty_database()
    assert {"id", "height"} == {column["name"] for column in inspect(db.engine).get_columns("emptied_shelf")}


def test_rows_that_point_at_each_other_are_gone_too(declare):
    book = declare(
        "emptied_book",
        Column("page_id", ForeignKey("emptied_page.id", name="fk_emptied_page", use_alter=True)),
    )
    page = declare("emptied_page", Column("book_id", ForeignKey("emptied_book.id")))
    empty_database()
    with db.engine.begin() as connection:
        connection.execute(book.insert().values(id=1))
        connection.execute(page.insert().values(id=1, book_id=1))
        connection.execute(book.update().values(page_id=1))
    empty_database()
    with db.engine.connect() as connection:
        assert connection.execute(book.select()).all() == []
