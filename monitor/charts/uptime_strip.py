"""The uptime of each hour or day as a strip of bars. Pure.

Colour, pattern and height of a bar show its state: the share of failures is cut from its top. Rate limits
are drawn above the bars, never inside: they are about the key, not about the provider. "No data" is hatched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

from markupsafe import Markup

from monitor.charts.figures import RATIO, iso, moment, window
from monitor.charts.frame import TICKS, Area, data, empty, lines_of, root, time_axis
from monitor.charts.legend import LegendEntry
from monitor.charts.markup import el
from monitor.charts.roles import Role
from monitor.charts.table import Table
from monitor.charts.time_scale import TimeScale
from monitor.domain.text import NOT_MEASURED

GOOD_FROM: Final = 0.99
"""A bucket in which a smaller share succeeded has "some failed"."""
FAILING_BELOW: Final = 0.8
"""OpenRouter treats an uptime below this as a last resort."""
_LIMITS: Final = 5.0
_LIMIT_BAR: Final = 3.0
_FOOT: Final = 4.0
_SHARE: Final = 0.78
_LEAST_CUT: Final = 0.18
_MOST_CUT: Final = 0.6


class BucketState(StrEnum):
    """What a bar says, in words."""

    GOOD = "good"
    SOME_FAILED = "some failed"
    FAILING = "failing"
    NOT_MEASURED = "not measured"
    MAINTENANCE = "maintenance"
    NETWORK = "own network down"


ROLES: Final = {
    BucketState.GOOD: Role.UP,
    BucketState.SOME_FAILED: Role.DEGRADED,
    BucketState.FAILING: Role.DOWN,
    BucketState.NOT_MEASURED: Role.VOID,
    BucketState.MAINTENANCE: Role.MAINTENANCE,
    BucketState.NETWORK: Role.NETWORK,
}
_RATE_LIMITED: Final = "your key was rate limited"


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimeBucket:
    """The counts of one hour or day. `maintenance` and `network` say that a part of it, or all, was so."""

    at: datetime
    ok: int
    failed: int
    rate_limited: int = 0
    maintenance: bool = False
    network: bool = False

    @property
    def ratio(self) -> float | None:
        """The share of counted probes that succeeded; None without one."""
        counted = self.ok + self.failed
        return self.ok / counted if counted else None

    @property
    def state(self) -> BucketState:
        """What the bar says: the ratio, or why there is none."""
        ratio = self.ratio
        if ratio is not None:
            return (
                BucketState.GOOD
                if ratio >= GOOD_FROM
                else BucketState.FAILING
                if ratio < FAILING_BELOW
                else BucketState.SOME_FAILED
            )
        if self.maintenance:
            return BucketState.MAINTENANCE
        return BucketState.NETWORK if self.network else BucketState.NOT_MEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class UptimeStrip:
    """Buckets of one length `step`, in the order of time; `axis` adds a row of times below `height`."""

    title: str
    step: timedelta
    buckets: Sequence[UptimeBucket]
    width: float = 156
    height: float = 24
    axis: bool = False
    empty: str = "not measured"


def uptime_strip(strip: UptimeStrip, *, chart_id: str) -> Markup:
    """The strip as SVG."""
    height = strip.height + (TICKS if strip.axis else 0)
    if not strip.buckets:
        return empty(
            chart_id=chart_id, width=strip.width, height=height, title=strip.title, words=strip.empty, kind="strip"
        )
    area = Area(left=0, top=_LIMITS, right=strip.width, bottom=strip.height)
    start, end = strip.buckets[0].at, strip.buckets[-1].at + strip.step
    x = TimeScale(start=start, end=end, left=0, right=strip.width)
    return root(
        *(_bucket(bucket, strip.step, x, area) for bucket in strip.buckets),
        time_axis(x, area) if strip.axis else Markup(""),
        chart_id=chart_id,
        width=strip.width,
        height=height,
        title=strip.title,
        description=_description(strip),
        kind="strip",
    )


def uptime_table(strip: UptimeStrip) -> Table:
    """A row for each bucket."""
    return Table(
        caption=strip.title,
        head=("time", "state", "uptime", "succeeded", "failed", "rate limited"),
        rows=tuple(
            (
                window(bucket.at, strip.step),
                _state_words(bucket),
                NOT_MEASURED if bucket.ratio is None else RATIO.shown(bucket.ratio),
                bucket.ok,
                bucket.failed,
                bucket.rate_limited,
            )
            for bucket in strip.buckets
        ),
    )


def strip_entries(strips: Sequence[UptimeStrip]) -> list[LegendEntry]:
    """The legend of strips that stand below each other: every state that is to be seen in one of them."""
    buckets = [bucket for strip in strips for bucket in strip.buckets]
    seen = {state for bucket in buckets for state in _states(bucket)}
    limited = any(bucket.rate_limited for bucket in buckets)
    states = [LegendEntry(words=state.value, role=ROLES[state]) for state in BucketState if state in seen]
    return [*states, *([LegendEntry(words=_RATE_LIMITED, role=Role.LIMIT)] if limited else [])]


@lru_cache(maxsize=16_384)
def _bucket(bucket: UptimeBucket, step: timedelta, x: TimeScale, area: Area) -> Markup:
    """Cached, since a page has thousands of bars, most of them full, and only the newest hour changes."""
    left, right = x.at(bucket.at), x.at(bucket.at + step)
    width = (right - left) * _SHARE
    at = (left + right - width) / 2
    return el(
        "g",
        el("title", _title(bucket, step)),
        *_bars(bucket, at, width, area),
        data_state=bucket.state.value,
        **data(x=iso(bucket.at), value=bucket.ratio, n=bucket.ok + bucket.failed, series=bucket.state.value),
    )


def _bars(bucket: UptimeBucket, x: float, width: float, area: Area) -> Iterator[Markup]:
    """The bar in the colour of its state, and its foot and its cap where the bucket has them."""
    cut = _cut(bucket) * area.height
    round_by = min(1.5, width / 4)
    if cut:
        yield el("rect", class_="track", x=x, y=area.top, width=width, height=area.height, rx=round_by)
    role, place = ROLES[bucket.state], {"x": x, "width": width, "rx": round_by}
    yield el("rect", class_=f"bar {role}", y=area.top + cut, height=area.height - cut, **place)
    beside = next((state for state in _states(bucket) if state is not bucket.state), None)
    if beside is not None:
        yield el("rect", class_=f"foot {ROLES[beside]}", y=area.bottom - _FOOT, height=_FOOT, **place)
    if bucket.rate_limited:
        yield el("rect", class_=f"cap {Role.LIMIT}", y=0, height=_LIMIT_BAR, **place)


def _states(bucket: UptimeBucket) -> Iterator[BucketState]:
    """The bucket's own state, and that of the part of it that was not measured for a known reason."""
    yield bucket.state
    if bucket.maintenance:
        yield BucketState.MAINTENANCE
    if bucket.network:
        yield BucketState.NETWORK


def _cut(bucket: UptimeBucket) -> float:
    """The share of the bar that is missing at its top: more where more failed, and enough to be seen."""
    if bucket.ratio is None or bucket.state is BucketState.GOOD:
        return 0.0
    return min(max(1 - bucket.ratio, _LEAST_CUT), _MOST_CUT)


def _state_words(bucket: UptimeBucket) -> str:
    return ", ".join(dict.fromkeys(state.value for state in _states(bucket)))


def _title(bucket: UptimeBucket, step: timedelta) -> str:
    counted = bucket.ok + bucket.failed
    uptime = f"{RATIO.shown(bucket.ratio)}, {bucket.failed:,} of {counted:,} failed" if counted else "n 0"
    limited = f"{bucket.rate_limited:,} rate limited" if bucket.rate_limited else ""
    return lines_of((window(bucket.at, step), _state_words(bucket), uptime, limited))


def _description(strip: UptimeStrip) -> str:
    buckets = strip.buckets
    states = [bucket.state for bucket in buckets]
    counts = ", ".join(f"{states.count(state)} {state.value}" for state in BucketState if state in states)
    limited = sum(bool(bucket.rate_limited) for bucket in buckets)
    span = f"{len(buckets)} bars from {moment(buckets[0].at)} to {moment(buckets[-1].at + strip.step)}"
    return f"{span}, oldest first: {counts}{f'; rate limited in {limited}' if limited else ''}."
