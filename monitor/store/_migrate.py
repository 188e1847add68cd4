"""Migrates a database's schema with the scripts in `migrations/versions`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from monitor.store._protocol import Schema, StoreError

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(connection: Connection, place: str) -> None:
    """Run the missing migrations in the connection's transaction: all of them or none.

    Raises StoreError when the schema is newer than this program, or the database belongs to another program.
    """
    schema = version(connection, place)
    if schema.found != schema.known:
        command.upgrade(_config(connection), "head")


def version(connection: Connection, place: str) -> Schema:
    """The schema versions of the database and of this program. Raises as `migrate` does."""
    scripts = ScriptDirectory.from_config(_config(connection))
    known = {script.revision for script in scripts.walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if found - known:
        version = ", ".join(sorted(found - known))
        raise StoreError(
            f"{place}: its schema ({version}) is newer than this program: "
            "install the providerwatch version that wrote it or a later one, or use another `store`"
        )
    if not found and inspect(connection).get_table_names():
        raise StoreError(f"{place}: is another program's database: use another file in `store`")
    return Schema(found=next(iter(found), None), known=scripts.get_heads()[0])


def newest() -> str:
    """This program's schema version."""
    return ScriptDirectory.from_config(_config()).get_heads()[0]


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
