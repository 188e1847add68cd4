"""What a database has to bring for the one SQL store to work on it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine

from monitor.store._protocol import Size


class Database(Protocol):
    """One database: its connections, and where it differs from others. Every call may block, so threads make them."""

    @property
    def place(self) -> str:
        """What people know it by; holds no password."""

    @property
    def writer(self) -> Engine:
        """Connections for transactions that write, one at a time."""

    @property
    def reader(self) -> Engine:
        """Connections that cannot write; a transaction sees one state of the data."""

    def store_errors(self) -> AbstractContextManager[None]:
        """The border: whatever the database or its libraries raise inside leaves as StoreError."""

    def is_there(self) -> bool:
        """Whether there is a database, if an empty one, as far as can be told without connecting."""

    def check_place(self) -> None:
        """Raise StoreError when no database can be there."""

    def claim(self) -> None:
        """Keep every other daemon away from now on. Raises StoreTakenError when there is one."""

    def check_same(self) -> None:
        """Make sure that this is still the database that was opened, and still claimed if it was.

        Raises StoreReplacedError or StoreTakenError.
        """

    def reopen(self) -> None:
        """Let go of what was replaced, so that what is there now can be opened. Raises StoreError until it can."""

    def check_writable(self, connection: Connection) -> None:
        """Make sure that a transaction of the writer can write, without leaving anything behind."""

    def give_back(self, connection: Connection) -> bool:
        """Return a little of the space that deleted rows left to the file system; True when there is more."""

    def size(self, connection: Connection) -> Size:
        """See `Store.size`."""

    def dispose(self) -> None:
        """Close the idle connections, and give up the claim."""

    def abort(self) -> None:
        """Break off what other threads are doing, as far as that can be done."""
