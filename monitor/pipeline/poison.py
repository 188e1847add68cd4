"""Stores a rejected batch part by part, and drops parts that the store can never take (poison).

Nothing is dropped while the store is not writable, for example because its disk is full or its server is down. A part
is dropped if the store rejected it several times and stored later parts, or if it causes an unexpected exception.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from monitor.domain.incident import Incident
from monitor.store import Store, StoreError, StoreReplacedError
from monitor.traffic.counted import TrafficBatch
from probes._model import Sample

log = logging.getLogger(__name__)

_STRIKES: Final = 3
"""How often a part may be rejected before it is dropped."""
_TRIED_IN_VAIN: Final = 10
"""After this many rejected parts and none stored, the store is at fault and not the parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The data of one transaction: samples, and the states and incidents that follow from them."""

    samples: Sequence[Sample] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    """By endpoint."""
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    """By id."""
    traffic: TrafficBatch | None = None

    async def append_to(self, store: Store) -> int:
        """Store all of it or nothing. Returns how many samples were too old."""
        return await store.append(self.samples, self.states, [*self.incidents.values()], self.traffic)


@dataclass(slots=True, kw_only=True)
class _WriteOutcome:
    """The result of storing a batch part by part."""

    taken: set[str] = field(default_factory=set)
    """Names of the stored parts; a sample's name is its id."""
    given_up: set[str] = field(default_factory=set)
    """Names of the dropped parts."""
    expired: int = 0
    """Samples that were older than retention."""
    error: StoreError | None = None
    """Why the rest has to be tried again; None: there is no rest."""


class PoisonQueue:
    """Counts over several batches how often each part was rejected."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._strikes: Counter[str] = Counter()

    async def append(self, batch: Batch) -> _WriteOutcome:
        """Store all parts that the store accepts. Raises StoreError when the store is not writable or was replaced."""
        await self._store.check_writable()
        outcome = _WriteOutcome()
        refused: dict[str, StoreError] = {}
        passed_over: set[str] = set()
        for name, part in _parts(batch):
            try:
                outcome.expired += await part.append_to(self._store)
            except StoreReplacedError:  # the parts stored so far are lost, too
                raise
            except StoreError as error:
                await self._store.check_writable()
                refused[name] = error
                if len(refused) >= _TRIED_IN_VAIN and not outcome.taken:
                    outcome.error = error
                    break
            except Exception:
                log.exception("%s dropped: it cannot be stored", name, extra={"action": "store_drop"})
                outcome.given_up.add(name)
            else:
                outcome.taken.add(name)
                passed_over.update(refused)
        self._give_up(refused, passed_over, outcome)
        return outcome

    def _give_up(self, refused: Mapping[str, StoreError], passed_over: set[str], outcome: _WriteOutcome) -> None:
        """Drop the parts that were rejected often enough.

        Counts are kept until nothing has to be tried again: until then a dropped part may come again.
        """
        for name, error in refused.items():
            self._strikes[name] += name in passed_over
            if name not in passed_over or self._strikes[name] < _STRIKES:
                outcome.error = error
                continue
            log.error("%s dropped: it cannot be stored: %s", name, error, extra={"action": "store_drop"})
            outcome.given_up.add(name)
        if outcome.error is None:
            self._strikes.clear()


def traffic_name(traffic: TrafficBatch) -> str:
    """The name of real traffic as a part."""
    return f"traffic {traffic.id}"


def _parts(batch: Batch) -> Iterator[tuple[str, Batch]]:
    """Each part with its name.

    A rejected part is noticed when a later one is stored. So states come last, with nearly every batch, and traffic
    comes first: it may come with samples alone.
    """
    if batch.traffic is not None:
        yield traffic_name(batch.traffic), Batch(traffic=batch.traffic)
    yield from ((sample.id, Batch(samples=[sample])) for sample in batch.samples)
    yield from ((f"incident {name}", Batch(incidents={name: incident})) for name, incident in batch.incidents.items())
    yield from ((f"state of {name}", Batch(states={name: state})) for name, state in batch.states.items())
