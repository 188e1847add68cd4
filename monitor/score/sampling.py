"""Sampling of real traffic: of requests at the same time, a few representative ones update the health. Pure.

The model in `hmm` assumes independent samples, but requests of one endpoint at the same time meet the same machine in
the same state. So one request per slot of two seconds is selected; and one more of another kind when only that kind
came since, so that a sudden outage is noticed before the next slot. The selected kinds keep the shares of the traffic
over time: each selection credits every kind with its share of the requests since the last one, the kind with the most
credit is selected, and one is subtracted from its credit. The selection is deterministic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Final, TypeAlias

from monitor.score.health import Observation
from monitor.score.outcomes import SampleOutcome

SLOT_S: Final = 2
_FORGOTTEN_S: Final = 60
"""After this long without a request all credits are reset."""

OutcomeKind: TypeAlias = tuple[SampleOutcome, bool]
"""The outcome, and whether the request missed the SLO. Of two kinds with the same credit the worse is selected."""


class Sampler:
    """Selects requests of one endpoint. Memory is bounded by the number of kinds."""

    __slots__ = ("_newest", "_owed", "_shown", "_slot", "_waiting")

    def __init__(self) -> None:
        self._slot = 0
        self._shown: set[OutcomeKind] = set()
        """Kinds selected in this slot."""
        self._waiting: Counter[OutcomeKind] = Counter()
        """Requests since the last selection, by kind."""
        self._owed: dict[OutcomeKind, float] = {}
        self._newest: dict[OutcomeKind, Observation] = {}

    def select(self, seen: Iterable[Observation]) -> list[Observation]:
        """The requests that are to update the health. `seen` may come in any order."""
        ordered = sorted(seen, key=attrgetter("at"))
        together = (self._take(slot, list(group)) for slot, group in groupby(ordered, key=_slot_of))
        return [shown for shown in together if shown is not None]

    def _take(self, slot: int, together: Sequence[Observation]) -> Observation | None:
        """Handle the requests of one slot; late ones count for the newest slot."""
        if slot > self._slot:
            if (slot - self._slot) * SLOT_S > _FORGOTTEN_S:
                self._owed.clear()
                self._waiting.clear()
            self._slot = slot
            self._shown.clear()
        for request in together:
            self._waiting[_kind(request)] += 1
            self._newest[_kind(request)] = request
        return self._show(together[-1])

    def _show(self, newest: Observation) -> Observation | None:
        total = self._waiting.total()
        owed = {
            kind: self._owed.get(kind, 0.0) + self._waiting[kind] / total
            for kind in self._owed.keys() | self._waiting.keys()
        }
        kind = max(owed, key=lambda owed_kind: (round(owed[owed_kind], 9), owed_kind))
        if self._shown and (kind in self._shown or len(self._waiting) > 1):
            return None
        self._owed = {**owed, kind: owed[kind] - 1}
        self._waiting.clear()
        self._shown.add(kind)
        return replace(self._newest[kind], at=newest.at)


def _kind(seen: Observation) -> OutcomeKind:
    return seen.outcome, not seen.within_slo


def _slot_of(seen: Observation) -> int:
    return int(seen.at.timestamp()) // SLOT_S
