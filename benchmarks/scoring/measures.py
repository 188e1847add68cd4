"""How figures and flags of one world compare with what was true: errors, calibration, delays, false alarms, losses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.scoring.flags import Flag, Flags
from benchmarks.scoring.lives import Lived
from benchmarks.scoring.questions import WARM_UP_S, Questions
from benchmarks.scoring.world import DAY_S, Episode, Shape, World

BINS: Final = 10
LEAST_OUTAGE_S: Final = 180.0
"""Full outages that are shorter are not looked for."""
_CLEAR_S: Final = 600.0
"""An outage counts if nothing else was the matter for so long before it, or while it lasts."""
_LATE_S: Final = 30.0
"""How long after an outage its detection still counts: a probe that it met may time out."""
_ECHO_S: Final = 120.0
"""An alarm is false when nothing was the matter for so long."""


@dataclass(slots=True, kw_only=True)
class Bin:
    """Of calibration."""

    count: int = 0
    figures: float = 0.0
    succeeded: int = 0
    good: float = 0.0


@dataclass(slots=True, kw_only=True)
class Tally:
    """What one rule said, against what was true."""

    outcome_error: float = 0.0
    """Sum of squares against what happened."""
    true_error: float = 0.0
    """Against the chance of it."""
    error_in: Counter[str] = field(default_factory=Counter)
    """The same by kind of moment."""
    bins: list[Bin] = field(default_factory=lambda: [Bin() for _ in range(BINS)])
    lost: float = 0.0
    """Of requests that were routed by its figures: how much likelier the best would have succeeded."""
    delays_s: dict[Flag, list[float]] = field(default_factory=dict)
    """Until each full outage was noticed; infinite for never."""
    alone_delays_s: list[float] = field(default_factory=list)
    """Until one was called down that was one endpoint's alone."""
    last_delays_s: list[float] = field(default_factory=list)
    """Until the last endpoint of a provider was called down that was down as a whole."""
    false_alarms: Counter[Flag] = field(default_factory=Counter)
    probes: int = 0


@dataclass(slots=True, kw_only=True)
class Findings:
    """Of one world."""

    requests: int = 0
    succeeded: int = 0
    oracle_error: float = 0.0
    """Of one who knows the chances, against what happened: nobody's can be less, but by luck."""
    expected: float = 0.0
    """Sum of the chances."""
    expected_squares: float = 0.0
    moments: Counter[str] = field(default_factory=Counter)
    routed: int = 0
    best: float = 0.0
    """Sum of the best provider's chances."""
    endpoint_days: float = 0.0
    """After the first day."""
    tallies: dict[str, Tally] = field(default_factory=dict)


def judge_requests(found: Findings, asked: Questions) -> None:
    """What was true, whoever asked."""
    for each in asked.requests:
        found.requests += len(each.good)
        found.succeeded += sum(each.succeeded)
        found.oracle_error += sum(
            (good - success) ** 2 for good, success in zip(each.good, each.succeeded, strict=True)
        )
        found.expected += sum(each.good)
        found.expected_squares += sum(good * good for good in each.good)
        found.moments.update(each.moments)


def judge_figures(tally: Tally, place: int, lived: Lived, asked: Questions) -> None:
    """What a rule's figures were worth; `place` is its place among the names of the life."""
    for requests, figures in zip(asked.requests, lived.figures, strict=True):
        errors: Counter[str] = Counter()
        known = zip(figures[place], requests.good, requests.succeeded, requests.moments, strict=True)
        for figure, good, success, moment in known:
            tally.outcome_error += (figure - success) ** 2
            errors[moment] += (figure - good) ** 2  # type: ignore[assignment]
            found = tally.bins[min(int(figure * BINS), BINS - 1)]
            found.count += 1
            found.figures += figure
            found.succeeded += success
            found.good += good
        tally.true_error += sum(errors.values())
        tally.error_in.update(errors)


def judge_routing(
    found: Findings, world: World, lives: Sequence[tuple[Sequence[str], Lived]], asked: Questions
) -> None:
    """What is lost by taking the provider with the best figure; between equals it is left to chance."""
    for model, times_s in enumerate(asked.times_s):
        numbers = [number for number, endpoint in enumerate(world.endpoints) if endpoint.model == model]
        for turn in range(len(times_s)):
            goods = [asked.requests[number].good[turn] for number in numbers]
            best = max(goods)
            found.routed += 1
            found.best += best
            for names, lived in lives:
                for place, name in enumerate(names):
                    figures = [lived.figures[number][place][turn] for number in numbers]
                    found.tallies[name].lost += best - _mean_of_best(figures, goods)


def _mean_of_best(figures: Sequence[float], goods: Sequence[float]) -> float:
    top = max(figures)
    chosen = [good for figure, good in zip(figures, goods, strict=True) if figure == top]
    return sum(chosen) / len(chosen)


def judge_flags(tally: Tally, name: str, world: World, flags: Flags) -> None:
    """How soon a rule noticed full outages, and how often it saw what was not there."""
    for flag in Flag:
        tally.delays_s[flag] = [
            _delay(flags, name, number, flag, outage)
            for number, outage in _outages(world)
            if _is_clear(world, number, outage)
        ]
        tally.false_alarms[flag] += sum(
            _is_false(world, number, at_s)
            for number in range(len(world.endpoints))
            for at_s in flags.raised(name, number, flag)
        )
    tally.alone_delays_s = [
        _delay(flags, name, number, Flag.DOWN, outage)
        for number, outage in _outages(world)
        if not outage.shared and _is_clear(world, number, outage)
    ]
    tally.last_delays_s += [
        max(_delay(flags, name, number, Flag.DOWN, outage) for number in numbers)
        for numbers, outage in shared_outages(world)
    ]


def shared_outages(world: World) -> Iterator[tuple[Sequence[int], Episode]]:
    """Full outages of whole providers, with their endpoints, where nothing else was the matter with any."""
    by_provider: dict[int, list[int]] = {}
    for number, endpoint in enumerate(world.endpoints):
        by_provider.setdefault(endpoint.provider, []).append(number)
    for number, outage in _outages(world):
        numbers = by_provider[world.endpoints[number].provider]
        if outage.shared and number == numbers[0] and all(_is_clear(world, each, outage) for each in numbers):
            yield numbers, outage


def _outages(world: World) -> Iterator[tuple[int, Episode]]:
    for number, endpoint in enumerate(world.endpoints):
        for episode in endpoint.timeline.episodes:
            lasting = episode.length_s >= LEAST_OUTAGE_S and episode.end_s + _LATE_S < world.until_s
            if episode.shape is Shape.HARD and lasting and episode.begin_s > WARM_UP_S:
                yield number, episode


def _is_clear(world: World, number: int, outage: Episode) -> bool:
    """Whether an outage is the only thing that is the matter."""
    from_s, to_s = outage.begin_s - _CLEAR_S, outage.end_s
    others = (each for each in world.endpoints[number].timeline.between(from_s, to_s) if each is not outage)
    return not any(others) and not any(world.offline.between(from_s, to_s))


def _delay(flags: Flags, name: str, number: int, flag: Flag, outage: Episode) -> float:
    at_s = flags.first_up(name, number, flag, outage.begin_s, outage.end_s + _LATE_S)
    return math.inf if at_s is None else at_s - outage.begin_s


def _is_false(world: World, number: int, at_s: float) -> bool:
    from_s = at_s - _ECHO_S  # a rate limit is no reason for any
    there = [*world.endpoints[number].timeline.between(from_s, at_s), *world.offline.between(from_s, at_s)]
    return at_s > WARM_UP_S and all(each.shape is Shape.LIMITED for each in there)


def endpoint_days(world: World) -> float:
    """After the first day, which nothing is counted of."""
    return len(world.endpoints) * (world.until_s - WARM_UP_S) / DAY_S
