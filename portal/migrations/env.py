"""Alembic's entry: runs on the connection that it is given, inside the transaction of that."""

from alembic import context

given = context.config.attributes
connection = given["connection"]
context.configure(
    connection=connection,
    target_metadata=given.get("metadata"),
    version_table=given["version_table"],
    include_name=given.get("include_name"),
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
