"""Prometheus' text format, as far as endpoints need it. Pure.

Lines are the same in OpenMetrics. Labels stand in the order of their names, as prometheus_client writes them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_INFINITY = "+Inf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric: what stands above its lines."""

    name: str
    """A counter's with `_total`."""
    kind: Literal["counter", "gauge", "histogram", "summary"]
    about: str
    """Without quotes, backslashes and line ends, so that it needs no escaping in either format."""

    def head(self, *, openmetrics: bool) -> str:
        """OpenMetrics calls a counter by its name without `_total`."""
        name = self.name.removesuffix("_total") if openmetrics and self.kind == "counter" else self.name
        return f"# HELP {name} {self.about}\n# TYPE {name} {self.kind}\n"


class BucketCounts:
    """What a histogram counts."""

    __slots__ = ("_bounds", "_counts", "_les", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._les = (*(str(float(bound)) for bound in bounds), _INFINITY)
        self._counts = [0] * len(self._les)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value. A bucket holds its upper bound."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, before: str, after: str) -> str:
        """Buckets, sum and count; nothing before the first value. `le` has its place between these labels."""
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
    """A figure with no more decimals than it is worth: a microsecond, where it is of seconds."""
    return str(round(float(value), digits))


def gauge(name: str, labels: str, value: float | None) -> str:
    """One line; nothing of what is not known."""
    return "" if value is None else f"{name}{{{labels}}} {number(value)}\n"
