"""Makes the store of a `store:` URL."""

from __future__ import annotations

from pathlib import Path

from monitor.domain.sqlite_url import SqliteUrlError, sqlite_path
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
    if "?" in place or "\0" in place:
        raise StoreError(f"sqlite takes no options; {_FORMS}")
    try:
        return sqlite_path(place)
    except SqliteUrlError as error:
        raise StoreError(f"sqlite:{place} {error}; {_FORMS}") from None
