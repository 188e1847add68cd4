"""What the report asks of findings: each function makes one figure of the worlds that it is given."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from benchmarks.common.estimates import middle, ratio
from benchmarks.scoring.detectors import OURS
from benchmarks.scoring.flags import Flag
from benchmarks.scoring.measures import BINS, Bin, Findings
from benchmarks.scoring.rules import RIVALS
from benchmarks.scoring.trials import Spent

_MONTH_DAYS: Final = 30.0
Worlds: TypeAlias = Sequence[Findings]
Figure: TypeAlias = Callable[[Worlds], float]


def total(worlds: Worlds, read: Callable[[Findings], float]) -> float:
    """Over all worlds."""
    return sum(map(read, worlds))


def remaining(name: str) -> Figure:
    """The mean squared distance from the true chance, times 1,000."""
    return lambda worlds: (
        1e3
        * ratio(total(worlds, lambda each: each.tallies[name].true_error), total(worlds, lambda each: each.requests))
    )


def remaining_by_outcomes(name: str) -> Figure:
    """The Brier score minus the oracle's, times 1,000: the same, but for luck."""
    return lambda worlds: (
        1e3
        * ratio(
            total(worlds, lambda each: each.tallies[name].outcome_error - each.oracle_error),
            total(worlds, lambda each: each.requests),
        )
    )


def brier(name: str) -> Figure:
    """The Brier score, times 1,000."""
    return lambda worlds: (
        1e3
        * ratio(total(worlds, lambda each: each.tallies[name].outcome_error), total(worlds, lambda each: each.requests))
    )


def oracle_brier(worlds: Worlds) -> float:
    """Of one who knows the chances, times 1,000."""
    return 1e3 * ratio(total(worlds, lambda each: each.oracle_error), total(worlds, lambda each: each.requests))


def skill(name: str) -> Figure:
    """The share of the Brier score removed that one has who always says the mean."""

    def found(worlds: Worlds) -> float:
        share = ratio(total(worlds, lambda each: each.succeeded), total(worlds, lambda each: each.requests))
        return 1 - brier(name)(worlds) / (1e3 * share * (1 - share)) if 0 < share < 1 else math.inf

    return found


def best_rival(worlds: Worlds, figure: Callable[[str], Figure]) -> str:
    """The rival with the least of a figure."""
    return min(RIVALS, key=lambda name: figure(name)(worlds))


def removed(figure: Callable[[str], Figure]) -> Figure:
    """The share of the best rival's figure that ours is without; the best is found anew in every draw."""
    return lambda worlds: 1 - ratio(figure(OURS)(worlds), figure(best_rival(worlds, figure))(worlds))


def lost(name: str) -> Figure:
    """Of 10,000 routed requests: how many more fail than with one who knows the chances."""
    return lambda worlds: (
        1e4 * ratio(total(worlds, lambda each: each.tallies[name].lost), total(worlds, lambda each: each.routed))
    )


def left_of(figure: Callable[[str], Figure]) -> Figure:
    """Ours as a share of the best rival's."""
    return lambda worlds: 1 - removed(figure)(worlds)


def delay(name: str, flag: Flag, share: float = 0.5) -> Figure:
    """A quantile of the seconds until full outages were noticed."""
    return lambda worlds: middle([s for each in worlds for s in each.tallies[name].delays_s[flag]], share)


def alone_delay(name: str) -> Figure:
    """The median of the seconds until one endpoint was called down that was down alone."""
    return lambda worlds: middle([s for each in worlds for s in each.tallies[name].alone_delays_s])


def last_delay(name: str) -> Figure:
    """The median of the seconds until all endpoints were called down of a provider that was."""
    return lambda worlds: middle([s for each in worlds for s in each.tallies[name].last_delays_s])


def missed(name: str, flag: Flag) -> Figure:
    """The share of full outages that were never noticed."""

    def found(worlds: Worlds) -> float:
        delays_s = [s for each in worlds for s in each.tallies[name].delays_s[flag]]
        return ratio(sum(map(math.isinf, delays_s)), len(delays_s))

    return found


def false_alarms(name: str, flag: Flag) -> Figure:
    """Per endpoint and month."""
    return lambda worlds: (
        _MONTH_DAYS
        * ratio(
            total(worlds, lambda each: each.tallies[name].false_alarms[flag]),
            total(worlds, lambda each: each.endpoint_days),
        )
    )


def probes_a_day(name: str, days: float, endpoints: int) -> Figure:
    """Of an endpoint."""
    return lambda worlds: ratio(total(worlds, lambda each: each.tallies[name].probes), len(worlds) * days * endpoints)


def bins(worlds: Worlds, name: str) -> list[Bin]:
    """Calibration over all worlds."""
    found = [Bin() for _ in range(BINS)]
    for each in worlds:
        for mine, its in zip(found, each.tallies[name].bins, strict=True):
            mine.count += its.count
            mine.figures += its.figures
            mine.succeeded += its.succeeded
            mine.good += its.good
    return found


def difference(name: str, place: int) -> Figure:
    """By how much the mean figure of a bin is more than the share of requests that succeeded."""

    def found(worlds: Worlds) -> float:
        count = total(worlds, lambda each: each.tallies[name].bins[place].count)
        more = total(
            worlds, lambda each: each.tallies[name].bins[place].figures - each.tallies[name].bins[place].succeeded
        )
        return ratio(more, count)

    return found


def error_in(worlds: Worlds, name: str, moment: str) -> float:
    """What moments of a kind add to the remaining error, times 1,000."""
    return 1e3 * ratio(
        total(worlds, lambda each: each.tallies[name].error_in[moment]), total(worlds, lambda each: each.requests)
    )


def moments(worlds: Worlds) -> dict[str, float]:
    """The share of requests in each kind of moment."""
    requests = total(worlds, lambda each: each.requests)
    names = sorted({name for each in worlds for name in each.moments})
    return {name: sum(each.moments[name] for each in worlds) / requests for name in names}


def spent_a_day(runs: Sequence[Spent]) -> float:
    """Probes per endpoint and day."""
    return ratio(sum(run.probes for run in runs), sum(run.days for run in runs))


def spent_delay(runs: Sequence[Spent]) -> float:
    """The median of the seconds until full outages were noticed."""
    return middle([s for run in runs for s in run.delays_s])


def share_spent(adaptive: Sequence[Spent], fixed: Sequence[Sequence[Spent]]) -> float:
    """Probes of an adaptive schedule as a share of what a fixed one takes that is as quick.

    Between two fixed intervals, both figures are taken for straight lines on logarithmic scales.
    """
    wanted_s = spent_delay(adaptive)
    points = sorted((spent_delay(runs), spent_a_day(runs)) for runs in fixed)
    for (one_s, one), (two_s, two) in itertools.pairwise(points):
        if one_s <= wanted_s <= two_s and math.isfinite(two_s):
            place = math.log(wanted_s / one_s) / math.log(two_s / one_s) if two_s > one_s else 0.0
            return spent_a_day(adaptive) / (one * math.pow(two / one, place))
    return math.inf


def false_a_month(runs: Sequence[Spent]) -> float:
    """False alarms per endpoint and month."""
    return _MONTH_DAYS * ratio(sum(run.false_alarms for run in runs), sum(run.days for run in runs))


Schedules: TypeAlias = Mapping[str, Sequence[Spent]]
"""By their words in a configuration, one run for each world."""
