"""A chart as the page shows it: its heading, its markup and its table. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from monitor.charts.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart with its table twin."""

    heading: str
    chart: Markup
    table: Table
    is_wide: bool = False
    """Whether it is moved sideways on a narrow screen instead of being made smaller."""
    is_over_time: bool = False
    """Whether a part of its time can be chosen."""
