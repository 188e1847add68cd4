"""The snapshot that `providerwatch export` writes: of a running daemon's scores document, or of the store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from monitor.config.model import Config
from monitor.pipeline.restore import recall
from monitor.routing.formats import FORMATS
from monitor.scheduler.jobs import enabled_jobs
from monitor.scoreboard.board import Board
from monitor.scoreboard.compression import digest
from monitor.scoreboard.row import Row, row_of
from monitor.scoreboard.schema import SCHEMA
from monitor.scoreboard.snapshot import Snapshot
from monitor.store import Store


class ForeignDocumentError(ValueError):
    """A daemon sent a document that is not a scores document of this version."""


async def of_store(config: Config, store: Store, now: datetime) -> Snapshot:
    """The first snapshot of a daemon that starts at `now`. Does not change the store. Raises StoreError."""
    try:
        (await store.schema()).check_readable()
        board = Board(config, enabled_jobs(config), now)
        await recall(board, store, now)
        return board.publish(now, sweep=True)
    finally:
        await store.close()


def of_document(document: Mapping[str, object]) -> Snapshot:
    """The snapshot of a scores document, as far as the document holds it. Raises ForeignDocumentError."""
    body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    try:
        if document["schema"] != SCHEMA:
            raise ForeignDocumentError(
                f"the scores document has schema {document['schema']!r}; this version reads {SCHEMA}"
            )
        return Snapshot(
            generated_at=datetime.fromisoformat(str(document["generated_at"])),
            vantage=str(document["vantage"]),
            rows={row.id: row for row in _rows(document["endpoints"])},
            body=body,
            etag=digest(body),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ForeignDocumentError):
            raise
        raise ForeignDocumentError("the answer is not a scores document of this version") from error


def render(name: str, snapshot: Snapshot, cluster: str | None = None) -> bytes:
    """A snapshot in a format. `cluster` is for formats that have such a key. Raises CannotBeMadeError."""
    options = {} if cluster is None else {"cluster": cluster}
    return FORMATS[name].model_validate({"format": name, "path": "stdout", **options}).render(snapshot)


def _rows(endpoints: object) -> Iterator[Row]:
    if not isinstance(endpoints, list):
        raise TypeError
    return map(row_of, endpoints)
