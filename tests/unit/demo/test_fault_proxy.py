"""Each provider of the proxy does on the wire what its name says."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from aiohttp import ClientPayloadError, ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer

from monitor.demo import fault_proxy
from monitor.demo.fault_proxy import serving
from monitor.demo.faults import InjectedFault

EVENTS = [
    b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n',
    *(b'data: {"choices":[{"delta":{"content":"%d"}}]}\n\n' % n for n in range(5)),
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]
GAP_S = 0.02


async def model(request: web.Request) -> web.StreamResponse:
    """A provider that streams EVENTS; of what it was asked, it tells in a header."""
    asked = await request.json()
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    assert asked["stream"] is True
    for event in EVENTS:
        await answer.write(event)
        await asyncio.sleep(GAP_S)
    return answer


async def echo(request: web.Request) -> web.Response:
    return web.json_response({"path": request.path_qs, "headers": dict(request.headers)}, status=418)


async def vanish(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    await answer.write(EVENTS[0])
    assert request.transport is not None
    request.transport.close()
    return answer


@asynccontextmanager
async def proxied(weights: Mapping[InjectedFault, int] | None = None) -> AsyncIterator[tuple[ClientSession, str]]:
    application = web.Application()
    application.router.add_post("/v1/chat/completions", model)
    application.router.add_post("/v1/vanish", vanish)
    application.router.add_get("/v1/echo", echo)
    async with (
        TestServer(application) as upstream,
        serving(
            str(upstream.make_url("/")), chance=random.Random(1), weights=weights or {InjectedFault.NONE: 1}
        ) as address,
        ClientSession() as session,
    ):
        yield session, address


@asynccontextmanager
async def flaky(fault: InjectedFault) -> AsyncIterator[ClientResponse]:
    """The answer to one request that `fault` strikes."""
    async with (
        proxied({fault: 1}) as (session, address),
        session.post(f"{address}/flaky/v1/chat/completions", json={"stream": True}) as answer,
    ):
        yield answer


async def streamed(session: ClientSession, url: str) -> tuple[bytes, list[float]]:
    """The body, and when its pieces arrived, in seconds after the request."""
    start_s, body, arrivals = monotonic(), b"", []
    async with session.post(url, json={"stream": True}) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        async for piece, _ in answer.content.iter_chunks():
            body += piece
            arrivals.append(monotonic() - start_s)
    return body, arrivals


async def test_a_request_without_a_fault_passes_unchanged_and_unbuffered() -> None:
    async with proxied() as (session, address):
        body, arrivals = await streamed(session, f"{address}/flaky/v1/chat/completions")
    assert body == b"".join(EVENTS)
    assert arrivals[-1] - arrivals[0] > GAP_S * (len(EVENTS) - 2)


async def test_the_slow_provider_starts_late_and_pauses_before_each_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_proxy, "SLOW_START_S", 0.3)
    monkeypatch.setattr(fault_proxy, "SLOW_CHUNK_S", 0.05)
    async with proxied() as (session, address):
        body, arrivals = await streamed(session, f"{address}/slow/v1/chat/completions")
    assert body == b"".join(EVENTS)
    assert arrivals[0] >= 0.3 + 0.05
    assert arrivals[-1] - arrivals[0] >= 0.05 * (len(EVENTS) - 1.5)


@pytest.mark.parametrize(("fault", "status"), [(InjectedFault.OVERLOADED, 503), (InjectedFault.RATE_LIMITED, 429)])
async def test_a_refusal_is_json_with_its_status(fault: InjectedFault, status: int) -> None:
    async with flaky(fault) as answer:
        assert answer.status == status
        assert answer.headers.get("Retry-After") == ("1" if fault is InjectedFault.RATE_LIMITED else None)
        assert (await answer.json())["error"]["code"] == status


async def test_a_truncated_stream_breaks_off_after_the_first_token() -> None:
    async with flaky(InjectedFault.TRUNCATE) as answer:
        first = await answer.content.readexactly(len(EVENTS[0] + EVENTS[1]))
        with pytest.raises(ClientPayloadError):
            await answer.content.read()
    assert first == EVENTS[0] + EVENTS[1]


async def test_a_stream_with_an_error_ends_with_it() -> None:
    async with proxied({InjectedFault.STREAM_ERROR: 1}) as (session, address):
        body, _ = await streamed(session, f"{address}/flaky/v1/chat/completions")
    *before, last, nothing = body.split(b"\n\n")
    assert b"\n\n".join(before) + b"\n\n" == EVENTS[0] + EVENTS[1]
    assert json.loads(last.removeprefix(b"data: "))["error"]["type"] == "server_error"
    assert nothing == b""


async def test_a_stalled_stream_stays_open_and_silent() -> None:
    async with flaky(InjectedFault.STALL) as answer:
        await answer.content.readexactly(len(EVENTS[0] + EVENTS[1]))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await answer.content.readany()


async def test_other_answers_and_their_status_pass_and_the_key_with_them() -> None:
    async with proxied() as (session, address):
        headers = {"Authorization": "Bearer x"}
        async with session.get(f"{address}/flaky/v1/echo?a=b", headers=headers) as answer:
            assert answer.status == 418
            told = await answer.json()
    assert told["path"] == "/v1/echo?a=b"
    assert told["headers"]["Authorization"] == "Bearer x"


async def test_only_the_two_providers_are_reachable() -> None:
    async with proxied() as (session, address):
        for path in ("/v1/echo", "/flaky/slots", "/steady/v1/echo"):
            async with session.get(address + path) as answer:
                assert answer.status == 404


async def test_a_model_that_vanishes_in_mid_stream_truncates_the_answer() -> None:
    async with proxied() as (session, address):
        with pytest.raises(ClientPayloadError):
            await streamed(session, f"{address}/flaky/v1/vanish")


async def test_a_model_that_cannot_be_reached_is_a_bad_gateway() -> None:
    async with (
        serving("http://127.0.0.1:1", chance=random.Random(1), weights={InjectedFault.NONE: 1}) as address,
        ClientSession() as session,
        session.get(f"{address}/flaky/v1/models") as answer,
    ):
        assert answer.status == 502
