"""Places for texts where no two of them touch. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.charts.frame import Area
from monitor.charts.text_width import ASCENT, DESCENT, text_width

_REACHES: Final = (9.0, 15.0, 24.0, 36.0, 50.0, 68.0)
_DIRECTIONS: Final = (0, 180, 270, 90, 315, 45, 225, 135)
_LEADER_FROM: Final = 15.0
_DISTANCE: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedLabel:
    """A text at a point: `x` is its left edge, `y` its baseline; `led` where a line has to join the two."""

    words: str
    x: float
    y: float
    led: bool


def spread(positions: Sequence[float], *, spacing: float, low: float, high: float) -> tuple[float, ...]:
    """The positions, moved as little as needed to lie `spacing` apart between `low` and `high`, in their order.

    They have to fit: (number - 1) x spacing is not above high - low.
    """
    order = sorted(range(len(positions)), key=positions.__getitem__)
    moved, least = list(positions), low
    for index in order:
        moved[index] = max(moved[index], least)
        least = moved[index] + spacing
    most = high
    for index in reversed(order):
        moved[index] = min(moved[index], most)
        most = moved[index] - spacing
    return tuple(moved)


def place_labels(
    points: Sequence[tuple[float, float, str]], *, area: Area, taken: Sequence[Area] = ()
) -> tuple[PlacedLabel | None, ...]:
    """A label for each point (x, y, words), nearest places first; None where no place is free."""
    used = [*taken, *(_box(x, y) for x, y, _ in points)]
    labels: list[PlacedLabel | None] = []
    for point in points:
        label = next((each for each in _candidates(*point) if _free(area_of(each), area, used)), None)
        labels.append(label)
        if label is not None:
            used.append(area_of(label))
    return tuple(labels)


def area_of(label: PlacedLabel) -> Area:
    """The rectangle that a label's text covers."""
    return Area(left=label.x, top=label.y - ASCENT, right=label.x + text_width(label.words), bottom=label.y + DESCENT)


def overlap(one: Area, other: Area, *, distance: float = 0.0) -> bool:
    """Whether two rectangles are nearer than `distance`."""
    return (
        one.left < other.right + distance
        and other.left < one.right + distance
        and one.top < other.bottom + distance
        and other.top < one.bottom + distance
    )


def _candidates(x: float, y: float, words: str) -> Iterator[PlacedLabel]:
    width = text_width(words)
    for reach in _REACHES:
        for degrees in _DIRECTIONS:
            across, down = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            left = x + across * reach - (width * (1 - across) / 2)
            yield PlacedLabel(words=words, x=left, y=y + down * (reach + 3) + 4, led=reach >= _LEADER_FROM)


def _free(box: Area, area: Area, used: Sequence[Area]) -> bool:
    inside = area.left <= box.left and box.right <= area.right and area.top <= box.top and box.bottom <= area.bottom
    return inside and not any(overlap(box, other, distance=_DISTANCE) for other in used)


def _box(x: float, y: float) -> Area:
    return Area(left=x - 6, top=y - 6, right=x + 6, bottom=y + 6)
