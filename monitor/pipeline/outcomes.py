"""Receives reported outcomes of real traffic: parses them, drops duplicates, passes on the rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.config.model import Config
from monitor.domain.maintenance import MaintenanceWindow, current
from monitor.pipeline.restore import aliases_of
from monitor.store import Store
from monitor.traffic.calls import Call, Receipt
from monitor.traffic.counted import Apps
from monitor.traffic.known import REMEMBERED, KnownIds
from monitor.traffic.reading import CallReader

Spans: TypeAlias = Mapping[str, tuple[MaintenanceWindow, ...]]
"""By endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCallbacks:
    """The functions that the receiver calls."""

    now: Callable[[], datetime]
    take: Callable[[Sequence[Call]], Awaitable[None]]
    """Takes new calls at once; its result is awaited until their effect is published. May raise StoppingError."""
    count: Callable[[str, int], None]
    """Takes how many outcomes were `accepted`, `duplicate` or `rejected`."""


class OutcomeReceiver:
    """Receives batches of outcomes. Duplicates are recognised across a restart."""

    def __init__(
        self, reader: CallReader, callbacks: OutcomeCallbacks, known: KnownIds | None = None, spans: Spans | None = None
    ) -> None:
        """`spans`: the maintenance windows of endpoints."""
        self._reader = reader
        self._spans = spans or {}
        self._callbacks = callbacks
        self._known = KnownIds() if known is None else known  # an empty one is falsy
        self._apps = Apps()

    def apply(self, reader: CallReader, spans: Spans) -> None:
        """Use other endpoints and maintenance windows from now on. Known duplicates are kept."""
        self._reader, self._spans = reader, spans

    async def restore(self, store: Store) -> None:
        """Read from the store which outcomes were counted before."""
        now = self._callbacks.now()
        for at, keys in await store.counted_keys(now - REMEMBERED):
            self._known.add(keys, at)
        for usage in await store.activity((now - timedelta(days=1)).date()):
            self._apps.restore(usage.day, usage.app)

    async def take(self, body: object) -> Receipt:
        """Accept a batch.

        Raises WrongBodyError, TooManyError or StoppingError; then no outcome of the batch was accepted.
        """
        now = self._callbacks.now()
        read = self._reader.read(body, now)
        fresh = {call.key: call for call in reversed(read.calls) if call.key not in self._known}
        self._known.make_room(len(fresh), now)
        calls = [self._completed(call) for call in reversed(fresh.values())]
        published = self._callbacks.take(calls)
        # Only now: ids of calls that were not taken would make a repeated batch all duplicates.
        self._known.add(fresh, now)
        receipt = Receipt(accepted=len(calls), duplicates=len(read.calls) - len(calls), rejected=read.rejected)
        self._count(receipt)
        await published
        return receipt

    def _completed(self, call: Call) -> Call:
        judges = current(self._spans.get(call.endpoint, ()), call.at) is None
        return replace(call, app=self._apps.name(call.app, call.at), judges=judges)

    def _count(self, receipt: Receipt) -> None:
        self._callbacks.count("accepted", receipt.accepted)
        self._callbacks.count("duplicate", receipt.duplicates)
        self._callbacks.count("rejected", len(receipt.rejected))


def reader_of(config: Config) -> CallReader:
    """A reader that knows the endpoints of a configuration."""
    return CallReader(
        [spec.endpoint.id for spec in config.endpoints],
        aliases_of(config),
        {spec.endpoint.id: spec.router_ids for spec in config.endpoints},
    )


def spans_of(config: Config) -> Spans:
    """The maintenance windows by endpoint."""
    return {spec.endpoint.id: spec.maintenance for spec in config.endpoints}
