"""What a reader of the overview asks for, as its address says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeVar

from monitor.domain.status import Status
from monitor.web.pages.links import OVERVIEW, with_query

E = TypeVar("E", bound=StrEnum)
_LONGEST: Final = 200
_MOST_PAGES: Final = 100_000


class SortKey(StrEnum):
    """The column that rows are sorted by."""

    STATUS = "status"
    MODEL = "model"
    PROVIDER = "provider"
    SCORE = "score"
    UPTIME = "uptime"
    TTFT = "ttft"
    TTFT_P95 = "ttft_p95"
    SPEED = "speed"
    PRICE = "price"


class Grouping(StrEnum):
    """What the rows of a group have in common."""

    MODEL = "model"
    PROVIDER = "provider"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewQuery:
    """Filters, order and page. Empty texts and None: all."""

    text: str = ""
    """A part of the id, or of the name of provider or model."""
    provider: str = ""
    model: str = ""
    status: Status | None = None
    vantage: str = ""
    sort: SortKey = SortKey.STATUS
    descending: bool = False
    group: Grouping = Grouping.MODEL
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        """Whether some endpoints may be left out."""
        return bool(self.text or self.provider or self.model or self.status or self.vantage)

    @property
    def path(self) -> str:
        """The address of this view; defaults are left out."""
        usual = OverviewQuery()
        order = f"{'-' if self.descending else ''}{self.sort}"
        return with_query(
            OVERVIEW,
            {
                "q": self.text,
                "provider": self.provider,
                "model": self.model,
                "status": self.status,
                "vantage": self.vantage,
                "group": None if self.group is usual.group else self.group,
                "sort": None if order == usual.sort else order,
                "page": None if self.page == usual.page else str(self.page),
            },
        )

    def sorted_by(self, key: SortKey) -> OverviewQuery:
        """The view after a click on a column's head: the other direction if it is sorted by it already."""
        descending = not self.descending if self.sort is key else False
        return replace(self, sort=key, descending=descending, page=1)

    def at_page(self, page: int) -> OverviewQuery:
        """Another page of this view."""
        return replace(self, page=page)

    def with_status(self, status: Status | None) -> OverviewQuery:
        """Only endpoints of a status; None: of any."""
        return replace(self, status=status, page=1)


def overview_query(given: Mapping[str, str]) -> OverviewQuery:
    """The query of an address. Unknown parameters are ignored. Raises ValueError with the remedy for a wrong value."""
    order = given.get("sort", "")
    return OverviewQuery(
        text=_text(given, "q"),
        provider=_text(given, "provider"),
        model=_text(given, "model"),
        status=_one_of(given, "status", Status),
        vantage=_text(given, "vantage"),
        sort=_one_of({"sort": order.removeprefix("-")}, "sort", SortKey) or SortKey.STATUS,
        descending=order.startswith("-"),
        group=_one_of(given, "group", Grouping) or Grouping.MODEL,
        page=_page(given.get("page", "")),
    )


def _text(given: Mapping[str, str], name: str) -> str:
    return given.get(name, "").strip()[:_LONGEST]


def _one_of(given: Mapping[str, str], name: str, kind: type[E]) -> E | None:
    word = given.get(name, "")
    if not word:
        return None
    if word not in list(kind):
        raise ValueError(f"{name} must be one of {', '.join(kind)}, not {word[:_LONGEST]!r}")
    return kind(word)


def _page(word: str) -> int:
    if not word:
        return 1
    digits = word.isascii() and word.isdecimal() and len(word) <= len(str(_MOST_PAGES))
    if not digits or not 1 <= int(word) <= _MOST_PAGES:
        raise ValueError(f"page must be a whole number from 1 on, not {word[:_LONGEST]!r}")
    return int(word)
