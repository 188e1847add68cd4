"""Limits over real connections: request rate, token, size of requests."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from monitor.web.auth import Access, Authenticator
from monitor.web.middleware import with_middleware
from tests.integration.web.serving import Serve, Served

TOKEN = "s3cret-token"


async def statuses(served: Served, path: str, times: int, **headers: str) -> list[int]:
    return [(await served.ask(path, **headers))[0].status for _ in range(times)]


async def test_a_client_with_too_many_requests_gets_retry_after(serve: Serve) -> None:
    served = await serve(rate_per_s=0.01)
    assert await statuses(served, "/v1/scores", 3) == [200, 429, 429]
    response, body = await served.get("/v1/scores/groq:llama")
    assert (response.status, body["error"]["code"]) == (429, "too_many_requests")
    assert 90 <= int(response.headers["Retry-After"]) <= 100
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/v1/scores", "/v1/check/groq:llama", "/metrics", "/nowhere", "/openapi.json"])
async def test_every_route_and_every_place_that_is_none_counts(serve: Serve, path: str) -> None:
    served = await serve(rate_per_s=0.01)
    assert (await statuses(served, path, 2))[1] == 429


async def test_health_is_always_answered(serve: Serve) -> None:
    served = await serve(rate_per_s=0.01)
    await statuses(served, "/v1/scores", 3)
    for path in ("/healthz", "/readyz"):
        assert await statuses(served, path, 5) == [200] * 5


async def test_who_guesses_tokens_is_limited_too(serve: Serve) -> None:
    served = await serve(TOKEN, rate_per_s=0.01)
    assert await statuses(served, "/v1/scores", 2, Authorization="Bearer guess") == [401, 429]


async def test_a_client_that_keeps_to_its_rate_is_never_refused(serve: Serve) -> None:
    served = await serve(rate_per_s=1e6)
    assert set(await statuses(served, "/v1/scores", 200)) == {200}


async def test_an_answer_that_leads_elsewhere_is_safe_too() -> None:
    async def lead(_: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere")

    app = web.Application()
    app.router.add_get("/", with_middleware(lead, Authenticator(Access(), lambda: 0.0).admit))
    async with TestClient(TestServer(app)) as client, client.get("/", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, "/elsewhere")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_without_a_limit_no_client_is_refused(served: Served) -> None:
    answers = await asyncio.gather(*(served.ask("/v1/check/groq:llama") for _ in range(500)))
    assert {response.status for response, _ in answers} == {200}


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 8_000 + b"\r\n", b"200"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9_000 + b"\r\n", b"400"),
        (b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: x\r\n" * 40, b"200"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: x\r\n" * 100, b"400"),
    ],
    ids=["long header", "too long header", "too long line", "many headers", "too many headers"],
)
async def test_a_request_has_a_size_and_one_beyond_it_fills_no_log(
    served: Served, line: bytes, status: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await served.send(line + b"Connection: close\r\n\r\n")
    assert answer.split(b" ")[1] == status
    assert caplog.records == []
    assert (await served.ask("/healthz"))[0].status == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("/healthz?x=1", "unknown parameter 'x'; this path has no parameters"),
        ("/v1/check/groq:llama?model=x", "unknown parameter 'model'; this path has no parameters"),
        ("/v1/scores?model=a&model=b", "the parameter model is given twice; give it once"),
        ("/v1/scores/stream?status=up", "unknown parameter 'status'; known parameters: model, provider"),
    ],
)
async def test_a_query_with_unknown_parameters_is_refused(served: Served, query: str, words: str) -> None:
    response, body = await served.get(query)
    assert (response.status, body) == (400, {"error": {"code": "bad_request", "message": words}})


async def test_a_bare_question_mark_is_no_query(served: Served) -> None:
    _, body = await served.ask("/v1/scores?")
    assert body == served.board.snapshot.body


async def test_a_path_with_a_question_mark_in_it_is_no_query_either(served: Served) -> None:
    response, body = await served.ask("/v1/scores/p:50%25%2Fa%3Fb%23c%20%22%C3%A9%E6%97%A5")
    assert (response.status, json.loads(body)["provider"]) == (200, "p")


# The host that is asked for


OURS = ["127.0.0.1", "127.0.0.1:8780", "localhost", "LOCALHOST:1", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]:8780"]
OTHERS = [
    "evil.example",
    "127.0.0.1.evil.example:8780",
    "0.0.0.0:8780",
    "192.168.0.7",
    "[::2]",
    "::1",
    "",
    "x, localhost",
]
EVERYWHERE = ["/v1/scores", "/v1/check/groq:llama", "/metrics", "/openapi.json", "/healthz", "/readyz", "/nowhere"]


async def told(served: Served, host: str, path: str = "/v1/scores") -> int:
    """The status of the answer to a request with this Host."""
    head = await served.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    return int(head.split()[1])


async def test_without_a_token_a_loopback_address_answers_to_its_own_names_only(served: Served) -> None:
    """Else a page of a stranger, whose name leads to this machine, could read all that a browser here can."""
    assert {host: await told(served, host) for host in OURS} == dict.fromkeys(OURS, 200)
    assert {host: await told(served, host) for host in OTHERS} == dict.fromkeys(OTHERS, 421)


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_no_place_answers_to_the_name_of_another(served: Served, path: str) -> None:
    response, body = await served.get(path, Host="evil.example")
    assert (response.status, body["error"]["code"]) == (421, "misdirected_request")
    assert "public: true" in body["error"]["message"]
    response, _ = await served.ask("/v1/route", "POST", Host="evil.example")
    assert response.status == 421


async def test_of_two_hosts_both_must_be_ours(served: Served) -> None:
    head = await served.send(b"GET /v1/scores HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
    assert head.split()[1] in {b"400", b"421"}


async def test_a_client_that_names_no_host_is_no_browser(served: Served) -> None:
    assert (await served.send(b"GET /v1/scores HTTP/1.0\r\n\r\n")).split()[1] == b"200"


async def test_an_ipv6_address_answers_to_itself(serve: Serve) -> None:
    served = await serve(listen="::1")
    assert await told(served, f"[::1]:{served.port}") == 200
    assert await told(served, "evil.example") == 421


async def test_who_has_a_token_or_is_public_answers_to_any_name(serve: Serve) -> None:
    assert await told(await serve(public=True), "status.example") == 200
    served = await serve(TOKEN)
    response, _ = await served.ask("/v1/scores", Host="status.example", Authorization=f"Bearer {TOKEN}")
    assert response.status == 200
