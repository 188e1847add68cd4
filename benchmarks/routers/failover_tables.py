"""Tables and bounds from the records of requests. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.common.results import Cell, Table, Verdict
from benchmarks.routers.failover_stage import Lane, LaneRun
from probes._quantiles import quantile

_SHARE: Final = 0.99
_GRACE_S: Final = 5.0


def recovery_s(run: LaneRun) -> float | None:
    """Seconds from the start of the fault to the start of the last failed request; None: no request failed."""
    began_s = run.plan.fails_at_s
    return max((item["at_s"] - began_s for item in _failed(run.records) if item["at_s"] >= began_s), default=None)


def verdicts(all_runs: Sequence[LaneRun]) -> list[Verdict]:
    """The bounds for every lane with the plug-in."""
    found = []
    for lane, rounds in _by_lane(all_runs):
        if lane.plugin:
            worst_s, share = max(recovery_s(run) or 0.0 for run in rounds), _share(_records(rounds))
            bound_s = rounds[0].plan.every_s + _GRACE_S
            found += [
                Verdict(
                    bound=f"{lane.name}: no failure after {bound_s:g} s",
                    seen=worst_s or "none",
                    kept=worst_s <= bound_s,
                ),
                Verdict(bound=f"{lane.name}: {_SHARE:.0%} succeed", seen=f"{share:.2%}", kept=share >= _SHARE),
            ]
    return found


def tables(all_runs: Sequence[LaneRun]) -> list[Table]:
    """Tables of requests, reported outcomes and picks."""
    return [_requests(all_runs), _outcomes(all_runs), *_picks(all_runs)]


def _requests(all_runs: Sequence[LaneRun]) -> Table:
    rows: list[Sequence[Cell]] = []
    for lane, rounds in _by_lane(all_runs):
        records, after = _records(rounds), [item for run in rounds for item in run.after]
        rows.append(
            [
                lane.name,
                len(records),
                len(_failed(records)),
                f"{_share(records):.2%}",
                _each(map(recovery_s, rounds)),
                _each(run.detected_after_s for run in rounds),
                _middle_ms(records),
                f"{len(_failed(after))} of {len(after)}",
            ]
        )
    head = ["LiteLLM", "requests", "failed", "succeeded", "last failure after, s", "status not up after, s"]
    return Table(
        title="Requests",
        head=[*head, "median of successes, ms", "failed once the daemon was dead"],
        rows=rows,
        note="*last failure after*: from the begin of the fault to the begin of the last request that failed, if any "
        "did; *status not up after*: to the first published status that is not `up`. One figure for each round.",
    )


def _outcomes(all_runs: Sequence[LaneRun]) -> Table:
    rows: list[Sequence[Cell]] = []
    for run in all_runs:
        if run.activity is not None:
            answered = Counter(item["by"] for item in run.records if item["by"])
            failed = len(_failed(run.records))
            rows += [[run.lane.name, name, answered[name], count] for name, count in run.activity.items()]
            rows.append([run.lane.name, "failures, all", failed, run.reported_failed])
    return Table(
        title="Outcomes that arrived at the daemon",
        head=["LiteLLM", "backend", "answers as the caller saw them", "requests in `/v1/activity`"],
        rows=rows,
        note="Activity holds failed tries, too, and the one request that each lane makes before the run. "
        "*failures, all*: requests that failed for the caller, and failures in the uptime of real traffic; with "
        "LiteLLM's retries a request may have several.",
    )


def _picks(all_runs: Sequence[LaneRun]) -> Iterable[Table]:
    for run in all_runs:
        if run.picks:
            rows: list[Sequence[Cell]] = [
                [way, len(taken), *(round(quantile(sorted(taken), share) * 1e6, 1) for share in (0.5, 0.99))]
                for way, taken in run.picks.items()
            ]
            yield Table(title="A pick", head=["way", "picks", "p50, µs", "p99, µs"], rows=rows)


def _by_lane(all_runs: Sequence[LaneRun]) -> list[tuple[Lane, list[LaneRun]]]:
    lanes: dict[str, list[LaneRun]] = {}
    for run in all_runs:
        lanes.setdefault(run.lane.name, []).append(run)
    return [(rounds[0].lane, rounds) for rounds in lanes.values()]


def _records(rounds: Iterable[LaneRun]) -> list[Mapping[str, Any]]:
    return [item for run in rounds for item in run.records]


def _failed(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [item for item in records if item["error"]]


def _share(records: Sequence[Mapping[str, Any]]) -> float:
    return 1 - len(_failed(records)) / len(records)


def _middle_ms(records: Iterable[Mapping[str, Any]]) -> int:
    taken_s: list[float] = [item["took_s"] for item in records if not item["error"]]
    return round(statistics.median(taken_s) * 1e3)


def _each(values: Iterable[float | None]) -> str:
    return ", ".join("-" if value is None else f"{value:.1f}" for value in values)
