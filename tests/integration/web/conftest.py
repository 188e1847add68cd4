"""A server for the tests of the routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web

from monitor.config.model import Listen
from monitor.metrics.metrics import Metrics
from monitor.pipeline.outcomes import OutcomeCallbacks, OutcomeReceiver, reader_of
from monitor.traffic.calls import Call
from monitor.web.context import Context
from monitor.web.server import start
from probes._model import Secret, Task
from tests.integration.web.serving import SPECS, Serve, Served
from tests.support.board_values import make_config


def _now() -> datetime:
    return datetime.now(UTC)


async def _take(calls: Sequence[Call]) -> None:
    """What is reported is read, and no more."""


def _count(result: str, count: int) -> None:
    """Nor counted."""


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []
    async with ClientSession() as session:

        async def begin(
            token: str | None = None,
            rate_per_s: float | None = None,
            listen: str = "127.0.0.1",
            public: bool = False,
            **more: Any,
        ) -> Served:
            served = Served(session, "127.0.0.1", 0)
            metrics = Metrics("0", lambda: served.board.snapshot)
            for spec in SPECS:
                metrics.expect(spec.endpoint, Task.CHAT, {})
            receiver = OutcomeReceiver(
                reader_of(make_config(*SPECS)), OutcomeCallbacks(now=_now, take=_take, count=_count)
            )
            context = Context(
                snapshot=lambda: served.board.snapshot,
                problems=lambda: tuple(served.problems),
                **{"outcomes": lambda: receiver.take, "metrics": metrics.text, **more},
            )
            secret = None if token is None else Secret(token)
            address = Listen(host=listen, port=0)
            runners.append(await start(address, secret, context, rate_per_s=rate_per_s, public=public))
            served.host, served.port = runners[-1].addresses[0][:2]
            return served

        yield begin
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def served(serve: Serve) -> Served:
    return await serve()
