"""Answers HAProxy's agent checks: one line per connection, from the newest snapshot.

Without an answer HAProxy leaves the server's state unchanged. So every connection gets an answer, also one without a
name or with an unknown name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from monitor.config.model import Listen
from monitor.routing.haproxy import UNKNOWN, agent_answers, agent_groups
from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import Snapshot

log = logging.getLogger(__name__)

_DEADLINE_S: Final = 1.0
"""Limit for reading the name, and for writing the answer. HAProxy's limit is `timeout check`, else `agent-inter`."""
_LONGEST: Final = 1024
"""Longest name in bytes."""
_MOST: Final = 512
"""Concurrent connections. HAProxy leaves the server's state unchanged if a connection is refused."""
_MOST_LOGGED: Final = 100
"""Most unknown names that are logged."""


class HaproxyAgent:
    """The answers, each made from the newest rows of the server's group."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        unknown: Callable[[], None],
        row: Callable[[str], Row | None] | None = None,
    ) -> None:
        """`row` returns an endpoint's newest row if the snapshot may hold an older one."""
        self._snapshot = snapshot
        self._row = row
        self._unknown = unknown
        self._named: Sequence[tuple[str, str, Mapping[str, str]]] = ()
        self._groups: Mapping[str, Sequence[str]] = {}
        self._seen: Snapshot | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._logged: set[str] = set()

    def answer(self, name: str) -> bytes:
        """The answer for a name."""
        snapshot = self._snapshot()
        self._follow(snapshot)
        group = self._groups.get(name)
        if group is None:
            self._unknown()
            self._log_unknown(name)
            return UNKNOWN
        newest = snapshot.rows.get if self._row is None else self._row
        return agent_answers(row for endpoint in group if (row := newest(endpoint)) is not None)[name]

    def _follow(self, snapshot: Snapshot) -> None:
        """Update the names if the snapshot has other ones."""
        if snapshot is not self._seen:
            self._seen = snapshot
            named = [(row.id, row.model, row.router_ids) for row in snapshot.rows.values()]
            if named != self._named:
                self._named, self._groups = named, agent_groups(snapshot.rows.values())

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection and close it, or refuse it if there are too many."""
        if len(self._running) >= _MOST:
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer), name="agent-check")
        self._running.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("agent check failed: unexpected error", exc_info=error, extra={"action": "agent_check_failed"})

    async def drained(self) -> None:
        """Wait until all accepted connections are answered."""
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=2 * _DEADLINE_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self.answer(await _name(reader)))
            async with asyncio.timeout(_DEADLINE_S):
                await writer.drain()
        except OSError:  # also TimeoutError: HAProxy disconnected
            log.debug("agent check aborted by HAProxy", extra={"action": "agent_check_broken"})
        finally:
            writer.close()

    def _log_unknown(self, name: str) -> None:
        if name not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add(name)
            log.warning(
                "agent check for unknown name %r answered with up: the name is neither an endpoint's id nor one of "
                "`router_ids: {haproxy: …}`; correct `agent-send` in HAProxy's configuration",
                name,
                extra={"action": "agent_unknown"},
            )


async def _name(reader: asyncio.StreamReader) -> str:
    """The first line, or the part of it that arrived before the deadline."""
    came = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DEADLINE_S):
            while b"\n" not in came and len(came) < _LONGEST and (more := await reader.read(_LONGEST)):
                came += more
    return came.partition(b"\n")[0][:_LONGEST].decode(errors="replace").strip()


async def listen(agent: HaproxyAgent, address: Listen, *, reuse_port: bool = False) -> asyncio.Server:
    """Answer connections to an address. Raises OSError if it cannot be used."""
    return await asyncio.start_server(
        agent.connected, address.host, address.port, limit=_LONGEST, reuse_port=reuse_port or None
    )


@asynccontextmanager
async def serving(agent: HaproxyAgent, address: Listen) -> AsyncIterator[tuple[str, int]]:
    """Serve while the block runs; yields host and port. Raises OSError if the address cannot be used."""
    server = await listen(agent, address)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        yield host, port
        server.close()
        await agent.drained()
