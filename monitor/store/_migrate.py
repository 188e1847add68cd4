"""Brings a database's schema up to date with the scripts in `migrations/versions`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from monitor.store._protocol import StoreError

_SCRIPTS: Final = Path(__file__).parent / "migrations"


def migrate(connection: Connection, place: str) -> None:
    """Run the missing migrations in the connection's transaction: all of them or none.

    `StoreError` names `place` when the schema is a newer program's or the database belongs to another program.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    found = set(MigrationContext.configure(connection).get_current_heads())
    if found - known:
        version = ", ".join(sorted(found - known))
        raise StoreError(
            f"{place}: its schema ({version}) is newer than this program: "
            "install the providerwatch that wrote it or a later one, or name another store"
        )
    if not found and inspect(connection).get_table_names():
        raise StoreError(f"{place}: is another program's database: name another file in `store`")
    if found != set(scripts.get_heads()):
        command.upgrade(config, "head")
