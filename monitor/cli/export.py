"""What `providerwatch export` writes: a snapshot of a running daemon's scores, or of the store as a start finds it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from monitor.config.model import Config
from monitor.domain.status import Status
from monitor.pipeline.restore import recall
from monitor.scheduler.jobs import enabled_jobs
from monitor.scoreboard.board import Board
from monitor.scoreboard.compression import digest
from monitor.scoreboard.row import Row
from monitor.scoreboard.schema import SCHEMA
from monitor.scoreboard.snapshot import Snapshot
from monitor.store import Store


class ForeignDocumentError(ValueError):
    """What another daemon sent is no scores document of this version."""


async def of_store(config: Config, store: Store, now: datetime) -> Snapshot:
    """What a daemon that starts at `now` would publish first. Changes nothing; StoreError when it cannot be read."""
    try:
        (await store.schema()).check_readable()
        board = Board(config, enabled_jobs(config), now)
        await recall(board, store, now)
        return board.publish(now, sweep=True)
    finally:
        await store.close()


def of_document(document: Mapping[str, object]) -> Snapshot:
    """The snapshot that a scores document was made of, as far as it tells. Raises ForeignDocumentError."""
    body = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    try:
        if document["schema"] != SCHEMA:
            raise ForeignDocumentError(f"its scores are {document['schema']!r}, not {SCHEMA}")
        return Snapshot(
            generated_at=datetime.fromisoformat(str(document["generated_at"])),
            vantage=str(document["vantage"]),
            rows={row.id: row for row in _rows(document["endpoints"])},
            body=body,
            etag=digest(body),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ForeignDocumentError):
            raise
        raise ForeignDocumentError("its scores are not in the shape that this version reads") from error


def _rows(endpoints: object) -> Iterator[Row]:
    if not isinstance(endpoints, list):
        raise TypeError
    for plain in endpoints:
        body = json.dumps(plain, separators=(",", ":")).encode()
        yield Row(
            id=str(plain["id"]),
            provider=str(plain["provider"]),
            model=str(plain["model"]),
            api=str(plain["api"]),
            status=Status(plain["status"]),
            score=None if plain["score"] is None else float(plain["score"]),
            uptime={name: window["ratio"] for name, window in plain["uptime"].items()},
            news=(),
            body=body,
            etag=digest(body),
            account=None if plain["account"] is None else str(plain["account"]["class"]),
            router_ids={str(router): str(name) for router, name in plain["router_ids"].items()},
        )
