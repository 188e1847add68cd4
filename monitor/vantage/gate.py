"""Holds samples that failed to connect until other origins were checked, then hands them on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.config.model import Canary, EndpointSpec
from monitor.domain.maintenance import current
from monitor.vantage.attribution import Vantage
from monitor.vantage.evidence import CheckResult, OriginCheck
from monitor.vantage.origin import Origin, canary_origins, neutral_name, origin_of
from monitor.vantage.resolver import Lookup, ResolverRecord
from monitor.vantage.tcp_check import ask
from probes._model import Sample
from probes._proxy import proxy_of

log = logging.getLogger(__name__)

_TICK_S = 1.0
_LOOK_UP_EVERY_S = 5.0
"""While probes are running. A probe that fails to resolve a name waits longer than this."""
_PAUSE_S = 1.0
"""Between two rounds of checks, so that many failures do not cause many checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCallbacks:
    """The functions that the gate calls."""

    emit: Callable[[Sample], None]
    """Takes every sample; those of one endpoint in the order of their arrival."""
    now: Callable[[], datetime]
    ask: Callable[[Origin], Awaitable[CheckResult]] = ask
    look_up: Callable[[str | None], Awaitable[CheckResult]] | None = None
    """Looks up a neutral name, or a random one if there is none; None: the resolver is not checked."""
    probing: Callable[[], bool] = lambda: False
    """Whether a probe is running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedOrigins:
    """What the gate takes from a configuration."""

    specs: Sequence[EndpointSpec]
    """The endpoints that are probed."""
    origins: Mapping[str, Origin]
    """By endpoint."""
    canaries: Sequence[Origin]
    neutral_name: str | None
    """The name to look up while probes run."""
    any_named: bool
    """Whether any origin is reached by a name."""


def watched_origins(endpoints: Iterable[EndpointSpec], canaries: Collection[Canary]) -> WatchedOrigins:
    """What the gate needs to know of these endpoints and canaries. Takes a while for very many endpoints."""
    specs = tuple(endpoints)
    found = {spec.endpoint.id: origin_of(spec.endpoint) for spec in specs if spec.enabled}
    origins = {name: origin for name, origin in found.items() if origin is not None}
    return WatchedOrigins(
        specs=tuple(spec for spec in specs if spec.enabled),
        origins=origins,
        canaries=canary_origins(canaries),
        neutral_name=neutral_name([spec.endpoint for spec in specs], canaries),
        any_named=any(origin.is_named for origin in origins.values()),
    )


class NetworkGate:
    """Passes every sample on, at once or after the checks, with the blame that follows from the checks."""

    def __init__(
        self,
        watched: WatchedOrigins,
        callbacks: GateCallbacks,
        pause_s: float = _PAUSE_S,
    ) -> None:
        self._callbacks = callbacks
        self._pause_s = pause_s
        self._watched = watched
        self._vantage = self._begin()
        self._due = asyncio.Event()
        self._was_online = True
        self._were_unreliable: frozenset[Origin] = frozenset()
        self._ended = False

    def apply(self, watched: WatchedOrigins) -> None:
        """Use other endpoints from now on.

        If that changes which origins can be checked, held samples are passed on unchanged, and evidence starts anew.
        """
        before, self._watched = self._watched, watched
        if (watched.origins, watched.canaries) != (before.origins, before.canaries):
            held, self._vantage = self._vantage.release(), self._begin()
            self._hand_on(held)

    @property
    def _looks_up(self) -> bool:
        return self._callbacks.look_up is not None and self._watched.any_named

    def _begin(self) -> Vantage:
        watched = self._watched
        return Vantage(watched.origins, watched.canaries, ResolverRecord() if self._looks_up else None)

    @property
    def online(self) -> bool:
        """Whether the local network works, by the evidence so far."""
        return self._vantage.online

    def put(self, sample: Sample) -> None:
        """Take a sample; does not block."""
        if self._ended:
            self._callbacks.emit(sample)
            return
        self._hand_on(self._vantage.take(sample, self._callbacks.now()))

    async def run(self) -> None:
        """Run checks when they are due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._let_go_in_time(), name="vantage-bound")
            group.create_task(self._watch_resolver(), name="vantage-resolver")
            while True:
                await self._due.wait()
                await self._ask_round()
                await asyncio.sleep(self._pause_s)

    def end(self) -> None:
        """Hand on every held sample unchanged; later samples are not held."""
        self._ended = True
        self._hand_on(self._vantage.release())

    def clock_stepped(self) -> None:
        """The wall clock was stepped: hand on every held sample unchanged, since earlier times cannot be compared."""
        self._hand_on(self._vantage.clock_stepped(self._callbacks.now()))

    async def _ask_round(self) -> None:
        """One round of checks, unless an answer has settled every held sample meanwhile."""
        self._due.clear()
        now = self._callbacks.now()
        if not self._vantage.is_due(now):
            return
        vantage = self._vantage
        origins = vantage.origins_to_check(now, self._away(now))
        looking_up = [self._look_up()] if self._looks_up else []
        replies, _ = await asyncio.gather(asyncio.gather(*map(self._reply, origins)), asyncio.gather(*looking_up))
        if vantage is not self._vantage:  # the endpoints were changed meanwhile
            return
        self._hand_on(vantage.take_checks(replies))
        self._log_unreliable_canaries()

    def _away(self, now: datetime) -> frozenset[Origin]:
        """Providers that must not be checked: all of their endpoints are in maintenance or behind a proxy."""
        origins = self._watched.origins
        awake = {
            origins.get(spec.endpoint.id)
            for spec in self._watched.specs
            if current(spec.maintenance, now) is None and proxy_of(spec.endpoint.proxy) is None
        }
        return frozenset(origins.values()) - awake

    async def _reply(self, origin: Origin) -> OriginCheck:
        return OriginCheck(origin=origin, result=await self._callbacks.ask(origin))

    async def _watch_resolver(self) -> None:
        """Look up neutral names while probes run, whether or not a probe fails: afterwards it would be too late."""
        async with asyncio.TaskGroup() as group:
            while True:
                if self._looks_up and self._callbacks.probing():
                    group.create_task(self._look_up(), name="vantage-lookup")
                    await asyncio.sleep(_LOOK_UP_EVERY_S - _TICK_S)
                await asyncio.sleep(_TICK_S)

    async def _look_up(self) -> None:
        began, look_up = self._callbacks.now(), self._callbacks.look_up
        result = CheckResult.NOTHING if look_up is None else await look_up(self._watched.neutral_name)
        self._hand_on(self._vantage.looked_up(Lookup(began=began, ended=self._callbacks.now(), result=result)))

    async def _let_go_in_time(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self._hand_on(self._vantage.tick(self._callbacks.now()))

    def _hand_on(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            self._callbacks.emit(sample)
        if self._vantage.is_due(self._callbacks.now()):
            self._due.set()
        if self._vantage.online is not self._was_online:
            self._was_online = self._vantage.online
            self._log_change()

    def _log_change(self) -> None:
        if self._was_online:
            log.info("local network online again", extra={"action": "vantage_online"})
        else:
            words = "local network offline; connection failures are excluded from scoring"
            log.warning(words, extra={"action": "vantage_offline"})

    def _log_unreliable_canaries(self) -> None:
        unreliable = self._vantage.unreliable_canaries
        for canary in unreliable - self._were_unreliable:
            words = "canary %s does not answer while other hosts do; ignoring it until it answers"
            log.warning(words, canary.name, extra={"action": "canary_silent"})
        self._were_unreliable = unreliable
