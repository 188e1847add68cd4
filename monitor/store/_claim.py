"""The claim of a daemon on a PostgreSQL database: an advisory lock of a session of its own.

The server gives the lock up when the session ends, however it ends. So the session is looked after, and begun anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from pg8000 import dbapi

from monitor.store._protocol import StoreTakenError
from monitor.store._server import close, interrupt

Identity: TypeAlias = tuple[Any, ...]
_KEY: Final = 0x70726F7669646573
"""Any number that no other program takes in this database, nor the store's own transactions."""
_WAIT_S: Final = 3.0
"""A server may take a moment to notice that the last daemon is gone."""
_AGAIN_S: Final = 0.1
_LOOK_S: Final = 1.0
"""From one look at the session to the next."""
_IDENTITY: Final = (
    "SELECT oid::bigint, to_regclass('sample')::oid::bigint FROM pg_database WHERE datname = current_database()"
)
"""Numbers that a database and a table get when they are made, and keep."""
_HOLDER: Final = (
    "SELECT coalesce(host(a.client_addr), 'a local socket') FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s AND l.objid = %s"
)


class Claim:
    """At most one session of a database holds it."""

    def __init__(self, place: str, connect: Callable[[], dbapi.Connection]) -> None:
        self._place = place
        self._connect = connect
        self._session: dbapi.Connection | None = None
        self._is_wanted = False
        self._looked_s = 0.0

    def take(self) -> None:
        """Take it, or raise StoreTakenError, or what the driver raises."""
        deadline_s = time.monotonic() + _WAIT_S
        while True:
            try:
                self._begin()
            except StoreTakenError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(_AGAIN_S)
            else:
                self._is_wanted = True
                return

    def keep(self) -> Identity | None:
        """Make sure that it is still held, if it was taken; a session that was lost is begun anew.

        Which database it is held on; None when there was no need to look.
        """
        if not self._is_wanted or (self._session is not None and time.monotonic() < self._looked_s + _LOOK_S):
            return None
        try:
            found = self._ask(self._session or self._begin(), _IDENTITY)
        except (dbapi.Error, OSError):
            self._end()
            found = self._ask(self._begin(), _IDENTITY)
        self._looked_s = time.monotonic()
        return found

    def release(self) -> None:
        """Give it up."""
        self._is_wanted = False
        self._end()

    def abort(self) -> None:
        """Break off what another thread asks of the session."""
        session = self._session
        if session is not None:
            interrupt(session)

    def _begin(self) -> dbapi.Connection:
        """A session that holds it; one that could not take it is not kept."""
        session = self._connect()
        self._session = session
        try:
            session.autocommit = True
            if self._ask(session, "SELECT pg_try_advisory_lock(%s)", _KEY) == (True,):
                return session
            (holder, *_) = self._ask(session, _HOLDER, _KEY >> 32, _KEY & 0xFFFFFFFF) or (None,)
        except BaseException:
            self._end()
            raise
        self._end()
        raise StoreTakenError(
            f"{self._place}: another daemon uses it (from {holder or 'an address not known'}): "
            "stop that daemon, or name another `store`"
        )

    def _ask(self, session: dbapi.Connection, query: str, *values: int) -> Identity | None:
        cursor = session.cursor()
        cursor.execute(query, values)
        row = cursor.fetchone()
        return None if row is None else tuple(row)

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            close(session)
