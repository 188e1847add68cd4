"""Alembic's entry: runs the scripts on the connection that `monitor.store._migrate` passes in."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    render_as_batch=True,  # SQLite changes a column by copying its table
    transactional_ddl=True,  # true of SQLite once Python leaves transactions alone, see `_sqlite_engines`
)
context.run_migrations()
