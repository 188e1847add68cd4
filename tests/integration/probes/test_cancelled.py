"""A probe that is cancelled closes its connection at once and leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from probes._driver import measure
from tests.integration.probes.asking import CODEC, run_to
from tests.integration.probes.provider import ANSWER, ROLE, Act, Step, black_hole, head, serving
from tests.integration.probes.watching import PATIENCE_S, open_sockets, until


@pytest.mark.parametrize(
    ("scheme", "script"),
    [
        pytest.param("https", (), id="in the TLS handshake"),
        pytest.param("http", (Act.ASKED,), id="before the head"),
        pytest.param("http", (Act.ASKED, head()[:-2]), id="in the head"),
        pytest.param("http", (Act.ASKED, head(), ROLE), id="before content"),
        pytest.param("http", (Act.ASKED, head(), ANSWER), id="after content"),
        pytest.param("http", (Act.ASKED, head("500 Oops")), id="in a refusal"),
    ],
)
async def test_a_probe_that_is_cancelled_closes_its_connection_at_once(scheme: str, script: tuple[Step, ...]) -> None:
    reached = asyncio.Event()
    loop = asyncio.get_running_loop()
    with serving(*script, 0.05, lambda: loop.call_soon_threadsafe(reached.set), Act.LEFT) as provider:
        probing = asyncio.create_task(measure(run_to(provider.base_url.replace("http", scheme)), CODEC))
        await reached.wait()
        assert provider.visit.left_ns is None
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        assert provider.visit.over.wait(PATIENCE_S), "the loop gets no further turn, and need not"
        assert provider.visit.left_ns is not None


async def test_a_probe_that_is_cancelled_while_it_connects_leaves_no_socket_open() -> None:
    before = open_sockets()
    with black_hole() as base_url:
        held = open_sockets()
        probing = asyncio.create_task(measure(run_to(base_url), CODEC))
        await until(lambda: open_sockets() > held)
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        assert open_sockets() == held
    assert open_sockets() == before


async def test_a_probe_that_is_cancelled_before_it_began_makes_no_connection() -> None:
    with serving(Act.ASKED, head()) as provider:
        probing = asyncio.create_task(measure(run_to(provider.base_url), CODEC))
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        assert provider.visits == []


async def test_many_probes_leave_no_socket_open() -> None:
    with serving(Act.ASKED, head(), ANSWER) as provider:
        before = open_sockets()
        await asyncio.gather(*(measure(run_to(provider.base_url), CODEC) for _ in range(20)))
        assert all(visit.over.wait(PATIENCE_S) for visit in provider.visits)
        assert open_sockets() == before
