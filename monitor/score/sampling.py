"""Real traffic as evidence: of requests that come together, a few that stand for all. Pure.

What a health filter takes for independent, requests of one endpoint within a moment are not: they meet the same
machine in the same state. So of a slot of two seconds one is shown; and one more of another kind where nothing but that
has come since, so that nobody waits for the next slot to hear that all fail now. Which kind is shown keeps the shares,
from slot to slot: each showing owes to every kind its share of what came since the last, the kind that is owed most is
shown, and what it had too much is held against it the next time. No chance is in it: the same requests show the same.
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
"""After so long without a request what was owed is forgotten."""

OutcomeKind: TypeAlias = tuple[SampleOutcome, bool]
"""What a request counts as, and whether it missed the SLO. A larger one is the worse of two that are owed the same."""


class Sampler:
    """Thins the requests of one endpoint; remembers what is owed, which takes the same room whatever comes."""

    __slots__ = ("_newest", "_owed", "_shown", "_slot", "_waiting")

    def __init__(self) -> None:
        self._slot = 0
        self._shown: set[OutcomeKind] = set()
        """In this slot."""
        self._waiting: Counter[OutcomeKind] = Counter()
        """What came since the last that was shown."""
        self._owed: dict[OutcomeKind, float] = {}
        self._newest: dict[OutcomeKind, Observation] = {}

    def select(self, seen: Iterable[Observation]) -> list[Observation]:
        """What is to be taken for evidence of one endpoint's requests; they may come in any order."""
        ordered = sorted(seen, key=attrgetter("at"))
        together = (self._take(slot, list(each)) for slot, each in groupby(ordered, key=_slot_of))
        return [shown for shown in together if shown is not None]

    def _take(self, slot: int, together: Sequence[Observation]) -> Observation | None:
        """Requests of one slot; those that come late are taken for the newest slot's."""
        if slot > self._slot:
            if (slot - self._slot) * SLOT_S > _FORGOTTEN_S:
                self._owed.clear()
                self._waiting.clear()
            self._slot = slot
            self._shown.clear()
        for each in together:
            self._waiting[_kind(each)] += 1
            self._newest[_kind(each)] = each
        return self._show(together[-1])

    def _show(self, newest: Observation) -> Observation | None:
        total = self._waiting.total()
        owed = {
            kind: self._owed.get(kind, 0.0) + self._waiting[kind] / total
            for kind in self._owed.keys() | self._waiting.keys()
        }
        kind = max(owed, key=lambda each: (round(owed[each], 9), each))
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
