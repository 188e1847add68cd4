"""Trials of the daemon's parts together: an offline vantage, a provider that is down as a whole, a budget.

Apart from that, these worlds have only single failures.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Final

from benchmarks.scoring.daemon_detector import DaemonDetector, Setting
from benchmarks.scoring.detectors import OURS
from benchmarks.scoring.flags import Flag
from benchmarks.scoring.simulation import ProbeSchedule, Simulation, SimulationResult
from benchmarks.scoring.world import DAY_S, Episode, EpisodeKind, Size, World, staged
from monitor.config.model import Canary

CANARIES: Final = (Canary(host="192.0.2.1", port=443), Canary(host="canary.example", port=443))
_OFFLINE_S: Final = 600.0
_OUTAGE_S: Final = 1_200.0
_SETTLED_S: Final = 3_600.0
"""Trouble begins at a random time in the hour after this."""
_AFTERMATH_S: Final = 600.0
_SHORT: Final = 2.5 / 24
"""Days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """Statuses of endpoints while the vantage had no network, and for ten minutes afterwards."""

    providers: int
    endpoints: int
    probes: int
    """Probes that finished in that time."""
    down: int
    """Endpoints with status down."""
    degraded: int
    """Endpoints with status degraded or down."""


def offline(seed: str, size: Size, schedule: ProbeSchedule, canaries: tuple[Canary, ...]) -> Offline:
    """Ten minutes without a network."""
    begin_s = _moment(seed)
    outage = Episode(begin_s=begin_s, end_s=begin_s + _OFFLINE_S, kind=EpisodeKind.OFFLINE, shared=True, depth=1.0)
    simulated = staged(Size(providers=size.providers, models=size.models, days=_SHORT), offline=[outage])
    daemon = DaemonDetector(simulated, Setting(schedule=schedule, canaries=canaries), seed)
    result = Simulation(simulated, daemon, schedule, seed).run()
    return Offline(
        providers=size.providers,
        endpoints=len(simulated.endpoints),
        probes=sum(begin_s < at_s < outage.end_s for times_s in result.probes for at_s in times_s),
        down=_flagged(simulated, daemon, Flag.DOWN, outage),
        degraded=_flagged(simulated, daemon, Flag.RAISED, outage),
    )


@dataclass(slots=True, kw_only=True)
class WideOutage:
    """Detection of the outage of a whole provider, by endpoint."""

    after_s: list[float] = field(default_factory=list)
    """From the start of the outage to status down."""
    probes_to_raised: list[float] = field(default_factory=list)
    """Own probes from the first endpoint's status degraded or down to the own one; infinite: never."""
    probes_to_down: list[float] = field(default_factory=list)
    """The same for status down."""
    others_down: int = 0
    """Endpoints of other providers with status down in that time."""


def wide(seed: str, size: Size, schedule: ProbeSchedule) -> WideOutage:
    """The first provider fails for twenty minutes."""
    chance = random.Random(f"{seed}/wide")
    begin_s = _moment(seed)
    outage = Episode(
        begin_s=begin_s, end_s=begin_s + _OUTAGE_S, kind=EpisodeKind.HARD, shared=True, depth=chance.random()
    )
    simulated = staged(Size(providers=size.providers, models=size.models, days=_SHORT), [[outage]])
    daemon = DaemonDetector(simulated, Setting(schedule=schedule), seed)
    result = Simulation(simulated, daemon, schedule, seed).run()
    own = [number for number, endpoint in enumerate(simulated.endpoints) if endpoint.provider == 0]
    down = {number: daemon.flags.first_up(OURS, number, Flag.DOWN, begin_s, outage.end_s) for number in own}
    others_down = [number for number in range(len(simulated.endpoints)) if number not in own]
    return WideOutage(
        after_s=[math.inf if at_s is None else at_s - begin_s for at_s in down.values()],
        probes_to_raised=_probes_to(daemon, result, own, Flag.RAISED, outage),
        probes_to_down=_probes_to(daemon, result, own, Flag.DOWN, outage),
        others_down=sum(
            daemon.flags.first_up(OURS, number, Flag.DOWN, begin_s, outage.end_s) is not None for number in others_down
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetDay:
    """A provider's day under a cap."""

    cap: float
    spent: float
    """Tokens."""
    most_expensive: float
    """Tokens of the most expensive probe."""
    refused: int


def budgeted(seed: str, size: Size, schedule: ProbeSchedule, share: float) -> list[BudgetDay]:
    """Two days with trouble that causes extra probes. The cap is a share of what the scheduled probes of a day cost."""
    outage = Episode(
        begin_s=20_000, end_s=26_000, kind=EpisodeKind.PARTIAL, shared=True, depth=random.Random(seed).random()
    )
    simulated = staged(Size(providers=size.providers, models=size.models, days=2.0), [[outage]])
    cap = round(share * size.models * DAY_S / schedule.every_s * 137)
    daemon = DaemonDetector(simulated, Setting(schedule=schedule, tokens_per_day=cap), seed)
    Simulation(simulated, daemon, schedule, seed).run()
    return [
        BudgetDay(cap=cap, spent=spent, most_expensive=daemon.most_expensive, refused=daemon.refused)
        for spent in daemon.spent.values()
    ]


def _moment(seed: str) -> float:
    return _SETTLED_S + random.Random(f"{seed}/moment").random() * 3_600.0


def _flagged(simulated: World, daemon: DaemonDetector, flag: Flag, outage: Episode) -> int:
    from_s, to_s = outage.begin_s, outage.end_s + _AFTERMATH_S
    return sum(
        any(from_s <= at_s <= to_s for at_s in daemon.flags.raised(OURS, number, flag))
        for number in range(len(simulated.endpoints))
    )


def _probes_to(
    daemon: DaemonDetector, result: SimulationResult, numbers: list[int], flag: Flag, outage: Episode
) -> list[float]:
    at_s = {number: daemon.flags.first_up(OURS, number, flag, outage.begin_s, outage.end_s) for number in numbers}
    first_s = min((item for item in at_s.values() if item is not None), default=math.inf)
    return [
        math.inf if until_s is None else sum(first_s < ended_s <= until_s for ended_s in result.probes[number])
        for number, until_s in at_s.items()
    ]
