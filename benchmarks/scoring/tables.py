"""Bounds and tables of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.common.estimates import Estimate, estimate, middle
from benchmarks.common.results import Cell, Table, Verdict
from benchmarks.scoring import figures
from benchmarks.scoring.board_times import Times
from benchmarks.scoring.daemon_trials import BudgetDay, Offline, WideOutage
from benchmarks.scoring.detectors import OURS
from benchmarks.scoring.figures import Schedules, Worlds
from benchmarks.scoring.flags import Flag
from benchmarks.scoring.measures import BINS
from benchmarks.scoring.rules import RIVALS
from benchmarks.scoring.trials import USUAL
from benchmarks.scoring.world import Size

REMOVED, OFF, BIN_LEAST = 0.2, 0.03, 500
ROUTING, ROUTING_AIM = 2 / 3, 1 / 2
FALSE_A_MONTH = 1.0
DELAY_S: Final = 0.6 * USUAL.every_s + 10.0
SPENT_SHARE = 0.5
RESTORE_S, UPDATE_US = 5.0, 100.0
WITHIN_PROBES = 2
ADAPTIVE: Final = "15s..300s"
"""The schedule whose number of probes has a bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Results of all trials."""

    size: Size
    worlds: Mapping[str, Worlds]
    """By climate."""
    quiet: Worlds
    adaptive: Schedules
    fixed: Mapping[str, Schedules]
    """By detector."""
    offline: dict[str, Sequence[Offline]]
    """By providers and canaries."""
    wide: dict[str, Sequence[WideOutage]]
    """By schedule."""
    budgeted: Sequence[BudgetDay]
    times: Times


def verdicts(found: Found) -> list[Verdict]:
    """All bounds, in the order of the report."""
    return [
        *_score_verdicts(found),
        *_detection_verdicts(found),
        *_routing_verdicts(found),
        *_whole_verdicts(found),
        *_spending_verdicts(found),
        *_time_verdicts(found.times),
    ]


def tables(found: Found) -> list[Table]:
    """All tables."""
    by_climate = found.worlds.items()
    return [
        *(_errors(f"Scores, {title}", worlds, found.size) for title, worlds in by_climate),
        *(_moments(f"Where the error sits, {title}", worlds) for title, worlds in by_climate),
        *(_calibration(f"Calibration of ours, {title}", worlds) for title, worlds in by_climate),
        *(
            _detection(f"Detection of full outages of at least 3 minutes, {title}", worlds, found.quiet)
            for title, worlds in by_climate
        ),
        _schedules(found),
        _whole(found),
    ]


def _score_verdicts(found: Found) -> list[Verdict]:
    made = []
    for title, worlds in found.worlds.items():
        for words, figure in (
            ("against true chances", figures.remaining),
            ("against outcomes", figures.remaining_by_outcomes),
        ):
            rival = figures.best_rival(worlds, figure)
            seen = estimate(worlds, figures.removed(figure))
            bound = f"removes at least {100 * REMOVED:.0f} % of the best rival's remaining error, {words}"
            made.append(Verdict(bound=f"{bound} ({title}: {rival})", seen=seen, kept=(seen.value or 0.0) >= REMOVED))
        made.append(_brier_verdict(title, worlds))
        made.append(_calibration_verdict(title, worlds))
    return made


def _brier_verdict(title: str, worlds: Worlds) -> Verdict:
    """The bound states the oracle's share too: where it is below the bound, no rule can keep the bound."""
    rival = figures.best_rival(worlds, figures.brier)
    seen = estimate(worlds, figures.removed(figures.brier))
    most = 1 - figures.oracle_brier(worlds) / figures.brier(rival)(worlds)
    bound = f"removes at least {100 * REMOVED:.0f} % of the best rival's whole Brier score, of which {most:.3f} can be"
    return Verdict(bound=f"{bound} ({title}: {rival})", seen=seen, kept=(seen.value or 0.0) >= REMOVED)


def _calibration_verdict(title: str, worlds: Worlds) -> Verdict:
    counted = [item for item in figures.bins(worlds, OURS) if item.count >= BIN_LEAST]
    worst = max((abs(item.figures - item.succeeded) / item.count for item in counted), default=0.0)
    bound = f"in every bin of {BIN_LEAST} and more the score is within {OFF} of the observed share ({title})"
    return Verdict(bound=bound, seen=worst, kept=worst <= OFF)


def _detection_verdicts(found: Found) -> list[Verdict]:
    made = []
    for title, worlds in found.worlds.items():
        for words, delay in (("", figures.delay(OURS, Flag.DOWN)), (" of one endpoint", figures.alone_delay(OURS))):
            seen = estimate(worlds, delay, digits=1)
            bound = f"the median full outage{words} is called down within {DELAY_S:.0f} s at {USUAL.every_s:.0f} s"
            kept = seen.value is not None and seen.value <= DELAY_S
            made.append(Verdict(bound=f"{bound} ({title})", seen=seen, kept=kept))
    for title, worlds in {"nothing but 0.3 % of lone failures": found.quiet, **found.worlds}.items():
        seen = estimate(worlds, figures.false_alarms(OURS, Flag.DOWN))
        bound = f"at most {FALSE_A_MONTH:g} false alarm per endpoint and month ({title})"
        made.append(Verdict(bound=bound, seen=seen, kept=seen.value is not None and seen.value <= FALSE_A_MONTH))
    return made


def _routing_verdicts(found: Found) -> list[Verdict]:
    made = []
    for title, worlds in found.worlds.items():
        rival = figures.best_rival(worlds, figures.lost)
        seen = estimate(worlds, figures.left_of(figures.lost))
        bound = f"a router loses at most {ROUTING:.2f} (aim {ROUTING_AIM}) of what it does with the best rival"
        kept = seen.value is not None and seen.value <= ROUTING
        made.append(Verdict(bound=f"{bound} ({title}: {rival})", seen=seen, kept=kept))
    return made


def _whole_verdicts(found: Found) -> list[Verdict]:
    down = sum(item.down for runs in found.offline.values() for item in runs)
    of = sum(item.endpoints for runs in found.offline.values() for item in runs)
    made = [
        Verdict(
            bound="while the vantage is offline for 10 minutes no endpoint is called down",
            seen=f"{down} of {of} endpoints",
            kept=down == 0,
        )
    ]
    for words, probes in (
        (
            "degraded or down",
            [probes for runs in found.wide.values() for run in runs for probes in run.probes_to_raised],
        ),
        ("down", [probes for runs in found.wide.values() for run in runs for probes in run.probes_to_down]),
    ):
        within = sum(item <= WITHIN_PROBES for item in probes)
        bound = f"all of a provider's endpoints are called {words} within {WITHIN_PROBES} of their probes of the first"
        made.append(Verdict(bound=bound, seen=f"{within} of {len(probes)}", kept=within == len(probes)))
    return made


def _spending_verdicts(found: Found) -> list[Verdict]:
    over = max(item.spent - item.cap for item in found.budgeted)
    most_expensive = max(item.most_expensive for item in found.budgeted)
    return [
        Verdict(
            bound="a day's spending never passes its cap by more than one probe",
            seen=f"{max(over, 0.0):,.0f} tokens over; the most expensive probe cost {most_expensive:,.0f}",
            kept=over <= most_expensive,
        ),
        *(_share_verdict(found, detector) for detector in found.fixed),
    ]


def _share_verdict(found: Found, detector: str) -> Verdict:
    seen = _share(found, ADAPTIVE, found.fixed[detector])
    bound = f"{ADAPTIVE} takes at most {100 * SPENT_SHARE:.0f} % of the probes of a fixed schedule with the same delay"
    return Verdict(
        bound=f"{bound} (detector: {detector})",
        seen=seen,
        kept=seen.value is not None and seen.value <= SPENT_SHARE,
    )


def _share(found: Found, name: str, fixed: Schedules) -> Estimate:
    """One draw takes the same worlds of every schedule."""
    worlds = range(len(found.adaptive[name]))
    return estimate(
        worlds,
        lambda drawn: figures.share_spent(
            [found.adaptive[name][item] for item in drawn],
            [[runs[item] for item in drawn] for runs in fixed.values()],
        ),
    )


def _time_verdicts(times: Times) -> list[Verdict]:
    whole_s = times.restore_s + times.publish_s
    return [
        Verdict(
            bound=f"{times.endpoints:,} endpoints are recomputed after a restart in {RESTORE_S:g} s",
            seen=f"{whole_s:.2f} s",
            kept=whole_s <= RESTORE_S,
        ),
        Verdict(
            bound=f"an update takes at most {UPDATE_US:g} µs",
            seen=f"{times.update_least_us:.0f} µs in the quickest tenth, {times.update_mean_us:.0f} in the mean of all",
            kept=times.update_least_us <= UPDATE_US,
        ),
    ]


def _errors(title: str, worlds: Worlds, size: Size) -> Table:
    rows: list[list[Cell]] = []
    for name in (OURS, *RIVALS):
        by_true = (figures.remaining(name), figures.remaining_by_outcomes(name), figures.brier(name))
        rows.append(
            [
                name,
                *(estimate(worlds, figure, 2) for figure in by_true),
                estimate(worlds, figures.skill(name)),
                estimate(worlds, figures.lost(name), 1),
                figures.probes_a_day(name, size.days, size.endpoints)(worlds),
            ]
        )
    oracle = estimate(worlds, figures.oracle_brier, 2)
    rows.append(["oracle", 0.0, 0.0, oracle, None, 0.0, None])
    head = ["rule", "error, true", "error, outcomes", "Brier", "skill", "lost of 10,000", "probes a day"]
    note = "Errors and Brier scores times 1,000. Error: what is left of the Brier score without the oracle's."
    return Table(title=title, head=head, rows=rows, note=note)


def _moments(title: str, worlds: Worlds) -> Table:
    rival = figures.best_rival(worlds, figures.remaining)
    shares = figures.moments(worlds)
    rows: list[list[Cell]] = [
        [name, f"{100 * share:.2f} %", figures.error_in(worlds, OURS, name), figures.error_in(worlds, rival, name)]
        for name, share in sorted(shares.items(), key=lambda item: -figures.error_in(worlds, OURS, item[0]))
    ]
    head = ["moment", "share of requests", OURS, rival]
    note = "What each kind of moment adds to the remaining error (true), times 1,000."
    return Table(title=title, head=head, rows=rows, note=note)


def _calibration(title: str, worlds: Worlds) -> Table:
    rows: list[list[Cell]] = []
    for place, item in enumerate(figures.bins(worlds, OURS)):
        name = f"{place / BINS:.1f} .. {(place + 1) / BINS:.1f}"
        if item.count:
            mean, share = item.figures / item.count, item.succeeded / item.count
            difference = estimate(worlds, figures.difference(OURS, place))
            rows.append([name, item.count, mean, share, item.good / item.count, difference])
        else:
            rows.append([name, 0, None, None, None, None])
    head = ["score", "requests", "mean score", "observed share", "mean true chance", "difference"]
    return Table(title=title, head=head, rows=rows)


def _detection(title: str, worlds: Worlds, quiet: Worlds) -> Table:
    rows: list[list[Cell]] = [
        [
            name,
            estimate(worlds, figures.delay(name, Flag.DOWN), 0),
            _or_never(figures.delay(name, Flag.DOWN, 0.9)(worlds)),
            f"{100 * figures.missed(name, Flag.DOWN)(worlds):.1f} %",
            _or_never(figures.delay(name, Flag.LOW)(worlds)),
            _or_never(figures.alone_delay(name)(worlds)),
            _or_never(figures.last_delay(name)(worlds)),
            estimate(worlds, figures.false_alarms(name, Flag.DOWN), 2),
            estimate(quiet, figures.false_alarms(name, Flag.DOWN), 2),
        ]
        for name in (OURS, *RIVALS)
    ]
    count = sum(len(item.tallies[OURS].delays_s[Flag.DOWN]) for item in worlds)
    alone = sum(len(item.tallies[OURS].alone_delays_s) for item in worlds)
    wide = sum(len(item.tallies[OURS].last_delays_s) for item in worlds)
    raised = estimate(worlds, figures.false_alarms(OURS, Flag.RAISED), 2)
    note = (
        f"Seconds; {count} outages of endpoints with nothing else the matter, {alone} of one alone, {wide} of whole "
        "providers: `alone` and `all down` are medians until these, or their last, were called down. False alarms: per "
        f"endpoint and month. Ours called an endpoint degraded or down for nothing {raised} times."
    )
    head = ["rule", "down, median", "p90", "missed", "below 0.5", "alone", "all down", "false alarms", "when quiet"]
    return Table(title=title, head=head, rows=rows, note=note)


def _schedules(found: Found) -> Table:
    rows: list[list[Cell]] = []
    for detector, schedules in {OURS: found.adaptive, **found.fixed}.items():
        for name, runs in schedules.items():
            shares = [
                _share(found, name, fixed) if schedules is found.adaptive else None for fixed in found.fixed.values()
            ]
            rows.append(
                [
                    f"{detector}, {name}",
                    estimate(runs, figures.spent_a_day, 0),
                    estimate(runs, figures.spent_delay, 0),
                    estimate(runs, figures.false_a_month, 2),
                    *shares,
                ]
            )
    head = [
        *("schedule", "probes a day", "median until down, s", "false alarms a month"),
        *(f"of {detector} as quick" for detector in found.fixed),
    ]
    note = "Probes of one endpoint; every probe of a schedule costs the same number of tokens in the mean."
    return Table(title="What detection costs, full world", head=head, rows=rows, note=note)


def _whole(found: Found) -> Table:
    rows: list[list[Cell]] = []
    for words, runs in found.offline.items():
        down, degraded = sum(item.down for item in runs), sum(item.degraded for item in runs)
        of, probes = sum(item.endpoints for item in runs), sum(item.probes for item in runs)
        rows.append([f"vantage offline: {words}", f"{of} endpoints, {probes} probes: {down} down, {degraded} not up"])
    for words, wide in found.wide.items():
        after_s = [seconds for item in wide for seconds in item.after_s]
        raised = max(probes for item in wide for probes in item.probes_to_raised)
        fallen = max(probes for item in wide for probes in item.probes_to_down)
        rows.append(
            [
                f"provider down as a whole: {words}",
                f"called down after {_or_never(middle(after_s))} s (median), {_or_never(max(after_s))} s (last); "
                f"at most {_or_never(raised)} probes after the first to degraded or down, {_or_never(fallen)} to down; "
                f"{sum(item.others_down for item in wide)} endpoints of others",
            ]
        )
    times = found.times
    words = f"p50 {times.update_p50_us:.0f}, p99 {times.update_p99_us:.0f}, mean {times.update_mean_us:.0f} µs"
    rows.append(["restart", f"restored in {times.restore_s:.2f} s, published in {times.publish_s:.2f} s"])
    rows.append(["one update", words])
    return Table(title="The daemon's parts together", head=["what", "seen"], rows=rows)


def _or_never(value: float) -> str:
    return f"{value:.0f}" if math.isfinite(value) else "never"
