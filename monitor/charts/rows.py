"""Charts with a row for each provider: names left, the figure in the middle, its value right. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from monitor.charts.frame import EDGE, GAP, HALF_LINE, LANE, TICKS, Area, text
from monitor.charts.text_width import ASCENT, text_width

ROW: Final = 26.0
_NAMES: Final = 0.34
_VALUES: Final = 0.3
_TOP: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRows:
    """The places of rows: `area` lies between the names and the values."""

    names: tuple[str, ...]
    values: tuple[str, ...]
    width: float
    height: float
    area: Area

    def middle(self, index: int) -> float:
        """The middle of a row."""
        return self.area.top + (index + 0.5) * ROW

    def texts(self, index: int) -> Markup:
        """The name and the value of a row."""
        baseline = self.middle(index) + HALF_LINE
        room = self.area.left - EDGE - GAP
        beside = self.width - EDGE - GAP - self.area.right
        name = text(self.area.left - GAP, baseline, self.names[index], width=room, anchor="end")
        return name + text(self.width - EDGE, baseline, self.values[index], width=beside, anchor="end", class_="value")

    def unit(self, word: str) -> Markup:
        """The unit above the figures, where ticks do not say it."""
        return text(self.area.left, ASCENT, word, width=self.area.width, class_="unit")


def rows_of(names: Sequence[str], values: Sequence[str], *, width: float, word: str) -> ProviderRows:
    """Rows as high as they need; names and values get a third of the width each at most."""
    left = EDGE + GAP + min(max(map(text_width, names)), width * _NAMES)
    right = width - EDGE - GAP - min(max(map(text_width, values)), width * _VALUES)
    top = LANE if word else _TOP
    area = Area(left=left, top=top, right=right, bottom=top + len(names) * ROW)
    return ProviderRows(names=tuple(names), values=tuple(values), width=width, height=area.bottom + TICKS, area=area)
