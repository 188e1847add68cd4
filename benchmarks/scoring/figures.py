"""The figures of the report: each function computes one figure from the findings of worlds."""

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
    """Sum over all worlds."""
    return sum(map(read, worlds))


def mean(read: Callable[[Findings], float], of: Callable[[Findings], float], times: float = 1e3) -> Figure:
    """The ratio of two sums over all worlds, times a number."""
    return lambda worlds: times * ratio(total(worlds, read), total(worlds, of))


def _requests(findings: Findings) -> float:
    return findings.requests


def remaining(name: str) -> Figure:
    """The mean squared distance from the true chance, times 1,000."""
    return mean(lambda findings: findings.tallies[name].true_error, _requests)


def remaining_by_outcomes(name: str) -> Figure:
    """The Brier score minus the oracle's, times 1,000: the same figure, but for chance."""
    return mean(lambda findings: findings.tallies[name].outcome_error - findings.oracle_error, _requests)


def brier(name: str) -> Figure:
    """The Brier score, times 1,000."""
    return mean(lambda findings: findings.tallies[name].outcome_error, _requests)


def oracle_brier(worlds: Worlds) -> float:
    """The oracle's Brier score, times 1,000."""
    return mean(lambda findings: findings.oracle_error, _requests)(worlds)


def skill(name: str) -> Figure:
    """The share that a rule removes of the Brier score of a constant forecast of the mean."""

    def found(worlds: Worlds) -> float:
        share = mean(lambda findings: findings.succeeded, _requests, times=1)(worlds)
        return 1 - brier(name)(worlds) / (1e3 * share * (1 - share)) if 0 < share < 1 else math.inf

    return found


def best_rival(worlds: Worlds, figure: Callable[[str], Figure]) -> str:
    """The rival with the lowest figure."""
    return min(RIVALS, key=lambda name: figure(name)(worlds))


def removed(figure: Callable[[str], Figure]) -> Figure:
    """The share by which ours is below the best rival's figure; the best is chosen anew in every draw."""
    return lambda worlds: 1 - ratio(figure(OURS)(worlds), figure(best_rival(worlds, figure))(worlds))


def lost(name: str) -> Figure:
    """Failures in 10,000 routed requests beyond those of the oracle."""
    return mean(lambda findings: findings.tallies[name].lost, lambda findings: findings.routed, times=1e4)


def left_of(figure: Callable[[str], Figure]) -> Figure:
    """Ours as a share of the best rival's."""
    return lambda worlds: 1 - removed(figure)(worlds)


def delay(name: str, flag: Flag, share: float = 0.5) -> Figure:
    """A quantile of the seconds until full outages were detected."""
    return lambda worlds: middle([s for findings in worlds for s in findings.tallies[name].delays_s[flag]], share)


def alone_delay(name: str) -> Figure:
    """The median of the seconds to status down in outages of one endpoint."""
    return lambda worlds: middle([s for findings in worlds for s in findings.tallies[name].alone_delays_s])


def last_delay(name: str) -> Figure:
    """The median of the seconds until all endpoints had status down, in outages of a provider."""
    return lambda worlds: middle([s for findings in worlds for s in findings.tallies[name].last_delays_s])


def missed(name: str, flag: Flag) -> Figure:
    """The share of full outages that were never detected."""

    def found(worlds: Worlds) -> float:
        delays_s = [s for findings in worlds for s in findings.tallies[name].delays_s[flag]]
        return ratio(sum(map(math.isinf, delays_s)), len(delays_s))

    return found


def false_alarms(name: str, flag: Flag) -> Figure:
    """False alarms per endpoint and month."""
    return mean(
        lambda findings: findings.tallies[name].false_alarms[flag],
        lambda findings: findings.endpoint_days,
        times=_MONTH_DAYS,
    )


def probes_a_day(name: str, days: float, endpoints: int) -> Figure:
    """Probes of an endpoint in a day."""
    return lambda worlds: ratio(
        total(worlds, lambda findings: findings.tallies[name].probes), len(worlds) * days * endpoints
    )


def bins(worlds: Worlds, name: str) -> list[Bin]:
    """The calibration bins, summed over all worlds."""
    found = [Bin() for _ in range(BINS)]
    for findings in worlds:
        for own, added in zip(found, findings.tallies[name].bins, strict=True):
            own.count += added.count
            own.figures += added.figures
            own.succeeded += added.succeeded
            own.good += added.good
    return found


def difference(name: str, place: int) -> Figure:
    """The mean figure of a bin minus the share of its requests that succeeded."""

    def found(worlds: Worlds) -> float:
        count = total(worlds, lambda findings: findings.tallies[name].bins[place].count)
        more = total(
            worlds,
            lambda findings: findings.tallies[name].bins[place].figures - findings.tallies[name].bins[place].succeeded,
        )
        return ratio(more, count)

    return found


def error_in(worlds: Worlds, name: str, moment: str) -> float:
    """The contribution of one state of the endpoint to the remaining error, times 1,000."""
    return mean(lambda findings: findings.tallies[name].error_in[moment], _requests)(worlds)


def moments(worlds: Worlds) -> dict[str, float]:
    """The share of requests in each state of the endpoint."""
    requests = total(worlds, lambda findings: findings.requests)
    names = sorted({name for findings in worlds for name in findings.moments})
    return {name: sum(findings.moments[name] for findings in worlds) / requests for name in names}


def spent_a_day(runs: Sequence[Spent]) -> float:
    """Probes per endpoint and day."""
    return ratio(sum(run.probes for run in runs), sum(run.days for run in runs))


def spent_delay(runs: Sequence[Spent]) -> float:
    """The median of the seconds until full outages were detected."""
    return middle([s for run in runs for s in run.delays_s])


def share_spent(adaptive: Sequence[Spent], fixed: Sequence[Sequence[Spent]]) -> float:
    """Probes of an adaptive schedule, as a share of those of a fixed schedule with the same detection delay.

    Between two fixed intervals both figures are interpolated on logarithmic scales.
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
"""By the interval as a configuration writes it; one run for each world."""
