"""The examples in docs/http.md work."""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientTimeout
from yarl import URL

from monitor.config.model import Config
from monitor.domain.status import Status
from monitor.domain.tier import tier_of
from monitor.routing.tiers import POLICY, WORDS
from monitor.web.context import Context
from monitor.web.rate_limit import RateLimit
from monitor.web.routes.stream import StreamLimits
from monitor.web.server import all_routes
from tests.integration.daemon.parts import end, until
from tests.integration.web.serving import TICK, Served
from tests.support.board_values import make_board, make_spec, sample_at

PAGE = (Path(__file__).parents[3] / "docs" / "http.md").read_text()
ID = "groq:llama-3.1-8b-instant"
CURLS = re.findall(r"^\$ (curl .+)$", PAGE, re.MULTILINE)


@pytest.fixture
def shown(served: Served) -> Served:
    served.board = make_board(make_spec(ID), make_spec("vllm:x"))
    served.board.absorb([sample_at(TICK, name=ID)])
    served.board.publish(TICK)
    return served


@pytest.mark.parametrize("line", CURLS)
async def test_what_is_typed_is_answered(shown: Served, line: str) -> None:
    words = shlex.split(line)
    headers = dict(words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H")
    url = URL(words[-1]).with_host(shown.host).with_port(shown.port)
    async with ClientSession(timeout=ClientTimeout(total=60)) as session, session.get(url, headers=headers) as response:
        assert response.status == 200
        assert await response.content.readany()


def test_every_route_is_on_the_page() -> None:
    board = make_board()
    routes = all_routes(Context(snapshot=lambda: board.snapshot, problems=tuple))
    told = set(re.findall(r"`(?:GET |POST )?(/[^`? ]*)`", PAGE.partition("```")[0]))
    assert {route.path for route in routes} <= told


def test_the_table_of_checks_is_the_codes() -> None:
    rows = re.findall(r"^\| ((?:`\w+`,? ?)+) \| (\d+) \|", PAGE.partition("## The check")[2], re.MULTILINE)
    told = {status: code for statuses, code in rows for status in re.findall(r"`(\w+)`", statuses)}
    codes = {status: WORDS[POLICY[tier_of(status, refused=False)].use].check for status in Status}
    assert told == {status.value: f"{code:d}" for status, code in codes.items()}


def test_figures_are_the_codes() -> None:
    limits = StreamLimits()
    assert f"{limits.look_s * 1000:g} ms" in PAGE
    assert f"After {limits.silence_s:g} s without news" in PAGE
    assert f"nothing for {limits.patience_s:g} s" in PAGE
    assert f"There are {limits.streams:,} streams" in PAGE
    default = Config(providers={}, endpoints=(), probes={}).rate_limit
    assert f"`rate_limit` requests a second ({default})" in PAGE
    buckets = RateLimit(default)
    assert [buckets.take("a", 0.0) == 0 for _ in range(2 * default + 1)] == [True] * (2 * default) + [False]


async def test_the_programs_reader_follows(shown: Served) -> None:
    (source,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(source, "http.md", "exec"), names)
    rows: dict[str, Any] = {"gone": {}}
    task = asyncio.create_task(names["follow"](f"http://{shown.host}:{shown.port}/v1/scores/stream", rows))
    await until(lambda: list(rows) == [ID, "vllm:x"])
    shown.board.absorb([sample_at(TICK, name="vllm:x")])
    shown.board.publish(TICK)
    await until(lambda: rows["vllm:x"]["status"] == "up")
    await end(task)
