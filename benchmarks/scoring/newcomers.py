"""What the daemon publishes of endpoints that are new or have become bad, from the first sample on.

    python benchmarks/scoring/newcomers.py              # 200 lives of each kind: two minutes

Prints tables, writes them to `benchmarks/results/`, and draws the first five minutes to `docs/images/newcomers.svg`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

from rich.console import Console
from rich.progress import track

from benchmarks.common.machine import load_average, machine
from benchmarks.common.results import Report, Table, Verdict, add_result_options, publish
from benchmarks.scoring.newcomer_chart import chart
from benchmarks.scoring.newcomer_lives import Case, Point, life, lives
from monitor.domain.status import Status

_COUNTS: Final = (1, 3, 12, 36, 150, 400)
_PROMISED: Final = (12, 36, 150, 400)
_LEAST_COVERED: Final = 0.9
_MOST_UP: Final = 0.05
_SIXTY: Final = "60 %, each sample by itself"
_DRAWN: Final = {"100 %": (1.0, 1), "95 %": (0.95, 4), "60 %": (0.6, 3), "0 %": (0.0, 1)}
"""By caption: the share of requests that succeed, and the number of the life that is drawn."""
_DRAWN_EVERY_S, _DRAWN_UNTIL_S = 15.0, 300.0
_WORLDS: Final = {"held": "held-1", "tune": "tune"}

_CASES: Final = {
    **{
        f"{good:.0%}".replace("%", " %") + ", each sample by itself": Case(good=good) for good in (1.0, 0.99, 0.95, 0.8)
    },
    **{f"{percent} %, each sample by itself": Case(good=percent / 100) for percent in (100, 99, 95, 80, 60, 30, 0)},
    "95 %, two well siblings": Case(good=0.95, siblings=2),
    "60 %, two well siblings": Case(good=0.6, siblings=2),
    "0 %, two well siblings": Case(good=0.0, siblings=2),
    "80 %, bursts of 5": Case(good=0.8, burst=5.0),
    "60 %, bursts of 5": Case(good=0.6, burst=5.0),
    "30 %, bursts of 5": Case(good=0.3, burst=5.0),
    "95 %, hourly": Case(good=0.95, every_s=3_600.0),
    "60 %, hourly": Case(good=0.6, every_s=3_600.0),
    "0 %, hourly": Case(good=0.0, every_s=3_600.0),
    "60 %, probed beside the ticks": Case(good=0.6, adaptive=True),
    "60 %, well for ten hours before": Case(good=0.6, known=600),
    "0 %, well for ten hours before": Case(good=0.0, known=600),
}
"""Probed once a minute unless the name says hourly."""

Snapshot: TypeAlias = list[Point]
"""The points of all lives after one count of samples."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    chosen = _arguments(arguments)
    before = load_average()
    found = {
        name: _snapshots(case, f"{_WORLDS[chosen.worlds]}-{name}", chosen.lives)
        for name, case in track(_CASES.items(), "kinds of newcomers", console=Console(stderr=True))
    }
    facts = machine(before)
    report = Report(
        title="The first samples of an endpoint",
        settings={"lives": chosen.lives, "worlds": chosen.worlds, "every": "60s"},
        machine={name: facts[name] for name in ("date", "cpu", "python")},
        verdicts=_verdicts(found),
        tables=_tables(found),
    )
    publish(report, Console(width=150), chosen.out, chosen.name)
    chosen.drawing.write_text(drawing())


def drawing() -> str:
    """The first five minutes of four new endpoints, probed every 15 s, with the daemon's extra probes."""
    panels = []
    for words, (good, number) in _DRAWN.items():
        case = Case(good=good, every_s=_DRAWN_EVERY_S, adaptive=True)
        points = [item for item in life(case, range(200), 200, f"drawn-{number}") if item.at_s < _DRAWN_UNTIL_S]
        panels.append((f"{words} of requests succeed", points))
    return chart(panels, _DRAWN_UNTIL_S)


def _snapshots(case: Case, seed: str, count: int) -> dict[int, Snapshot]:
    return dict(zip(_COUNTS, map(list, zip(*lives(case, _COUNTS, seed, count), strict=True)), strict=True))


def _covered(points: Snapshot) -> float:
    return sum(point.covers for point in points) / len(points)


def _up(points: Snapshot) -> float:
    return sum(point.status is Status.UP for point in points) / len(points)


def _middle(points: Snapshot) -> str:
    ordered = sorted(point.score for point in points)
    wide = sorted(point.high - point.low for point in points)
    return f"{ordered[len(ordered) // 2]:.2f} ({wide[len(wide) // 2]:.2f})"


def _verdicts(found: dict[str, dict[int, Snapshot]]) -> list[Verdict]:
    sixty = [_up(found[_SIXTY][number]) for number in _PROMISED]
    verdicts = [
        Verdict(
            bound=f"of those that succeed at 60 % from birth at most 5 % are up after {number} samples",
            seen=share,
            kept=share <= _MOST_UP,
        )
        for number, share in zip(_PROMISED, sixty, strict=True)
    ]
    verdicts.append(
        Verdict(
            bound="all that always succeed are up from the first sample on",
            seen=min(map(_up, found["100 %, each sample by itself"].values())),
            kept=all(_up(points) == 1 for points in found["100 %, each sample by itself"].values()),
        )
    )
    for name, snapshots in found.items():
        least = min(_covered(snapshots[number]) for number in _PROMISED)
        bound = f"the interval holds the truth in 90 % of lives after 12, 36, 150 and 400 samples ({name})"
        verdicts.append(Verdict(bound=bound, seen=least, kept=least >= _LEAST_COVERED))
    return verdicts


def _tables(found: dict[str, dict[int, Snapshot]]) -> list[Table]:
    head = ["requests that succeed", *(f"after {number}" for number in _COUNTS)]
    shown = {
        "The interval holds the truth": lambda points: f"{_covered(points):.3f}",
        "Shown up": lambda points: f"{_up(points):.3f}",
        "Median score, and how wide the interval is": _middle,
    }
    return [
        Table(
            title=title,
            head=head,
            rows=[[name, *(figure(snapshots[number]) for number in _COUNTS)] for name, snapshots in found.items()],
        )
        for title, figure in shown.items()
    ]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lives", type=int, default=200, help="simulated endpoints of each kind (200)")
    parser.add_argument(
        "--worlds",
        choices=_WORLDS,
        default="held",
        help="worlds not used to set constants (held), or worlds for setting them (tune)",
    )
    add_result_options(parser, "newcomers")
    parser.add_argument(
        "--drawing",
        type=Path,
        default=Path(__file__).parents[2] / "docs/images/newcomers.svg",
        help="file of the drawing (docs/images/newcomers.svg)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
