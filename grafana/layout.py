"""Where panels stand: rows of lines, each line filling the 24 columns of the grid."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    heatmap,
    stat,
    statetimeline,
    statushistory,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

GRID_COLUMNS = 24

Panel = (
    barchart.Panel
    | bargauge.Panel
    | heatmap.Panel
    | stat.Panel
    | statetimeline.Panel
    | statushistory.Panel
    | table.Panel
    | text.Panel
    | timeseries.Panel
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Panels of one height, side by side; equally wide unless widths are given."""

    height: int
    panels: Sequence[Panel]
    widths: Sequence[int] = ()

    def columns(self) -> Iterator[tuple[Panel, int, int]]:
        """Yield each panel with its first column and its width."""
        left = 0
        widths = self.widths or [GRID_COLUMNS // len(self.panels)] * len(self.panels)
        for panel, width in zip(self.panels, widths, strict=True):
            yield panel, left, width
            left += width


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Lines under one title."""

    title: str
    lines: Sequence[Line]


def place(dashboard: build.Dashboard, rows: Iterable[Row]) -> None:
    """Add rows from top to bottom, numbering titles and panels in reading order."""
    number = top = 0
    for row in rows:
        number += 1
        across = model.GridPos(x=0, y=top, w=GRID_COLUMNS, h=1)
        dashboard.with_row(build.Row(row.title).id(number).grid_pos(across))
        top += 1
        for line in row.lines:
            for panel, left, width in line.columns():
                number += 1
                at = model.GridPos(x=left, y=top, w=width, h=line.height)
                dashboard.with_panel(panel.id(number).grid_pos(at))
            top += line.height
