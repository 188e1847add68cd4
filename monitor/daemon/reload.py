"""Another configuration while the daemon runs.

What can fail comes first and changes nothing: creating sinks, opening addresses, reading the store. Then all parts are
switched in one step of the event loop. What takes long with many endpoints is computed in threads, or done afterwards,
a few milliseconds at a time.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from monitor.config.model import Config
from monitor.daemon.event_log import EventLog
from monitor.daemon.servers import OpenedAddresses, Servers
from monitor.daemon.values import PartValues, values_of
from monitor.metrics.metrics import Metrics
from monitor.pipeline.baselines import BaselineReader
from monitor.pipeline.housekeeper import Housekeeper
from monitor.pipeline.outbox import Outbox
from monitor.pipeline.outcomes import OutcomeReceiver
from monitor.pipeline.recorder import Recorder
from monitor.pipeline.restore import Recounter, read_spent, recall
from monitor.routing.file_writer import FileWriter
from monitor.scheduler.budget import Amounts, Budgets
from monitor.scheduler.dispatcher import Dispatcher
from monitor.scheduler.scheduler import Schedule
from monitor.scoreboard.board import Board
from monitor.scoreboard.renderer import Renderer
from monitor.sinks import CreatedSink, SampleOrigins, create_sinks
from monitor.store import Store, StoreError
from monitor.vantage import NetworkGate
from monitor.workers.limits import ConcurrencyLimits
from monitor.workers.pool import WorkerPool

log = logging.getLogger(__name__)

_TURN_S: Final = 0.005
"""How long steps are done in one turn of the event loop."""
_PATIENCE_S: Final = 10.0
"""How long publishing may wait until everything that was judged is stored and the store has renamed endpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of the daemon that take values of the configuration."""

    store: Store
    board: Board
    renderer: Renderer
    events: EventLog
    metrics: Metrics
    recorder: Recorder
    outcomes: OutcomeReceiver
    budgets: Budgets
    limits: ConcurrencyLimits
    pool: WorkerPool
    dispatcher: Dispatcher
    gate: NetworkGate
    schedule: Schedule
    housekeeper: Housekeeper
    baselines: BaselineReader
    recounter: Recounter
    files: FileWriter
    origins: SampleOrigins
    outbox: Outbox
    servers: Servers


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What is new in a configuration as far as the store has a past of it."""

    added: frozenset[str]
    """Endpoints that were not configured before."""
    aliases: Mapping[str, str]
    """New former ids, and the present ones."""
    providers: frozenset[str]
    """Providers that had no endpoint before."""

    @property
    def restored(self) -> frozenset[str]:
        """The endpoints whose history is read from the store."""
        return self.added | {*self.aliases.values()}


def difference(before: PartValues, after: PartValues) -> Difference:
    """What is new in `after`."""
    return Difference(
        added=frozenset(after.providers.keys() - before.providers.keys()),
        aliases={alias: name for alias, name in after.aliases.items() if before.aliases.get(alias) != name},
        providers=frozenset({*after.providers.values()} - {*before.providers.values()}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """Everything that another configuration needs, ready to be used."""

    values: PartValues
    sinks: Sequence[CreatedSink]
    addresses: OpenedAddresses | None
    difference: Difference
    spent: Mapping[str, Amounts] = field(default_factory=dict)
    """What the day's probes cost, by endpoint."""


class Reload:
    """Applies other configurations to the parts, one after the other."""

    def __init__(
        self, parts: Parts, values: PartValues, sinks: Sequence[CreatedSink], use: Callable[[PartValues], None]
    ) -> None:
        """`values` and `sinks`: with which the parts were created. `use` takes other values for the daemon itself."""
        self._parts = parts
        self._values = values
        self._sinks = sinks
        self._use = use
        self.turn = asyncio.Lock()
        """While this lock is held, the configuration stays."""

    async def apply(self, config: Config) -> None:
        """Use another configuration from now on.

        Raises OSError with the key if an address cannot be used, StoreError if the store cannot tell the history of new
        endpoints, and whatever the code of a sink raises. Then nothing has changed.
        """
        async with self.turn:
            with _without_collections():
                steps = await self._switched(config)
                await asyncio.sleep(0)
                await in_slices(steps)
                await self._parts.renderer.snapshot()
            self._parts.files.wake()
            log.info("configuration applied", extra={"action": "config_applied", "endpoints": len(config.endpoints)})

    async def _switched(self, config: Config) -> Iterator[None]:
        """Prepare everything, then switch. Returns what remains to be done, in steps."""
        parts, now = self._parts, datetime.now(UTC)
        values = await asyncio.to_thread(values_of, config, now)
        sinks = await asyncio.to_thread(create_sinks, config, parts.origins, self._sinks)  # may import a library
        addresses = await parts.servers.open(config)
        try:
            prepared = await self._read(values, sinks, addresses, now)
            async with parts.recorder.judging_lock:
                await self._rename(prepared.difference.aliases)
                return self._switch(prepared)
        except BaseException:
            parts.servers.discard(addresses)
            raise

    async def _read(
        self, values: PartValues, sinks: Sequence[CreatedSink], addresses: OpenedAddresses | None, now: datetime
    ) -> _Prepared:
        """Read from the store what it knows of new endpoints and providers."""
        new, store = difference(self._values, values), self._parts.store
        if new.restored:
            await recall(values.board, store, now, new.aliases, new.restored)
            await asyncio.to_thread(values.board.commit, now, everything=True)
        spent = await read_spent(store, now) if new.providers else {}
        return _Prepared(values=values, sinks=sinks, addresses=addresses, difference=new, spent=spent)

    async def _rename(self, aliases: Mapping[str, str]) -> None:
        """Have the store move the history of former ids, once everything is stored under them."""
        if not aliases:
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._parts.recorder.stored()
                await self._parts.store.rename(aliases)
        except TimeoutError:
            raise StoreError(f"no answer within {_PATIENCE_S:g} s") from None

    def _switch(self, prepared: _Prepared) -> Iterator[None]:
        """Switch all parts at once. Returns the steps that may follow later."""
        parts, values, new = self._parts, prepared.values, prepared.difference
        config, now = values.config, datetime.now(UTC)
        ended = parts.board.apply(values.board, now, new.restored)
        self._values, self._sinks = replace(values, board=parts.board), prepared.sinks
        self._use(self._values)
        self._switch_probing(prepared, now)
        parts.outcomes.apply(values.reader, values.spans)
        parts.housekeeper.apply(config.retention)
        parts.baselines.apply(values.tasks)
        parts.files.apply(config.publish_files)
        parts.origins.apply(values.origins)
        parts.outbox.apply([created.sink for created in prepared.sinks])
        if parts.servers.use(config, prepared.addresses):
            log.info("listening on %s", parts.servers.url, extra={"action": "listening", "url": parts.servers.url})
        parts.recorder.end(ended)
        parts.events.start(new.added, ())
        if new.aliases:
            parts.recounter.wake()  # what was judged while the store was read is in no window of the present id
        return self._steps(values, parts.schedule.apply_in_steps(values.jobs, now))

    def _switch_probing(self, prepared: _Prepared, now: datetime) -> None:
        parts, values = self._parts, prepared.values
        config = values.config
        untold = parts.budgets.apply(values.caps, values.providers)
        for endpoint, amounts in prepared.spent.items():
            if parts.budgets.provider_of(endpoint) in untold:
                parts.budgets.restore(endpoint, amounts, now)
        parts.limits.apply(config.max_concurrent, values.limits)
        parts.pool.apply(config.max_concurrent)
        parts.dispatcher.apply(config.scoring.blame, values.aliases)
        parts.gate.apply(values.watched)
        parts.recorder.rename(prepared.difference.aliases)  # also what the gate has just handed on

    def _steps(self, values: PartValues, scheduling: Iterator[None]) -> Iterator[None]:
        """What follows a switch. The schedule's first step, with which former jobs end, belongs to the switch."""
        next(scheduling)
        config = values.config
        metrics = self._parts.metrics.apply_in_steps(config.metrics, values.expected, config.scoring.blame)

        def steps() -> Iterator[None]:
            yield from metrics
            yield from scheduling
            yield from self._parts.board.release_in_steps()

        return steps()


async def in_slices(steps: Iterable[None]) -> None:
    """Do all steps; every few milliseconds other tasks can run."""
    turn_s = time.monotonic() + _TURN_S
    for _ in steps:
        if time.monotonic() > turn_s:
            await asyncio.sleep(0)
            turn_s = time.monotonic() + _TURN_S


@contextmanager
def _without_collections() -> Iterator[None]:
    """Collect no garbage in the block, and never look at its objects: they live as long as the configuration.

    With 1,000 endpoints a collection would stop the event loop for a tenth of a second, whichever thread begins it.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
