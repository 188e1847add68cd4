"""A summary of several probes: successes, quantiles of their times, errors. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.domain.text import NOT_MEASURED, printable, seconds
from probes._model import Sample
from probes._quantiles import quantile

_FEWEST = 10
"""Below this many samples the 90th percentile equals the worst value and is not shown."""


def summary(samples: Sequence[Sample]) -> RenderableType:
    """A row per endpoint and task in order of first appearance, and the number of successes."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("endpoint, task", overflow="fold")
    for header in ("ok", "TTFT p50", "p90", "worst", "done p50", "tok/s"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("errors", overflow="fold")
    for key in dict.fromkeys((sample.endpoint, sample.task) for sample in samples):
        table.add_row(*_row([sample for sample in samples if (sample.endpoint, sample.task) == key]))
    ok = sum(sample.error is None for sample in samples)
    return Group(table, Text(f"\n{ok} of {len(samples)} probes succeeded"))


def _row(samples: Sequence[Sample]) -> tuple[Text, ...]:
    good = [sample for sample in samples if sample.error is None]
    ttft = _measured(sample.ttft_s for sample in good)
    speeds = _measured(sample.output_tps for sample in good)
    errors = Counter(str(sample.error) for sample in samples if sample.error is not None)
    return (
        Text(f"{printable(samples[0].endpoint)} {samples[0].task}"),
        Text(f"{len(good)}/{len(samples)}", "green" if len(good) == len(samples) else "bold red"),
        Text(seconds(_at(ttft, 0.5))),
        Text(seconds(_at(ttft, 0.9) if len(ttft) >= _FEWEST else None)),
        Text(seconds(max(ttft, default=None))),
        Text(seconds(_at(_measured(sample.e2e_s for sample in good), 0.5))),
        Text(f"{_at(speeds, 0.5):.0f}" if speeds else NOT_MEASURED),
        Text(", ".join(f"{name} {count}" for name, count in errors.most_common()), "red"),
    )


def _measured(values: Iterable[float | None]) -> list[float]:
    return sorted(value for value in values if value is not None)


def _at(ordered: Sequence[float], share: float) -> float | None:
    return quantile(ordered, share) if ordered else None
