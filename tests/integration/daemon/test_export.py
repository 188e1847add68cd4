"""An export equals the published data of a daemon, or the first snapshot of a daemon that starts now."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.export import ForeignDocumentError, of_document, of_store
from monitor.config.model import Config
from monitor.domain.status import Status
from monitor.store import Store, StoreError, create_store
from tests.support.board_values import first_tick, make_board, make_config, make_spec, sample_at

TICK = first_tick()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(make_spec(), store=f"sqlite:///{tmp_path}/pw.db")


async def filled(config: Config) -> Store:
    """A store with an endpoint that answered."""
    store, board = create_store(config.store), make_board(*config.endpoints)
    await store.open()
    sample = sample_at(TICK)
    await store.append([sample], board.absorb([sample]).states)
    return store


async def test_a_store_is_exported_as_a_start_would_find_it(config: Config) -> None:
    store = await filled(config)
    await store.close()
    snapshot = await of_store(config, create_store(config.store), TICK)
    (row,) = snapshot.rows.values()
    assert row.status is Status.UP
    assert row.uptime["5m"] == 1.0


async def test_a_store_that_holds_nothing_is_an_error(config: Config) -> None:
    with pytest.raises(StoreError):
        await of_store(config, create_store(config.store), TICK)


def document() -> dict[str, Any]:
    board = make_board(make_spec(), make_spec("p:m"))
    board.absorb([sample_at(TICK)])
    plain: dict[str, Any] = json.loads(board.publish(TICK, sweep=True).body)
    return plain


def test_a_document_gives_the_rows_that_it_was_made_of() -> None:
    board = make_board(make_spec(), make_spec("p:m"))
    board.absorb([sample_at(TICK)])
    snapshot = board.publish(TICK, sweep=True)
    read = of_document(json.loads(snapshot.body))
    assert json.loads(read.body) == json.loads(snapshot.body)
    assert snapshot.generated_at - read.generated_at < timedelta(milliseconds=1)
    assert read.vantage == snapshot.vantage
    for name, row in snapshot.rows.items():
        found = read.rows[name]
        assert (found.id, found.status, found.body) == (row.id, row.status, row.body)
        assert (found.account, found.router_ids) == (row.account, row.router_ids)
        assert (found.score, found.uptime) == (row.score, row.uptime)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "providerwatch/scores/v2"},
        {"schema": None},
        {"generated_at": "yesterday"},
        {"endpoints": None},
        {"endpoints": {}},
        {"endpoints": [1]},
        {"endpoints": [{}]},
        {
            "endpoints": [
                {"id": "x", "provider": "x", "model": "x", "api": "x", "status": "up", "score": 1, "uptime": []}
            ]
        },
        {"endpoints": [{"id": "x", "provider": "x", "model": "x", "api": "x", "status": "sideways", "score": 1}]},
    ],
    ids=str,
)
def test_what_is_no_scores_document_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ForeignDocumentError, match=r"(not a|the) scores document (of this|has)"):
        of_document({**document(), **change})
    with pytest.raises(ForeignDocumentError):
        of_document({})
