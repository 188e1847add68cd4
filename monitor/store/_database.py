"""The interface of a database for the SQL store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine

from monitor.store._protocol import Size


class Database(Protocol):
    """A database: its connections and its specifics. Every call may block, so the calls are made in threads."""

    @property
    def place(self) -> str:
        """The path or URL for messages, without a password."""

    @property
    def writer(self) -> Engine:
        """Connections for write transactions, one at a time."""

    @property
    def reader(self) -> Engine:
        """Read-only connections; a transaction sees one state of the data."""

    def store_errors(self) -> AbstractContextManager[None]:
        """A context in which errors of the database and its libraries become StoreError."""

    def is_there(self) -> bool:
        """Whether there is a database, even an empty one, as far as is known without connecting."""

    def check_place(self) -> None:
        """Raise StoreError when there cannot be a database."""

    def claim(self) -> None:
        """Claim the database for this daemon. Raises StoreTakenError when another daemon holds it."""

    def check_same(self) -> None:
        """Check that this is still the opened database, and that the claim still holds.

        Raises StoreReplacedError or StoreTakenError.
        """

    def reopen(self) -> None:
        """Close the replaced database to open the present one. Raises StoreError until that is possible."""

    def check_writable(self, connection: Connection) -> None:
        """Check that a write transaction works, without a change. Raises StoreError."""

    def give_back(self, connection: Connection) -> bool:
        """Return some free space to the file system; True: there is more."""

    def size(self, connection: Connection) -> Size:
        """See `Store.size`."""

    def dispose(self) -> None:
        """Close idle connections and release the claim."""

    def abort(self) -> None:
        """Interrupt the calls of other threads, as far as possible."""
