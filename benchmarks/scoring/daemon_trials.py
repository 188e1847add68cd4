"""What is tried with the daemon's pure parts together: an offline vantage, a whole provider that is down, a budget.

Nothing else is the matter in these worlds but lone failures.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Final

from benchmarks.scoring.detectors import OURS, Setting, Whole
from benchmarks.scoring.flags import Flag
from benchmarks.scoring.lives import Life, Lived, Pace
from benchmarks.scoring.world import DAY_S, Episode, Shape, Size, World, staged
from monitor.config.model import Canary

CANARIES: Final = (Canary(host="192.0.2.1", port=443), Canary(host="canary.example", port=443))
_OFFLINE_S: Final = 600.0
_OUTAGE_S: Final = 1_200.0
_SETTLED_S: Final = 3_600.0
"""Trouble begins after that, at a random moment of the next hour."""
_AFTERMATH_S: Final = 600.0
_SHORT: Final = 2.5 / 24
"""Days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """What became of endpoints while the vantage had no network, and for a while afterwards."""

    providers: int
    endpoints: int
    probes: int
    """Those that met it."""
    down: int
    """Endpoints that were called down."""
    degraded: int
    """Or degraded."""


def offline(seed: str, size: Size, pace: Pace, canaries: tuple[Canary, ...]) -> Offline:
    """Ten minutes without a network."""
    begin_s = _moment(seed)
    outage = Episode(begin_s=begin_s, end_s=begin_s + _OFFLINE_S, shape=Shape.OFFLINE, shared=True, depth=1.0)
    made = staged(Size(providers=size.providers, models=size.models, days=_SHORT), offline=[outage])
    whole = Whole(made, Setting(pace=pace, canaries=canaries), seed)
    lived = Life(made, whole, pace, seed).live()
    return Offline(
        providers=size.providers,
        endpoints=len(made.endpoints),
        probes=sum(begin_s < at_s < outage.end_s for times_s in lived.probes for at_s in times_s),
        down=_flagged(made, whole, Flag.DOWN, outage),
        degraded=_flagged(made, whole, Flag.RAISED, outage),
    )


@dataclass(slots=True, kw_only=True)
class Wide:
    """How a provider's whole outage was noticed: of each endpoint, how many probes after the first was noticed."""

    after_s: list[float] = field(default_factory=list)
    """Until each was called down."""
    probes_to_raised: list[float] = field(default_factory=list)
    """Of its own after the first endpoint was called degraded or down, until it was itself; infinite for never."""
    probes_to_down: list[float] = field(default_factory=list)
    """The same with nothing but down."""
    strangers: int = 0
    """Endpoints of other providers that were called down meanwhile."""


def wide(seed: str, size: Size, pace: Pace) -> Wide:
    """Twenty minutes in which the first provider answers nobody."""
    chance = random.Random(f"{seed}/wide")
    begin_s = _moment(seed)
    outage = Episode(begin_s=begin_s, end_s=begin_s + _OUTAGE_S, shape=Shape.HARD, shared=True, depth=chance.random())
    made = staged(Size(providers=size.providers, models=size.models, days=_SHORT), [[outage]])
    whole = Whole(made, Setting(pace=pace), seed)
    lived = Life(made, whole, pace, seed).live()
    mine = [number for number, endpoint in enumerate(made.endpoints) if endpoint.provider == 0]
    down = {number: whole.flags.first_up(OURS, number, Flag.DOWN, begin_s, outage.end_s) for number in mine}
    strangers = [number for number in range(len(made.endpoints)) if number not in mine]
    return Wide(
        after_s=[math.inf if at_s is None else at_s - begin_s for at_s in down.values()],
        probes_to_raised=_probes_to(whole, lived, mine, Flag.RAISED, outage),
        probes_to_down=_probes_to(whole, lived, mine, Flag.DOWN, outage),
        strangers=sum(
            whole.flags.first_up(OURS, number, Flag.DOWN, begin_s, outage.end_s) is not None for number in strangers
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgeted:
    """A provider's day under a cap."""

    cap: float
    spent: float
    """Tokens."""
    dearest: float
    """Probe of them all."""
    refused: int


def budgeted(seed: str, size: Size, pace: Pace, share: float) -> list[Budgeted]:
    """Two days in which trouble makes probes beside the ticks, with a cap of such a share of what a day would cost."""
    outage = Episode(begin_s=20_000, end_s=26_000, shape=Shape.PARTIAL, shared=True, depth=random.Random(seed).random())
    made = staged(Size(providers=size.providers, models=size.models, days=2.0), [[outage]])
    cap = round(share * size.models * DAY_S / pace.every_s * 137)
    whole = Whole(made, Setting(pace=pace, tokens_per_day=cap), seed)
    Life(made, whole, pace, seed).live()
    return [
        Budgeted(cap=cap, spent=spent, dearest=whole.dearest, refused=whole.refused) for spent in whole.spent.values()
    ]


def _moment(seed: str) -> float:
    return _SETTLED_S + random.Random(f"{seed}/moment").random() * 3_600.0


def _flagged(made: World, whole: Whole, flag: Flag, outage: Episode) -> int:
    from_s, to_s = outage.begin_s, outage.end_s + _AFTERMATH_S
    return sum(
        any(from_s <= at_s <= to_s for at_s in whole.flags.raised(OURS, number, flag))
        for number in range(len(made.endpoints))
    )


def _probes_to(whole: Whole, lived: Lived, numbers: list[int], flag: Flag, outage: Episode) -> list[float]:
    at_s = {number: whole.flags.first_up(OURS, number, flag, outage.begin_s, outage.end_s) for number in numbers}
    first_s = min((each for each in at_s.values() if each is not None), default=math.inf)
    return [
        math.inf if until_s is None else sum(first_s < ended_s <= until_s for ended_s in lived.probes[number])
        for number, until_s in at_s.items()
    ]
