"""What a visitor of a model's page chose, in its address: window, zoom, columns, endpoint. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode

from monitor.charts.figures import iso, moment
from monitor.domain.epoch import EPOCH
from monitor.history.series import Grid
from monitor.store import RollupTier
from monitor.web.pages.links import model_path
from monitor.web.pages.model.columns import DEFAULT_COLUMNS, Column

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
_FEW_LINES: Final = 8
_MOST_STEPS: Final = 60
_MOST_STEPS_OF_MANY: Final = 32
"""With more lines than a few, a page with more points would be too large."""
_STEPS: Final = (HOUR, 3 * HOUR, 6 * HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY, 28 * DAY)
"""Steps of a day and more are made of daily rollups: a month of hours of 20 endpoints takes long to read."""
_LONGEST: Final = _MOST_STEPS_OF_MANY * _STEPS[-1]


class ChartWindow(StrEnum):
    """The windows of the charts over time."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return _LENGTHS[self]

    @property
    def words(self) -> str:
        """As it is written on the page: `24 h`."""
        return f"{self[:-1]} {self[-1]}"


_LENGTHS: Final = {
    ChartWindow.DAY: DAY,
    ChartWindow.WEEK: 7 * DAY,
    ChartWindow.MONTH: 30 * DAY,
    ChartWindow.QUARTER: 90 * DAY,
}


class ModelQueryError(ValueError):
    """The address asks for something that does not exist; the message names it and says what may stand there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpan:
    """The time that the charts show: steps on a fixed grid (UTC), made of rollups of one tier."""

    grid: Grid
    tier: RollupTier
    words: str
    """`last 24 h`, or from when to when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuery:
    """The choices; each has a default."""

    window: ChartWindow = ChartWindow.DAY
    zoom: tuple[datetime, datetime] | None = None
    """Replaces the window."""
    columns: tuple[Column, ...] = DEFAULT_COLUMNS
    endpoint: str | None = None
    """The id of the endpoint that the sample code calls; None: the first one of the table."""

    def span(self, now: datetime, *, lines: int = 1) -> ChartSpan:
        """What charts with so many lines show at a time."""
        most = _MOST_STEPS if lines <= _FEW_LINES else _MOST_STEPS_OF_MANY
        if self.zoom is None:
            return _span(now - self.window.length, now, most, f"last {self.window.words}")
        begin, end = (min(at, now) for at in self.zoom)
        begin = min(begin, end - HOUR)
        return _span(begin, end, most, f"{moment(begin)} to {moment(end)}")


def read_query(given: Mapping[str, str], many: Mapping[str, list[str]]) -> ModelQuery:
    """The choices of an address: `given` has one value of each parameter, `many` all of them.

    Unknown parameters are ignored. Raises ModelQueryError.
    """
    window = given.get("window") or ChartWindow.DAY
    if window not in [*ChartWindow]:
        raise ModelQueryError(f"window must be one of {', '.join(ChartWindow)}, not {window!r}")
    return ModelQuery(
        window=ChartWindow(window), zoom=_zoom(given), columns=_columns(many), endpoint=given.get("endpoint") or None
    )


def address(model: str, query: ModelQuery, section: str = "") -> str:
    """The address of the page with these choices, those that are the default left out; `section`: where it opens."""
    given: list[tuple[str, str]] = []
    if query.zoom is not None:
        given += [("from", iso(query.zoom[0])), ("to", iso(query.zoom[1]))]
    elif query.window is not ChartWindow.DAY:
        given.append(("window", query.window.value))
    if query.columns != DEFAULT_COLUMNS:
        given.append(("columns", ",".join(query.columns)))
    if query.endpoint is not None:
        given.append(("endpoint", query.endpoint))
    written = urlencode(given, safe=":/,", errors="replace")
    return f"{model_path(model)}{'?' if written else ''}{written}{'#' if section else ''}{section}"


def _columns(many: Mapping[str, list[str]]) -> tuple[Column, ...]:
    """The columns in their usual order. Names come separated by commas or, from a form, each in a parameter."""
    names = [name for value in many.get("columns", ()) for name in value.split(",") if name]
    unknown = [name for name in names if name not in [*Column]]
    if unknown:
        raise ModelQueryError(f"columns may hold {', '.join(Column)}, not {unknown[0]!r}")
    return tuple(column for column in Column if column in names) or DEFAULT_COLUMNS


def _zoom(given: Mapping[str, str]) -> tuple[datetime, datetime] | None:
    begin, end = given.get("from"), given.get("to")
    if not begin and not end:
        return None
    if not begin or not end:
        raise ModelQueryError("from and to must stand together")
    first, last = _moment("from", begin), _moment("to", end)
    if first >= last:
        raise ModelQueryError("from must be earlier than to")
    if last - first > _LONGEST:
        raise ModelQueryError(f"from and to must be at most {_LONGEST.days} days apart")
    return first, last


def _moment(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None and at.astimezone(UTC) >= EPOCH + 2 * HOUR:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ModelQueryError(f"{name} must be a date and time with a zone, such as 2026-11-22T07:00:00Z, not {text!r}")


def _span(begin: datetime, end: datetime, most: int, words: str) -> ChartSpan:
    step = next(step for step in _STEPS if end - begin <= step * most)
    first = _floor(begin, step)
    count = max(1, -(-(end - first) // step))
    tier = RollupTier.HOUR if step < DAY else RollupTier.DAY
    return ChartSpan(grid=Grid(begin=first, step=step, count=count), tier=tier, words=words)


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - EPOCH) % step
