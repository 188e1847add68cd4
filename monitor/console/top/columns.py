"""The columns of the table: what each shows, how it sorts, and which of them fit a width. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from rich.cells import cell_len

from monitor.console.text import STATUS_SIGNS
from monitor.console.top.rows import HIGH, OpenIncident, Pair, TopRow
from monitor.domain.status import Status
from monitor.domain.text import NOT_MEASURED, age, count, percent, probability

_BETWEEN: Final = "\N{EN DASH}"
_WIDE: Final = 100
"""From this width on two spaces separate columns, else one."""
_NEEDED: Final = 5
"""Columns up to this rank may narrow the endpoint to its least width."""
_COMFORT: Final = 12
"""Cells that the endpoint has beyond its least width before a column of a higher rank comes."""
_WORST_FIRST: Final = (Status.DOWN, Status.DEGRADED, Status.UNKNOWN, Status.MAINTENANCE, Status.PAUSED, Status.UP)
_REFUSED: Final = _WORST_FIRST.index(Status.UNKNOWN) + 0.5
"""Where an endpoint that refuses the account sorts: after those of which nothing is known."""
_HIDES_REFUSAL: Final = frozenset({Status.UP, Status.UNKNOWN})
"""Statuses that say nothing of an account that is refused, so that its word takes their place."""
Shown: TypeAlias = tuple[str, str]
"""Text and style of a cell."""
SortValue: TypeAlias = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellContext:
    """What cells need beside their row."""

    now: datetime | None
    incidents: Mapping[str, OpenIncident] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopColumn:
    """One column."""

    name: str
    header: str
    rank: int
    """Columns of a higher rank leave first where the terminal is narrow."""
    width: int
    """In cells; the least, if it can grow."""
    most: int = 0
    """The greatest width of a column that can grow."""
    show: Callable[[TopRow, CellContext], Shown]
    value: Callable[[TopRow, CellContext], SortValue]
    """Rows are sorted by this, the least first, so that what needs attention comes first. None comes last always."""
    right: bool = False
    middle: bool = False
    """Whether a long text is cut in its middle: both ends of a name tell it from others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedColumn:
    """A column with its width on the screen."""

    column: TopColumn
    width: int


# Cells


def _status(row: TopRow, _: CellContext) -> Shown:
    sign, style = STATUS_SIGNS.get(row.status, (" ", ""))
    if row.refused is None:
        return f"{sign} {row.status}", style
    return ("! refused", "yellow") if row.status in _HIDES_REFUSAL else (f"! {row.status}", style)


def _by_status(row: TopRow, _: CellContext) -> SortValue:
    if row.refused is not None and row.status in _HIDES_REFUSAL:
        return _REFUSED
    return next((float(place) for place, status in enumerate(_WORST_FIRST) if status == row.status), None)


def _interval(row: TopRow, _: CellContext) -> Shown:
    return NOT_MEASURED if row.interval is None else _BETWEEN.join(map(probability, row.interval)), "dim"


def _interval_width(row: TopRow, _: CellContext) -> SortValue:
    return None if row.interval is None else row.interval[0] - row.interval[1]


def _speed(row: TopRow, _: CellContext) -> Shown:
    return NOT_MEASURED if row.output_tps is None else f"{row.output_tps:.0f}", ""


def _evidence(row: TopRow, _: CellContext) -> Shown:
    return NOT_MEASURED if row.evidence is None else count(row.evidence), "dim"


def _age(row: TopRow, context: CellContext) -> Shown:
    if context.now is None:
        return NOT_MEASURED, "dim"
    is_stale = row.stale_after is not None and row.stale_after <= context.now
    return age(row.measured_at, context.now), "yellow" if is_stale else "dim"


def _oldest_first(row: TopRow, _: CellContext) -> SortValue:
    return None if row.measured_at is None else row.measured_at.timestamp()


def _incident(row: TopRow, context: CellContext) -> Shown:
    """Its cause and for how long, the worst status if that is another than now, and trouble with the account."""
    parts, style = [], "yellow"
    incident = context.incidents.get(row.key)
    if incident is not None:
        _, style = STATUS_SIGNS.get(incident.worst, ("", ""))
        parts += [f"{incident.cause}{_since(incident.began_at, context.now)}"]
        parts += [f"{incident.worst} at worst"] if incident.worst != row.status else []
    if row.refused is not None:
        parts += [f"account: {row.refused}{_since(row.refused_since, context.now)}"]
    return "; ".join(parts), style if parts else ""


def _since(then: datetime | None, now: datetime | None) -> str:
    return "" if then is None or now is None else f", {age(then, now)}"


def _longest_incident_first(row: TopRow, context: CellContext) -> SortValue:
    incident = context.incidents.get(row.key)
    began_at = row.refused_since if incident is None else incident.began_at
    return None if began_at is None else began_at.timestamp()


def _times(pair: Pair) -> Shown:
    """Both times in the unit of the longer one: `210/310 ms`, `0.21/1.25 s`."""
    known_s = [value for value in pair if value is not None]
    in_ms = bool(known_s) and round(max(known_s), 3) < 1
    both = "/".join(NOT_MEASURED if value is None else _time(value, in_ms=in_ms) for value in pair)
    return (f"{both} {'ms' if in_ms else 's'}" if known_s else NOT_MEASURED), ""


def _time(value_s: float, *, in_ms: bool) -> str:
    """At most four characters, but for hours."""
    value, tenths_below = (value_s * 1000, 9.95) if in_ms else (value_s, 99.95)
    if not in_ms and value < 9.995:  # noqa: PLR2004
        return f"{value:.2f}"
    return f"{value:.1f}" if value < tenths_below else f"{value:.0f}"


def _price(row: TopRow, _: CellContext) -> Shown:
    if row.price == (None, None):
        return NOT_MEASURED, ""
    return "/".join(NOT_MEASURED if value is None else _dollars(value) for value in row.price), ""


def _dollars(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004


def _negative(value: float | None) -> SortValue:
    return None if value is None else -value


# The columns, in their order on the screen


COLUMNS: Final[Sequence[TopColumn]] = (
    TopColumn(name="status", header="status", rank=0, width=10, most=13, show=_status, value=_by_status),
    TopColumn(
        name="endpoint",
        header="endpoint",
        rank=0,
        width=12,
        most=48,
        show=lambda row, _: (row.id, "bold"),
        value=lambda row, _: row.id,
        middle=True,
    ),
    TopColumn(
        name="provider",
        header="provider",
        rank=11,
        width=10,
        most=20,
        show=lambda row, _: (row.provider, ""),
        value=lambda row, _: row.provider,
    ),
    TopColumn(
        name="model",
        header="model",
        rank=12,
        width=16,
        most=40,
        show=lambda row, _: (row.model, ""),
        value=lambda row, _: row.model,
        middle=True,
    ),
    TopColumn(
        name="score",
        header="score",
        rank=1,
        width=6,
        show=lambda row, _: (probability(row.score), ""),
        value=lambda row, _: row.score,
        right=True,
    ),
    TopColumn(name="interval", header="95 %", rank=4, width=9, show=_interval, value=_interval_width, right=True),
    TopColumn(
        name="uptime",
        header="up 24h",
        rank=2,
        width=7,
        show=lambda row, _: (percent(row.uptime), ""),
        value=lambda row, _: row.uptime,
        right=True,
    ),
    TopColumn(
        name="samples", header="n", rank=9, width=5, show=_evidence, value=lambda row, _: row.evidence, right=True
    ),
    TopColumn(
        name="ttft",
        header=f"TTFT 50/{HIGH[1:]}",
        rank=3,
        width=12,
        show=lambda row, _: _times(row.ttft_s),
        value=lambda row, _: _negative(row.ttft_s[0]),
        right=True,
    ),
    TopColumn(
        name="e2e",
        header=f"end 50/{HIGH[1:]}",
        rank=8,
        width=12,
        show=lambda row, _: _times(row.e2e_s),
        value=lambda row, _: _negative(row.e2e_s[0]),
        right=True,
    ),
    TopColumn(
        name="speed", header="tok/s", rank=5, width=6, show=_speed, value=lambda row, _: row.output_tps, right=True
    ),
    TopColumn(
        name="price",
        header="$/M in/out",
        rank=10,
        width=11,
        show=_price,
        value=lambda row, _: _negative(row.price[1]),
        right=True,
    ),
    TopColumn(name="age", header="age", rank=7, width=6, show=_age, value=_oldest_first, right=True),
    TopColumn(
        name="incident",
        header="open incident",
        rank=6,
        width=20,
        most=60,
        show=_incident,
        value=_longest_incident_first,
    ),
)
_GROWTH: Final = ("status", "endpoint", "provider", "model", "incident")
"""Which column gets the cells that are left, in this order."""


# Which of them fit


def gap(width: int) -> int:
    """The number of spaces between two columns."""
    return 2 if width >= _WIDE else 1


def placed(rows: Iterable[TopRow], context: CellContext, width: int | None) -> list[PlacedColumn]:
    """The columns that fit a screen of this width, with their widths; at least status and endpoint.

    Without a width all columns, each as wide as its longest text.
    """
    if width is None:
        longest = _longest(rows, context, COLUMNS)
        return [PlacedColumn(column=column, width=max(column.width, longest[column.name])) for column in COLUMNS]
    columns = _chosen(width)
    left = width - sum(column.width for column in columns) - gap(width) * (len(columns) - 1)
    widths = {column.name: column.width for column in columns}
    widths["endpoint"] = max(0, widths["endpoint"] + min(left, 0))
    growing = sorted((column for column in columns if column.most), key=lambda column: _GROWTH.index(column.name))
    longest = _longest(rows, context, growing)
    for column in growing:
        more = max(0, min(left, min(longest[column.name], column.most) - column.width))
        widths[column.name] += more
        left -= more
    return [PlacedColumn(column=column, width=widths[column.name]) for column in columns]


def _longest(rows: Iterable[TopRow], context: CellContext, columns: Iterable[TopColumn]) -> dict[str, int]:
    """The width of the longest text of each column."""
    rows = list(rows)
    return {column.name: max((cell_len(column.show(row, context)[0]) for row in rows), default=0) for column in columns}


def _chosen(width: int) -> list[TopColumn]:
    """The columns by rank, until one does not fit."""
    used, chosen = -gap(width), set[str]()
    for column in sorted(COLUMNS, key=lambda column: column.rank):
        used += column.width + gap(width)
        if column.rank and used + (_COMFORT if column.rank > _NEEDED else 0) > width:
            break
        chosen.add(column.name)
    return [column for column in COLUMNS if column.name in chosen]


def in_order(rows: Iterable[TopRow], context: CellContext, name: str, *, reverse: bool) -> list[TopRow]:
    """The rows, sorted by a column; equal ones by id. Without a value they come last, also in reverse."""
    value = next(column.value for column in COLUMNS if column.name == name)
    keyed = [(value(row, context), row) for row in sorted(rows, key=lambda row: row.id)]
    known = [(key, row) for key, row in keyed if key is not None]
    known.sort(key=lambda pair: pair[0], reverse=reverse)
    return [row for _, row in known] + [row for key, row in keyed if key is None]
