"""Alembic's entry: runs the migrations on the connection that stores.migrate hands over."""

from alembic import context

from copydesk.stores import strategy_tables, tables, terminal_tables  # noqa: F401  each brings its tables into the catalogue
from copydesk.stores.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=connection.dialect.name == "postgresql",
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
