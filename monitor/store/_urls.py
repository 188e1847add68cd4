"""The `store:` of a configuration to a store."""

from __future__ import annotations

from pathlib import Path

from monitor.store._protocol import Store, StoreError
from monitor.store._sqlite import SqliteStore

_FORMS = "write sqlite:///relative.db or sqlite:////absolute/path.db"


def create_store(url: str) -> Store:
    """The store that `url` names, not yet opened. `StoreError` when it names none; never shows a password."""
    scheme, _, place = url.partition("://")
    match scheme:
        case "sqlite":
            return SqliteStore(_path(place))
        case "postgresql" | "postgres":
            raise StoreError(f"store: PostgreSQL is not supported in this version yet: {_FORMS}")
        case _:
            raise StoreError(f"store: not the address of a store: {_FORMS}")


def _path(place: str) -> Path:
    """The path in what follows `sqlite://`: an empty host, a slash, and the path."""
    host, _, path = place.partition("/")
    if host or not path or path.endswith("/") or path == ":memory:":
        raise StoreError(f"store: sqlite://{place} names no file, and history has to last: {_FORMS}")
    if "?" in path or "\0" in path:
        raise StoreError(f"store: sqlite takes no options: {_FORMS}")
    return Path(path)
