"""What changed in the scores, so that each reader can be told what is news to it, however far behind it is. Pure.

Of each endpoint only the newest row is kept, with the position at which it was told: who is behind is owed the newest
rows of what changed since, and no history. So nothing here grows with time or with the number of readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import Snapshot

_NEWS_FROM = 0.01
"""A score that moves by less is no news: it drifts with every second."""
_STALE = timedelta(seconds=60)
"""What only time changed is told this long after the row was last told of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PublishedRow:
    """A row as readers know it."""

    row: Row
    at: datetime
    position: int


class Changes:
    """Follows the snapshots of one board."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.position = 0
        """Of the newest change."""
        self._whole_since = 0
        self._published: dict[str, _PublishedRow] = {}
        self._restart(snapshot)

    def follow(self, snapshot: Snapshot) -> bool:
        """Take in a newer snapshot; whether there is news in it."""
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
        """The newest rows of what changed after a position; None where only all rows will do."""
        if not self._whole_since <= position <= self.position:
            return None
        return [published.row for published in self._published.values() if published.position > position]

    def _restart(self, snapshot: Snapshot) -> None:
        """Begin anew with the endpoints of a snapshot: a configuration's may be others than the last one's."""
        self._whole_since = self.position
        self._published = {
            name: _PublishedRow(row=row, at=snapshot.generated_at, position=self.position)
            for name, row in snapshot.rows.items()
        }


def _is_news(published: _PublishedRow, row: Row, now: datetime) -> bool:
    if row is published.row:
        return False
    # Told of later than now: the wall clock was set back.
    is_old = not timedelta() <= now - published.at < _STALE
    return row.news != published.row.news or _moved(published.row.score, row.score) or is_old


def _moved(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) >= _NEWS_FROM
