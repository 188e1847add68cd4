"""Data of an earlier version works unchanged: its store, the answers from it, its configurations."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession

from monitor.cli.common import extensions
from monitor.config import load
from monitor.config.model import Config, Listen
from monitor.pipeline.restore import aliases_of, restore
from monitor.scheduler.jobs import enabled_jobs
from monitor.scoreboard.board import Board
from monitor.store import Store, create_store
from monitor.web.context import Context, history_context
from monitor.web.server import start
from tests.support.daemon import running, wait_until

EARLIER = Path(__file__).parent / "earlier"
ANSWERS: dict[str, Any] = json.loads(gzip.decompress((EARLIER / "answers.json.gz").read_bytes()))
CONFIGS: dict[str, Any] = json.loads((EARLIER / "configs.json").read_text(encoding="utf-8"))
THEN = datetime(2026, 11, 30, 18, 7, 11, tzinfo=UTC)
INCIDENTS = "/v1/incidents?since=2026-11-23T00:00:00Z"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "providerwatch.db"
    path.write_bytes(gzip.decompress((EARLIER / "providerwatch.db.gz").read_bytes()))
    return path


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Store]:
    store = create_store(f"sqlite:///{file}")
    await store.open()
    yield store
    await store.close()


def loaded(name: str, folder: Path) -> Config:
    (folder / "providerwatch-token").write_text("t0ken\n")
    (folder / "key_vllm").write_text("vllm-key\n")
    path = folder / f"{name}.yaml"
    text = (EARLIER / f"{name}.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("/run/secrets", str(folder)), encoding="utf-8")
    keys = dict.fromkeys(["GROQ_API_KEY", "OPENAI_KEY_FOR_PROBES", "OPENAI_ORGANIZATION", "INFLUX_TOKEN"], "k3y")
    return load(path, {**keys, "CREDENTIALS_DIRECTORY": str(folder)}, extensions())


@pytest.mark.parametrize("name", CONFIGS)
def test_its_configurations_are_read_as_it_read_them(tmp_path: Path, name: str) -> None:
    found = json.dumps(summary(loaded(name, tmp_path))).replace(str(tmp_path), "FOLDER")
    assert json.loads(found) == CONFIGS[name]


def summary(config: Config) -> dict[str, object]:
    return {
        "store": config.store,
        "max_concurrent": config.max_concurrent,
        "raw_s": config.retention.raw.total_seconds(),
        "grace_s": config.grace_s,
        "rate_limit": config.rate_limit,
        "listen": config.listen.url,
        "probes": {name: [probe.task.value, probe.every_s, probe.timeout_s] for name, probe in config.probes.items()},
        "endpoints": {
            spec.endpoint.id: [
                spec.model,
                spec.endpoint.api,
                spec.endpoint.base_url,
                [*spec.probes],
                spec.enabled,
                dict(spec.labels),
                dict(spec.router_ids),
                [*spec.aliases],
                len(spec.maintenance),
            ]
            for spec in config.endpoints
        },
        "blame": {error.value: blame.value for error, blame in config.scoring.blame.items()},
        "files": [str(file.path) for file in config.publish_files],
    }


async def test_its_store_is_answered_from_as_it_answered(store: Store, tmp_path: Path) -> None:
    config = loaded("recorded", tmp_path)
    await store.rename(aliases_of(config))
    board = Board(config, enabled_jobs(config), THEN)
    await restore(board, store, THEN)
    board.publish(THEN, sweep=True)
    history = replace(history_context(lambda: config, store), now=lambda: THEN)
    runner = await start(
        Listen(port=0), None, Context(snapshot=lambda: board.snapshot, problems=tuple, history=history)
    )
    host, port = runner.addresses[0][:2]
    async with ClientSession(f"http://{host}:{port}") as session:
        for path in (path for path in ANSWERS if path.startswith("/")):
            async with session.get(path) as response:
                assert (path, await response.json()) == (path, ANSWERS[path])
    await history.store_reads.close()
    await runner.cleanup()


async def test_its_traffic_its_spending_and_what_waits_for_sinks_are_known(store: Store) -> None:
    activity = [
        [str(usage.day), usage.endpoint, usage.app, usage.tokens.requests, usage.tokens.prompt_tokens]
        for usage in await store.activity(THEN.date())
    ]
    spent = await store.spent(THEN.replace(hour=0, minute=0, second=0))
    assert activity == ANSWERS["activity"]
    assert {name: [each.tokens, round(each.cost_usd, 9)] for name, each in spent.items()} == ANSWERS["spent"]
    assert {name: [backlog.waiting, backlog.expired] for name, backlog in (await store.backlogs()).items()} == ANSWERS[
        "backlogs"
    ]


def test_a_daemon_starts_on_its_store_and_goes_on_from_there(file: Path, tmp_path: Path) -> None:
    delivered = tmp_path / "samples.ndjson"
    text = (EARLIER / "recorded.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text.replace("/var/log/providerwatch/samples.ndjson", str(delivered)))
    with running(tmp_path, config) as daemon:
        scores = daemon.scores()
        found = daemon.json(INCIDENTS)["data"]
        wait_until(lambda: delivered.exists() and len(delivered.read_bytes().splitlines()) >= 20, "what waited")
    known = {row["id"] for row in ANSWERS[INCIDENTS]["data"]}
    assert list(scores) == ["steady", "failing"]
    assert {row["id"] for row in found} >= known
    assert "store_failed" not in daemon.log.read_text(encoding="utf-8")
