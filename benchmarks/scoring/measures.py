"""Figures and flags of one world against the truth: errors, calibration, delays, false alarms, losses."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.scoring.flags import Flag, Flags
from benchmarks.scoring.routed_requests import WARM_UP_S, RoutedRequests
from benchmarks.scoring.simulation import SimulationResult
from benchmarks.scoring.world import DAY_S, Episode, EpisodeKind, World

BINS: Final = 10
LEAST_OUTAGE_S: Final = 180.0
"""Shorter full outages do not count for detection."""
_CLEAR_S: Final = 600.0
"""An outage counts if no other trouble lies in this time before it or within it."""
_LATE_S: Final = 30.0
"""Detection counts until this time after an outage, since a probe that met it may time out later."""
_ECHO_S: Final = 120.0
"""An alarm is false when there was no trouble in this time before it."""


@dataclass(slots=True, kw_only=True)
class Bin:
    """A bin of the calibration."""

    count: int = 0
    figures: float = 0.0
    succeeded: int = 0
    good: float = 0.0


@dataclass(slots=True, kw_only=True)
class Tally:
    """One rule against the truth."""

    outcome_error: float = 0.0
    """Sum of squared differences to the results."""
    true_error: float = 0.0
    """Sum of squared differences to the true chances."""
    error_in: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """The same by state of the endpoint."""
    bins: list[Bin] = field(default_factory=lambda: [Bin() for _ in range(BINS)])
    lost: float = 0.0
    """Sum over requests: the chance of the best provider minus that of the provider with the best figure."""
    delays_s: dict[Flag, list[float]] = field(default_factory=dict)
    """From the start of each full outage to its detection; infinite: never detected."""
    alone_delays_s: list[float] = field(default_factory=list)
    """The same, with status down, of outages of a single endpoint."""
    last_delays_s: list[float] = field(default_factory=list)
    """The same, to the last endpoint's status down, of outages of a whole provider."""
    false_alarms: Counter[Flag] = field(default_factory=Counter)
    probes: int = 0


@dataclass(slots=True, kw_only=True)
class Findings:
    """All measures of one world."""

    requests: int = 0
    succeeded: int = 0
    oracle_error: float = 0.0
    """Sum of squared differences between true chances and results: the least error, but for chance."""
    expected: float = 0.0
    """Sum of the true chances."""
    expected_squares: float = 0.0
    moments: Counter[str] = field(default_factory=Counter)
    routed: int = 0
    best: float = 0.0
    """Sum of the best provider's chances."""
    endpoint_days: float = 0.0
    """Without the first day."""
    tallies: dict[str, Tally] = field(default_factory=dict)


def measure_requests(found: Findings, routed: RoutedRequests) -> None:
    """Adds the truth of all requests."""
    for item in routed.requests:
        found.requests += len(item.good)
        found.succeeded += sum(item.succeeded)
        found.oracle_error += sum(
            (good - success) ** 2 for good, success in zip(item.good, item.succeeded, strict=True)
        )
        found.expected += sum(item.good)
        found.expected_squares += sum(good * good for good in item.good)
        found.moments.update(item.moments)


def measure_figures(tally: Tally, place: int, result: SimulationResult, routed: RoutedRequests) -> None:
    """Adds the errors of a rule's figures; `place` is its index among the detector's names."""
    for requests, figures in zip(routed.requests, result.figures, strict=True):
        errors: dict[str, float] = defaultdict(float)
        known = zip(figures[place], requests.good, requests.succeeded, requests.moments, strict=True)
        for figure, good, success, moment in known:
            tally.outcome_error += (figure - success) ** 2
            errors[moment] += (figure - good) ** 2
            found = tally.bins[min(int(figure * BINS), BINS - 1)]
            found.count += 1
            found.figures += figure
            found.succeeded += success
            found.good += good
        tally.true_error += sum(errors.values())
        for moment, error in errors.items():
            tally.error_in[moment] += error


def measure_routing(
    found: Findings, world: World, results: Sequence[tuple[Sequence[str], SimulationResult]], routed: RoutedRequests
) -> None:
    """Adds what is lost by taking the provider with the best figure; ties are broken at random."""
    for model, times_s in enumerate(routed.times_s):
        numbers = [number for number, endpoint in enumerate(world.endpoints) if endpoint.model == model]
        for turn in range(len(times_s)):
            goods = [routed.requests[number].good[turn] for number in numbers]
            best = max(goods)
            found.routed += 1
            found.best += best
            for names, result in results:
                for place, name in enumerate(names):
                    figures = [result.figures[number][place][turn] for number in numbers]
                    found.tallies[name].lost += best - _mean_of_best(figures, goods)


def _mean_of_best(figures: Sequence[float], goods: Sequence[float]) -> float:
    top = max(figures)
    chosen = [good for figure, good in zip(figures, goods, strict=True) if figure == top]
    return sum(chosen) / len(chosen)


def measure_flags(tally: Tally, name: str, world: World, flags: Flags) -> None:
    """Adds a rule's detection delays of full outages and its false alarms."""
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
    """Full outages of whole providers without other trouble, each with the provider's endpoints."""
    by_provider: dict[int, list[int]] = {}
    for number, endpoint in enumerate(world.endpoints):
        by_provider.setdefault(endpoint.provider, []).append(number)
    for number, outage in _outages(world):
        numbers = by_provider[world.endpoints[number].provider]
        if outage.shared and number == numbers[0] and all(_is_clear(world, item, outage) for item in numbers):
            yield numbers, outage


def _outages(world: World) -> Iterator[tuple[int, Episode]]:
    for number, endpoint in enumerate(world.endpoints):
        for episode in endpoint.timeline.episodes:
            lasting = episode.length_s >= LEAST_OUTAGE_S and episode.end_s + _LATE_S < world.until_s
            if episode.kind is EpisodeKind.HARD and lasting and episode.begin_s > WARM_UP_S:
                yield number, episode


def _is_clear(world: World, number: int, outage: Episode) -> bool:
    """Whether an endpoint has no other trouble near an outage."""
    from_s, to_s = outage.begin_s - _CLEAR_S, outage.end_s
    others = (item for item in world.endpoints[number].timeline.between(from_s, to_s) if item is not outage)
    return not any(others) and not any(world.offline.between(from_s, to_s))


def _delay(flags: Flags, name: str, number: int, flag: Flag, outage: Episode) -> float:
    at_s = flags.first_up(name, number, flag, outage.begin_s, outage.end_s + _LATE_S)
    return math.inf if at_s is None else at_s - outage.begin_s


def _is_false(world: World, number: int, at_s: float) -> bool:
    from_s = at_s - _ECHO_S  # a rate limit justifies no alarm
    there = [*world.endpoints[number].timeline.between(from_s, at_s), *world.offline.between(from_s, at_s)]
    return at_s > WARM_UP_S and all(item.kind is EpisodeKind.LIMITED for item in there)


def endpoint_days(world: World) -> float:
    """Days of all endpoints, without the first day."""
    return len(world.endpoints) * (world.until_s - WARM_UP_S) / DAY_S
