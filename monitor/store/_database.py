"""What a database has to bring for the one SQL store to work on it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from monitor.store._protocol import Size


class Database(Protocol):
    """One database: its connections, and where it differs from others."""

    @property
    def place(self) -> str:
        """What people know it by; holds no password."""

    @property
    def writer(self) -> AsyncEngine:
        """Connections for transactions that write, one at a time."""

    @property
    def reader(self) -> AsyncEngine:
        """Connections that cannot write; a transaction sees one state of the data."""

    def faults(self) -> AbstractContextManager[None]:
        """The border: whatever the database or its libraries raise inside leaves as StoreError."""

    def is_there(self) -> bool:
        """Whether there is a database, if an empty one, as far as can be told without connecting."""

    def check_place(self) -> None:
        """Raise StoreError when no database can be there."""

    async def check_writable(self, connection: AsyncConnection) -> None:
        """Make sure that a transaction of the writer can write, without leaving anything behind."""

    async def give_back(self, connection: AsyncConnection) -> bool:
        """Return a little of the space that deleted rows left to the file system; True when there is more."""

    async def size(self, connection: AsyncConnection) -> Size:
        """See `Store.size`."""
