"""Stores a batch that the store refused part by part, and finds out which part it is that no store would take.

A store that takes nothing at all, because its disk is full or its server gone, is no reason to give anything up. So a
part is given up only with proof: the store says that it can be written to, and takes what comes after, every time.
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
"""How often a part is passed over before it is given up."""
_TRIED_IN_VAIN: Final = 10
"""Parts refused, and none taken: it is the store, not the parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is stored in one transaction: samples, and what was made of them."""

    samples: Sequence[Sample] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    """By endpoint."""
    incidents: Mapping[str, Incident] = field(default_factory=dict)
    """By id."""
    traffic: TrafficBatch | None = None

    async def append_to(self, store: Store) -> int:
        """Store all of it or nothing. How many samples were too old to be taken."""
        return await store.append(self.samples, self.states, [*self.incidents.values()], self.traffic)


@dataclass(slots=True, kw_only=True)
class WriteOutcome:
    """What became of a batch."""

    taken: set[str] = field(default_factory=set)
    """Names of the parts that are stored; a sample's is its id."""
    given_up: set[str] = field(default_factory=set)
    """Names of those that never will be."""
    expired: int = 0
    """Samples that were too old to be taken."""
    error: StoreError | None = None
    """Why the rest has to be tried again; None: there is no rest."""


class PoisonQueue:
    """Remembers from one batch to the next what was passed over."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._strikes: Counter[str] = Counter()

    async def append(self, batch: Batch) -> WriteOutcome:
        """Store what can be stored. Raises when the store cannot be written to, no longer, or was replaced."""
        await self._store.check_writable()
        outcome = WriteOutcome()
        refused: dict[str, StoreError] = {}
        passed_over: set[str] = set()
        for name, part in _parts(batch):
            try:
                outcome.expired += await part.append_to(self._store)
            except StoreReplacedError:  # what was taken is lost, too
                raise
            except StoreError as error:
                await self._store.check_writable()
                refused[name] = error
                if len(refused) >= _TRIED_IN_VAIN and not outcome.taken:
                    outcome.error = error
                    break
            except Exception:
                log.exception("%s cannot be stored and is given up", name, extra={"action": "store_drop"})
                outcome.given_up.add(name)
            else:
                outcome.taken.add(name)
                passed_over.update(refused)
        self._give_up(refused, passed_over, outcome)
        return outcome

    def _give_up(self, refused: Mapping[str, StoreError], passed_over: set[str], outcome: WriteOutcome) -> None:
        """Give up what was passed over often enough.

        It is counted until all is settled: what was given up may come again as long as anything has to be tried again.
        """
        for name, error in refused.items():
            self._strikes[name] += name in passed_over
            if name not in passed_over or self._strikes[name] < _STRIKES:
                outcome.error = error
                continue
            log.error("%s cannot be stored and is given up: %s", name, error, extra={"action": "store_drop"})
            outcome.given_up.add(name)
        if outcome.error is None:
            self._strikes.clear()


def traffic_name(traffic: TrafficBatch) -> str:
    """What real traffic is called as a part."""
    return f"traffic {traffic.id}"


def _parts(batch: Batch) -> Iterator[tuple[str, Batch]]:
    """Each with its name. States are last: they come with every sample, so that incidents are passed over, too."""
    yield from ((sample.id, Batch(samples=[sample])) for sample in batch.samples)
    if batch.traffic is not None:
        yield traffic_name(batch.traffic), Batch(traffic=batch.traffic)
    yield from ((f"incident {name}", Batch(incidents={name: each})) for name, each in batch.incidents.items())
    yield from ((f"state of {name}", Batch(states={name: state})) for name, state in batch.states.items())
