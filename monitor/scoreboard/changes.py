"""Changes of the scores for stream readers, from any position. Pure.

Only the newest row of each endpoint is kept, with the position at which it was published. A reader that is behind gets
the newest rows of the endpoints that changed since, and no history. So memory grows neither with time nor with readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import Snapshot

_NEWS_FROM = 0.01
"""A smaller change of a score is not published: scores drift with every second."""
_STALE = timedelta(seconds=60)
"""A row that only time changed is published again after this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PublishedRow:
    """A row as last published."""

    row: Row
    at: datetime
    position: int


class Changes:
    """Compares the snapshots of one board."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.position = 0
        """The position of the newest change."""
        self._whole_since = 0
        self._published: dict[str, _PublishedRow] = {}
        self._restart(snapshot)

    def follow(self, snapshot: Snapshot) -> bool:
        """Compare a newer snapshot; whether anything changed."""
        if snapshot.rows.keys() != self._published.keys():
            self.position += 1
            self._restart(snapshot)
            return True
        news = [row for row in snapshot.rows.values() if _is_news(self._published[row.id], row, snapshot.generated_at)]
        if news:
            self.position += 1
        for row in news:
            self._published[row.id] = _PublishedRow(row=row, at=snapshot.generated_at, position=self.position)
        return bool(news)

    def since(self, position: int) -> Sequence[Row] | None:
        """The newest rows of the endpoints that changed after a position; None: the reader needs all rows."""
        if not self._whole_since <= position <= self.position:
            return None
        return [published.row for published in self._published.values() if published.position > position]

    def _restart(self, snapshot: Snapshot) -> None:
        """Publish all rows of a snapshot: the set of endpoints changed."""
        self._whole_since = self.position
        self._published = {
            name: _PublishedRow(row=row, at=snapshot.generated_at, position=self.position)
            for name, row in snapshot.rows.items()
        }


def _is_news(published: _PublishedRow, row: Row, now: datetime) -> bool:
    if row is published.row:
        return False
    # Below zero the wall clock was set back.
    is_old = not timedelta() <= now - published.at < _STALE
    return row.news != published.row.news or _moved(published.row.score, row.score) or is_old


def _moved(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= _NEWS_FROM
