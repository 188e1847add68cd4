"""Ready documents of the scores: made at the first request after a change, kept until the next change.

The documents depend on the snapshot alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from monitor.scoreboard.compression import BlockwiseGzip
from monitor.scoreboard.row import Row
from monitor.scoreboard.snapshot import CLOSING, RowFilter, Snapshot, is_recent, opening, select
from monitor.web.responses import Document, ready, with_gzip


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLimits:
    """How many filtered documents are kept; the least recently used is discarded first."""

    selections: int = 64
    selection_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _CachedResponse:
    """A document, and the newest snapshot for which it is known to be current."""

    of: str
    """The snapshot's entity tag: a reference to the snapshot would keep it in memory."""
    part: Snapshot
    """The rows in the document; the snapshot may be an older one."""
    document: Document


class ResponseCache:
    """Ready documents of the newest snapshot."""

    def __init__(self, limits: CacheLimits = CacheLimits()) -> None:
        self._limits = limits
        self._compressor = BlockwiseGzip()
        self._whole: tuple[Snapshot, Document] | None = None
        self._selected: OrderedDict[RowFilter, _CachedResponse] = OrderedDict()
        self._rows: dict[str, tuple[Row, Document]] = {}

    @property
    def selection_bytes(self) -> int:
        """Memory of the filtered documents in bytes."""
        return sum(_size(kept.document) for kept in self._selected.values())

    def whole(self, snapshot: Snapshot) -> Document:
        """All endpoints."""
        if self._whole is None or self._whole[0] is not snapshot:
            self._whole = snapshot, self._compressed(snapshot)
        return self._whole[1]

    def _compressed(self, snapshot: Snapshot) -> Document:
        head = opening(snapshot.vantage, snapshot.generated_at)
        rows = [row.body for row in snapshot.rows.values()]
        gzip = self._compressor.pack(head, rows, CLOSING, snapshot.body)
        return with_gzip(snapshot.body, gzip if len(gzip) < len(snapshot.body) else None, etag=snapshot.etag)

    def row(self, row: Row) -> Document:
        """One endpoint."""
        known = self._rows.get(row.id)
        if known is None or known[0] is not row:
            known = self._rows[row.id] = row, ready(row.body, etag=row.etag)
        return known[1]

    def selected(self, snapshot: Snapshot, wanted: RowFilter) -> Document:
        """The endpoints that pass a filter."""
        kept = self._selected.get(wanted)
        if kept is not None and kept.of == snapshot.etag:
            self._selected.move_to_end(wanted)
            return kept.document
        fresh = self._selected[wanted] = _renewed(kept, snapshot, wanted)
        self._selected.move_to_end(wanted)
        self._make_room()
        return fresh.document

    def _make_room(self) -> None:
        limits = self._limits
        while len(self._selected) > limits.selections or (
            len(self._selected) > 1 and self.selection_bytes > limits.selection_bytes
        ):
            self._selected.popitem(last=False)


def _renewed(kept: _CachedResponse | None, snapshot: Snapshot, wanted: RowFilter) -> _CachedResponse:
    """The filtered document of a snapshot: the kept one if none of its rows changed."""
    part = select(snapshot, wanted)
    if kept is not None and part.rows == kept.part.rows and is_recent(kept.part, snapshot.generated_at):
        return replace(kept, of=snapshot.etag)
    return _CachedResponse(of=snapshot.etag, part=part, document=ready(part.body, etag=part.etag))


def _size(document: Document) -> int:
    """The document and its rows, also when nothing else refers to the rows."""
    return document.size_bytes + len(document.plain.body)
