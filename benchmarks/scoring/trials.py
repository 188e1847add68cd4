"""What is tried in one world: ours and its rivals side by side, alarms without trouble, schedules. Each makes Findings.

They run in processes of their own, so what they take and return is plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.scoring.detectors import OURS, Books, Rules, limits_of
from benchmarks.scoring.flags import Flag
from benchmarks.scoring.lives import Life, Lived, Pace
from benchmarks.scoring.measures import (
    Findings,
    Tally,
    endpoint_days,
    judge_figures,
    judge_flags,
    judge_requests,
    judge_routing,
)
from benchmarks.scoring.questions import questions
from benchmarks.scoring.rules import RIVALS, Calibration
from benchmarks.scoring.world import Climate, Size, World, staged, world

USUAL = Pace(every_s=60.0, least_s=2.0)
"""`every: 60s`: ticks once a minute, probes beside them where that is worth it."""
ASKED_EVERY_S = 120.0


def learned(seed: str, size: Size, climate: Climate) -> dict[str, Calibration]:
    """What the rivals' figures stand for, in one world."""
    made = world(seed, size, climate)
    asked = questions(made, seed, ASKED_EVERY_S)
    judge = Rules(made, RIVALS)
    lived = Life(made, judge, Pace(every_s=USUAL.every_s), seed, asked.times_s).live()
    found = {name: Calibration() for name in judge.names}
    for place, name in enumerate(judge.names):
        for figures, requests in zip(lived.figures, asked.requests, strict=True):
            found[name].learn(figures[place], requests.succeeded)
    return found


def compared(seed: str, size: Size, climate: Climate, calibrations: Mapping[str, Calibration]) -> Findings:
    """Ours and its rivals, at the same budget of probes, asked at the same moments."""
    made = world(seed, size, climate)
    asked = questions(made, seed, ASKED_EVERY_S)
    ours = Books(made, limits_of(USUAL))
    lived = Life(made, ours, USUAL, seed, asked.times_s).live()
    rivals = Rules(made, RIVALS, calibrations)
    theirs = Life(made, rivals, as_dear(made, lived), seed, asked.times_s).live()
    found = Findings(endpoint_days=endpoint_days(made))
    judge_requests(found, asked)
    for judge, life in ((ours, lived), (rivals, theirs)):
        for place, name in enumerate(judge.names):
            tally = found.tallies[name] = Tally(probes=life.made)
            judge_figures(tally, place, life, asked)
            judge_flags(tally, name, made, judge.flags)
    judge_routing(found, made, ((ours.names, lived), (rivals.names, theirs)), asked)
    return found


def quiet(seed: str, size: Size) -> Findings:
    """How often each calls an endpoint down that has nothing but a background of lone failures."""
    made = staged(size)
    ours = Books(made, limits_of(USUAL))
    lived = Life(made, ours, USUAL, seed).live()
    rivals = Rules(made, RIVALS)
    theirs = Life(made, rivals, as_dear(made, lived), seed).live()
    found = Findings(endpoint_days=endpoint_days(made))
    for judge, life in ((ours, lived), (rivals, theirs)):
        for name in judge.names:
            found.tallies[name] = Tally(probes=life.made)
            judge_flags(found.tallies[name], name, made, judge.flags)
    return found


def as_dear(made: World, lived: Lived) -> Pace:
    """The fixed interval that costs as many probes."""
    return Pace(every_s=made.until_s * len(made.endpoints) / lived.made)


@dataclass(slots=True, kw_only=True)
class Spent:
    """What a schedule cost in one world, and how soon full outages were noticed."""

    probes: int = 0
    days: float = 0.0
    """Of endpoints."""
    delays_s: list[float] = field(default_factory=list)
    false_alarms: int = 0


def spent(seed: str, size: Size, climate: Climate, pace: Pace, name: str) -> Spent:
    """One schedule in one world, and who judges there: ours, or the rule of a name, which asks for no more probes."""
    made = world(seed, size, climate)
    judge: Books | Rules = Books(made, limits_of(pace)) if name == OURS else Rules(made, {name: RIVALS[name]})
    lived = Life(made, judge, pace, seed).live()
    tally = Tally()
    judge_flags(tally, name, made, judge.flags)
    return Spent(
        probes=lived.made,
        days=len(made.endpoints) * size.days,
        delays_s=tally.delays_s[Flag.DOWN],
        false_alarms=tally.false_alarms[Flag.DOWN],
    )
