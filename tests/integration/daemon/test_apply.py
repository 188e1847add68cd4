"""A whole daemon that goes on with another configuration: what is probed, and what readers see."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.config.model import Config, Listen
from monitor.daemon.app import Daemon
from monitor.scheduler.jobs import enabled_jobs
from monitor.store import create_store
from tests.integration.daemon.parts import quick_config, until

NOWHERE = Listen(host="127.0.0.1", port=0)


def config_of(*names: str, every_s: float) -> Config:
    """Providers that refuse every connection."""
    return replace(quick_config(*names, every_s=every_s), listen=NOWHERE)


@pytest.mark.alone
async def test_a_daemon_goes_on_with_another_configuration(tmp_path: Path) -> None:
    store = create_store(f"sqlite:///{tmp_path}/store.db")
    await store.open()
    daemon = Daemon(config_of("gone:x", "kept:x", every_s=1), store, {})
    running = asyncio.create_task(daemon.run())
    try:
        await until(lambda: daemon._board.snapshot.rows and _probed(daemon, "gone:x") and _probed(daemon, "kept:x"))
        kept = daemon._board.endpoint("kept:x")
        other = config_of("kept:x", "new:x", every_s=0.5)
        await daemon.apply(other)
        await until(lambda: _probed(daemon, "new:x"))
        snapshot = await daemon._renderer.snapshot()
        assert [*snapshot.rows] == ["kept:x", "new:x"]
        assert daemon._board.endpoint("kept:x") is kept
        assert daemon._schedule.next_due() is not None
        assert {job.spec.endpoint.id for job in enabled_jobs(daemon._config)} == {"kept:x", "new:x"}
    finally:
        daemon._stop.set()
        await running
        await store.close()


def _probed(daemon: Daemon, name: str) -> bool:
    return daemon._board.endpoint(name).health.measured_at is not None
