"""The parts of Prometheus' text format that the metrics of endpoints need. Pure.

The lines are the same in OpenMetrics. Labels are sorted by name, as in prometheus_client.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_INFINITY = "+Inf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The HELP and TYPE lines of a metric."""

    name: str
    """With `_total` for a counter."""
    kind: Literal["counter", "gauge", "histogram", "summary"]
    about: str
    """Without quotes, backslashes and line ends, so that neither format needs escaping."""

    def head(self, *, openmetrics: bool) -> str:
        """The HELP and TYPE lines. In OpenMetrics the name of a counter has no `_total` here."""
        name = self.name.removesuffix("_total") if openmetrics and self.kind == "counter" else self.name
        return f"# HELP {name} {self.about}\n# TYPE {name} {self.kind}\n"


class BucketCounts:
    """The buckets and the sum of a histogram."""

    __slots__ = ("_bounds", "_counts", "_les", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._les = (*(str(float(bound)) for bound in bounds), _INFINITY)
        self._counts = [0] * len(self._les)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value. A bucket includes its upper bound."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, before: str, after: str) -> str:
        """Lines of buckets, count and sum; empty without values. The label `le` is between `before` and `after`."""
        found, total = [], 0
        for le, count in zip(self._les, self._counts, strict=True):
            total += count
            found.append(f'{name}_bucket{{{before},le="{le}",{after}}} {total}\n')
        of = f"{before},{after}"
        found.append(f"{name}_count{{{of}}} {total}\n{name}_sum{{{of}}} {number(self._sum)}\n")
        return "".join(found) if total else ""


def label(name: str, value: str) -> str:
    """A label with its value escaped."""
    escaped = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return f'{name}="{escaped}"'


def number(value: float, digits: int = 6) -> str:
    """A number rounded to `digits` decimals; the default is a microsecond for seconds."""
    return str(round(float(value), digits))


def gauge(name: str, labels: str, value: float | None) -> str:
    """One line; empty if the value is not known."""
    return "" if value is None else f"{name}{{{labels}}} {number(value)}\n"
