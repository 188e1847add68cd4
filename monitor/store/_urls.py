"""Makes the store of a `store:` URL."""

from __future__ import annotations

from pathlib import Path

from monitor.store._protocol import Store, StoreError
from monitor.store._sqlite import sqlite_store

_FORMS = (
    "write sqlite:///absolute/path.db, sqlite:name.db for a relative path, or postgresql://user:password@host/database"
)


def create_store(url: str) -> Store:
    """The store of a URL, not opened yet. Raises StoreError for an invalid URL, without its password."""
    scheme, _, place = url.partition(":")
    match scheme:
        case "sqlite":
            return sqlite_store(_path(place))
        case "postgresql" | "postgres" if place.startswith("//"):
            from monitor.store._postgres import postgres_store  # noqa: PLC0415  # imports a driver that SQLite does not need

            return postgres_store(url)
        case _:
            raise StoreError(f"not the address of a store; {_FORMS}")


def _path(place: str) -> Path:
    """The path after `sqlite:`: an empty host and an absolute path, as in every URL, or a relative path."""
    path = place.removeprefix("//")
    absolute = path != place
    if not path.strip("/") or path.endswith("/") or path == ":memory:" or path.startswith("/") is not absolute:
        raise StoreError(f"sqlite:{place} names no file, and history has to last; {_FORMS}")
    if "?" in path or "\0" in path:
        raise StoreError(f"sqlite takes no options; {_FORMS}")
    if absolute and "/" not in path.lstrip("/"):
        raise StoreError(f"sqlite:{place} is a file in the root folder; {_FORMS}")
    return Path("/" + path.lstrip("/")) if absolute else Path(path)
