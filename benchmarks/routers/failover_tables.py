"""From what became of requests to tables and bounds. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.common.results import Cell, Table, Verdict
from benchmarks.routers.failover_stage import Lane, Ran
from probes._quantiles import quantile

_SHARE: Final = 0.99
_GRACE_S: Final = 5.0


def recovery_s(ran: Ran) -> float | None:
    """From the fault's begin to that of the last request that failed; None: none did since."""
    began_s = ran.plan.fails_at_s
    return max((each["at_s"] - began_s for each in _failed(ran.records) if each["at_s"] >= began_s), default=None)


def verdicts(all_ran: Sequence[Ran]) -> list[Verdict]:
    """The bounds, of every lane with the plug-in."""
    found = []
    for lane, rounds in _by_lane(all_ran):
        if lane.plugin:
            worst_s, share = max(recovery_s(ran) or 0.0 for ran in rounds), _share(_records(rounds))
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


def tables(all_ran: Sequence[Ran]) -> list[Table]:
    """Requests, what the daemons were told, picks."""
    return [_requests(all_ran), _outcomes(all_ran), *_picks(all_ran)]


def _requests(all_ran: Sequence[Ran]) -> Table:
    rows: list[Sequence[Cell]] = []
    for lane, rounds in _by_lane(all_ran):
        records, after = _records(rounds), [each for ran in rounds for each in ran.after]
        rows.append(
            [
                lane.name,
                len(records),
                len(_failed(records)),
                f"{_share(records):.2%}",
                _each(map(recovery_s, rounds)),
                _each(ran.seen_s for ran in rounds),
                _middle_ms(records),
                f"{len(_failed(after))} of {len(after)}",
            ]
        )
    head = ["LiteLLM", "requests", "failed", "succeeded", "last failure after, s", "daemon told after, s"]
    return Table(
        title="Requests",
        head=[*head, "median of successes, ms", "failed once the daemon was dead"],
        rows=rows,
        note="*last failure after*: from the begin of the fault to the begin of the last request that failed, if any "
        "did; *daemon told after*: to the first published status that is not `up`. One figure for each round.",
    )


def _outcomes(all_ran: Sequence[Ran]) -> Table:
    rows: list[Sequence[Cell]] = []
    for ran in all_ran:
        if ran.activity is not None:
            answered = Counter(each["by"] for each in ran.records if each["by"])
            failed = len(_failed(ran.records))
            rows += [[ran.lane.name, name, answered[name], count] for name, count in ran.activity.items()]
            rows.append([ran.lane.name, "failures, all", failed, ran.reported_failed])
    return Table(
        title="Outcomes that arrived at the daemon",
        head=["LiteLLM", "backend", "answers as the caller saw them", "requests in `/v1/activity`"],
        rows=rows,
        note="Activity holds failed tries, too, and the one request that each lane makes before the run. "
        "*failures, all*: requests that failed for the caller, and failures in the uptime of real traffic; with "
        "LiteLLM's retries a request may have several.",
    )


def _picks(all_ran: Sequence[Ran]) -> Iterable[Table]:
    for ran in all_ran:
        if ran.picks:
            rows: list[Sequence[Cell]] = [
                [way, len(taken), *(round(quantile(sorted(taken), share) * 1e6, 1) for share in (0.5, 0.99))]
                for way, taken in ran.picks.items()
            ]
            yield Table(title="A pick", head=["way", "picks", "p50, µs", "p99, µs"], rows=rows)


def _by_lane(all_ran: Sequence[Ran]) -> list[tuple[Lane, list[Ran]]]:
    lanes: dict[str, list[Ran]] = {}
    for ran in all_ran:
        lanes.setdefault(ran.lane.name, []).append(ran)
    return [(rounds[0].lane, rounds) for rounds in lanes.values()]


def _records(rounds: Iterable[Ran]) -> list[Mapping[str, Any]]:
    return [each for ran in rounds for each in ran.records]


def _failed(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in records if each["error"]]


def _share(records: Sequence[Mapping[str, Any]]) -> float:
    return 1 - len(_failed(records)) / len(records)


def _middle_ms(records: Iterable[Mapping[str, Any]]) -> int:
    taken_s: list[float] = [each["took_s"] for each in records if not each["error"]]
    return round(statistics.median(taken_s) * 1e3)


def _each(values: Iterable[float | None]) -> str:
    return ", ".join("-" if value is None else f"{value:.1f}" for value in values)
