"""How the user wants to see the endpoints: order, filter, groups, position; and what each key changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from monitor.console.top.keys import SpecialKey

_LONGEST_FILTER: Final = 200


class RowGrouping(StrEnum):
    """By what the endpoints are grouped."""

    NONE = "none"
    PROVIDER = "provider"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopView:
    """What the keys change."""

    sort: str = "status"
    """The name of a column."""
    reverse: bool = False
    filter: str = ""
    editing: bool = False
    """Whether keys go to the filter."""
    grouping: RowGrouping = RowGrouping.NONE
    offset: int = 0
    """The number of lines of the table above the screen."""
    help: bool = False
    quit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenPlace:
    """What of the table is on the screen; keys act on that."""

    offset: int = 0
    page: int = 1
    """Lines of the table on the screen."""
    total: int = 0
    """Lines of the table."""
    columns: Sequence[str] = ()
    """Names of the columns on the screen."""

    @property
    def last(self) -> int:
        """The offset at which the last line is on the screen."""
        return max(0, self.total - self.page)


def pressed(view: TopView, key: str, place: ScreenPlace) -> TopView:
    """The view after a key."""
    if key == SpecialKey.QUIT:
        return replace(view, quit=True)
    if view.editing:
        return _edited(view, key)
    if view.help:
        return replace(view, help=False, quit=key == "q")
    if key in _SCROLLS:
        offset = _SCROLLS[key](place)
        return replace(view, offset=max(0, min(offset, place.last)))
    if key.isdecimal() and key.isascii():
        return _sorted_by_number(view, int(key), place)
    return _CHANGES[key](view, place) if key in _CHANGES else view


def _edited(view: TopView, key: str) -> TopView:
    """The view after a key while the filter is edited. The table follows each key."""
    match key:
        case SpecialKey.ENTER:
            return replace(view, editing=False)
        case SpecialKey.ESCAPE:
            return replace(view, editing=False, filter="", offset=0)
        case SpecialKey.BACKSPACE:
            return replace(view, filter=view.filter[:-1], offset=0, editing=bool(view.filter))
        case SpecialKey.ERASE_LINE:
            return replace(view, filter="", offset=0)
        case character if len(character) == 1:
            return replace(view, filter=(view.filter + character)[:_LONGEST_FILTER], offset=0)
        case _:
            return view


def _sorted_by_number(view: TopView, number: int, place: ScreenPlace) -> TopView:
    """Sort by the n-th column on the screen; backwards, if the table is sorted by it already."""
    if not 1 <= number <= len(place.columns):
        return view
    name = place.columns[number - 1]
    return replace(view, sort=name, reverse=name == view.sort and not view.reverse, offset=0)


def _next_sort(view: TopView, place: ScreenPlace, step: int) -> TopView:
    """Sort by the next column on the screen, or the one before."""
    names = place.columns or (view.sort,)
    index = names.index(view.sort) + step if view.sort in names else 0
    return replace(view, sort=names[index % len(names)], reverse=False, offset=0)


def _next_grouping(view: TopView, _: ScreenPlace) -> TopView:
    groupings = list(RowGrouping)
    return replace(view, grouping=groupings[(groupings.index(view.grouping) + 1) % len(groupings)], offset=0)


_SCROLLS: Final[Mapping[str, Callable[[ScreenPlace], int]]] = {
    SpecialKey.UP: lambda place: place.offset - 1,
    "k": lambda place: place.offset - 1,
    SpecialKey.DOWN: lambda place: place.offset + 1,
    "j": lambda place: place.offset + 1,
    SpecialKey.PAGE_UP: lambda place: place.offset - place.page,
    SpecialKey.PAGE_DOWN: lambda place: place.offset + place.page,
    " ": lambda place: place.offset + place.page,
    SpecialKey.HOME: lambda _: 0,
    SpecialKey.END: lambda place: place.last,
}
_CHANGES: Final[Mapping[str, Callable[[TopView, ScreenPlace], TopView]]] = {
    "q": lambda view, _: replace(view, quit=True),
    "s": lambda view, place: _next_sort(view, place, 1),
    "S": lambda view, place: _next_sort(view, place, -1),
    "r": lambda view, _: replace(view, reverse=not view.reverse, offset=0),
    "/": lambda view, _: replace(view, editing=True),
    "g": _next_grouping,
    "?": lambda view, _: replace(view, help=True),
    "h": lambda view, _: replace(view, help=True),
    SpecialKey.ESCAPE: lambda view, _: replace(view, filter="", offset=0),
}
