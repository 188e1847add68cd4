"""Bodies over real connections: refused before they are read, unpacked within bounds, never drained."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import zlib

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from monitor.web.request_body import read_body
from tests.integration.daemon.parts import PATIENT_S, end
from tests.integration.web.serving import Serve, Served

TOKEN = "s3cret-token"
ROUTE, OUTCOMES = "/v1/route", "/v1/outcomes"
WANTED = json.dumps({"model": "other/model"}).encode()
MEBIBYTE = 1 << 20


def head(path: str, *lines: str, method: str = "POST", token: str | None = TOKEN) -> bytes:
    authorization = [] if token is None else [f"Authorization: Bearer {token}"]
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *authorization, *lines, "", ""]).encode()


async def answer_to(served: Served, sent: bytes, *, end: bool = False) -> bytes:
    """All that comes back for these bytes, until the server closes."""
    reader, writer = await asyncio.open_connection(served.host, served.port)
    try:
        writer.write(sent)
        if end:
            writer.write_eof()
        async with asyncio.timeout(PATIENT_S):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def post(served: Served, path: str, body: bytes, *lines: str) -> tuple[int, bytes]:
    sent = head(path, f"Content-Length: {len(body)}", "Connection: close", *lines) + body
    status, _, rest = (await answer_to(served, sent)).partition(b"\r\n")
    return int(status.split()[1]), rest.partition(b"\r\n\r\n")[2]


def code_of(answer: bytes) -> str:
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"])


# Encodings


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "GZIP", " gzip "])
async def test_a_gzipped_body_is_read(serve: Serve, name: str) -> None:
    served = await serve(TOKEN)
    status, body = await post(served, ROUTE, gzip.compress(WANTED), f"Content-Encoding: {name}")
    assert (status, len(json.loads(body)["endpoints"])) == (200, 2)


async def test_a_body_that_is_said_to_be_plain_is_plain(serve: Serve) -> None:
    assert (await post(await serve(TOKEN), ROUTE, WANTED, "Content-Encoding: identity"))[0] == 200


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (ROUTE, "br"),
        (OUTCOMES, "deflate"),
        (ROUTE, "gzip, gzip"),
        (OUTCOMES, "gzip, br"),
        (ROUTE, "nonsense"),
        (ROUTE, "*"),
    ],
)
async def test_an_encoding_that_is_not_known_is_refused_before_the_body_comes(
    serve: Serve, path: str, name: str
) -> None:
    answer = await answer_to(await serve(TOKEN), head(path, f"Content-Encoding: {name}", "Content-Length: 1000"))
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert code_of(answer) == "unsupported_media_type"
    assert b"\r\nAccept-Encoding: gzip\r\n" in answer
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize("path", [ROUTE, OUTCOMES])
async def test_a_body_that_unpacks_to_more_than_a_mebibyte_is_too_large(serve: Serve, path: str) -> None:
    served = await serve(TOKEN)
    bomb = gzip.compress(b"[" + b" " * (1 << 28) + b"]")
    status, body = await post(served, path, bomb, "Content-Encoding: gzip")
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_entity_too_large")
    just = gzip.compress(WANTED + b" " * (MEBIBYTE - len(WANTED)))
    assert (await post(served, ROUTE, just, "Content-Encoding: gzip"))[0] == 200


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        (ROUTE, ["Content-Encoding: gzip"]),
        ("/v1/scores", ["Content-Encoding: gzip"]),
        ("/nowhere", ["Content-Encoding: deflate"]),
        (ROUTE, []),
    ],
)
async def test_a_body_that_is_refused_is_neither_unpacked_nor_waited_for(
    serve: Serve, path: str, lines: list[str]
) -> None:
    """A server that read on would take it all."""
    served = await serve(TOKEN)
    bomb = gzip.compress(b"\0" * (1 << 26))
    sent = head(path, "Content-Length: 1000000000", *lines, token=None)
    answer = await answer_to(served, sent + bomb)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert await taken_of(served, sent, bomb) < 200_000_000


async def taken_of(served: Served, sent: bytes, bomb: bytes) -> int:
    """How many bytes of a body can be sent until the server closes."""
    loop, taken = asyncio.get_running_loop(), 0
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, (served.host, served.port))
        async with asyncio.timeout(PATIENT_S):
            try:
                await loop.sock_sendall(client, sent)
                while taken < 1_000_000_000:
                    await loop.sock_sendall(client, bomb)
                    taken += len(bomb)
            except ConnectionError:
                pass
    return taken


# Sizes and ends


@pytest.mark.parametrize("path", [ROUTE, OUTCOMES])
async def test_a_body_is_refused_by_the_length_that_its_head_names(serve: Serve, path: str) -> None:
    answer = await answer_to(await serve(TOKEN), head(path, f"Content-Length: {MEBIBYTE + 1}"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer


async def test_a_body_without_a_length_is_read_up_to_a_mebibyte(serve: Serve) -> None:
    served = await serve(TOKEN)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = await answer_to(served, head(ROUTE, "Transfer-Encoding: chunked") + chunk * 20)
    assert answer.startswith(b"HTTP/1.1 413 ")
    small = b"%x\r\n" % len(WANTED) + WANTED + b"\r\n0\r\n\r\n"
    good = await answer_to(served, head(ROUTE, "Transfer-Encoding: chunked", "Connection: close") + small)
    assert good.startswith(b"HTTP/1.1 200 ")


BROKEN = {
    "no gzip": (["Content-Encoding: gzip"], WANTED),
    "half of it": (["Content-Encoding: gzip"], gzip.compress(WANTED)[:-9]),
    "wrong checksum": (["Content-Encoding: gzip"], gzip.compress(WANTED)[:-8] + bytes(8)),
    "two members": (["Content-Encoding: gzip"], gzip.compress(WANTED) * 2),
    "something behind": (["Content-Encoding: gzip"], gzip.compress(WANTED) + b"x"),
    "zlib": (["Content-Encoding: gzip"], zlib.compress(WANTED)),
    "nothing": (["Content-Encoding: gzip"], b""),
    "no json": ([], b"{"),
    "no utf-8": ([], b'{"model": "\xff\xfe"}'),
    "half a character": ([], b'{"model": "\xc3'),
    "deep": ([], b"[" * 500_000),
    "a long number": ([], b"1" * 500_000),
    "nul": ([], b"\0" * 100),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("path", [ROUTE, OUTCOMES])
async def test_a_broken_body_is_a_bad_request_and_fills_no_log(
    serve: Serve, path: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve(TOKEN)
    lines, body = BROKEN[name]
    status, answer = await post(served, path, body, *lines)
    assert (status, json.loads(answer)["error"]["code"]) == (400, "bad_request")
    assert caplog.records == []


LONE = "\\ud800"
"""Half a character, which is good JSON and no text."""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ROUTE, f'{{"model": "{LONE}"}}'),
        (ROUTE, f'{{"{LONE}": 1}}'),
        (ROUTE, f'{{"model": "other/model", "provider": {{"order": ["{LONE}"]}}}}'),
        (OUTCOMES, f'{{"outcomes": ["{LONE}"]}}'),
        (OUTCOMES, f'{{"outcomes": [{{"id": "{LONE}", "endpoint": "groq:llama", "at": "2026-01-01T00:00:00Z"}}]}}'),
        (OUTCOMES, f'{{"outcomes": [{{"id": "a", "endpoint": "{LONE}", "at": "{LONE}", "outcome": "{LONE}"}}]}}'),
        (OUTCOMES, f'{{"{LONE}": []}}'),
    ],
)
async def test_half_a_character_is_no_fault_of_ours(
    serve: Serve, path: str, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, answer = await post(await serve(TOKEN), path, body.encode())
    assert status < 500
    assert json.loads(answer)
    assert caplog.records == []


@pytest.mark.parametrize(
    "sent",
    [
        head(ROUTE, "Content-Length: many"),
        head(ROUTE, "Content-Length: -1"),
        head(ROUTE, "Content-Length: 3", "Content-Length: 4") + b"{}",
        head(ROUTE, "Content-Length: 99999999999999999999999999") + b"{}",
        head(ROUTE, "Transfer-Encoding: chunked") + b"zz\r\n",
        head(ROUTE, "Transfer-Encoding: chunked") + b"2\r\n{}zz\r\n",
        head(ROUTE, "Transfer-Encoding: gzip") + b"{}",
        head(ROUTE, "Transfer-Encoding: chunked", "Content-Length: 2") + b"{}",
    ],
)
async def test_a_body_in_a_wrong_frame_is_a_bad_request_and_fills_no_log(
    serve: Serve, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve(TOKEN)
    answer = await answer_to(served, sent)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ", b"HTTP/1.1 413 "))
    assert caplog.records == []
    assert (await served.ask("/healthz"))[0].status == 200


@pytest.mark.parametrize("lines", [["Content-Length: 100"], ["Content-Length: 100", "Content-Encoding: gzip"]])
@pytest.mark.parametrize("path", [ROUTE, OUTCOMES, "/v1/scores", "/healthz"])
async def test_who_goes_away_in_the_middle_of_a_body_fills_no_log(
    serve: Serve, path: str, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve(TOKEN)
    await answer_to(served, head(path, *lines) + b"{", end=True)
    assert (await served.ask("/healthz"))[0].status == 200
    assert caplog.records == []


# Chunks of one byte


async def test_other_tasks_run_while_a_body_comes_in_chunks_of_one_byte() -> None:
    """`request.read` reads 22,000 of them in a turn of the event loop on average, `read_body` 9,000."""
    read_in_a_turn: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        async def watch(before: int) -> None:
            while True:
                await asyncio.sleep(0)
                read_in_a_turn.append(request.content.total_bytes - before)
                before = request.content.total_bytes

        watching = asyncio.create_task(watch(request.content.total_bytes))
        body = await read_body(request)
        await end(watching)
        return web.Response(text=str(len(body)))

    app = web.Application()
    app.router.add_post("/", handler)
    size = MEBIBYTE // 2
    sent = head("/", "Transfer-Encoding: chunked", "Connection: close") + b"1\r\nx\r\n" * size + b"0\r\n\r\n"
    async with TestServer(app) as server:
        answer = await asyncio.to_thread(_exchanged, server.port, sent)
    assert answer.endswith(str(size).encode())
    turns = sum(count > 0 for count in read_in_a_turn)
    assert size / turns < 14_000


def _exchanged(port: int | None, sent: bytes) -> bytes:
    """What comes back. From a thread: the loop's turns belong to the server."""
    with socket.create_connection(("127.0.0.1", port or 0), PATIENT_S) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


# Asking for the body


async def test_the_body_is_asked_for_once_the_request_is_admitted(serve: Serve) -> None:
    served = await serve(TOKEN)
    asking = head(ROUTE, f"Content-Length: {len(WANTED)}", "Expect: 100-continue", "Connection: close")
    reader, writer = await asyncio.open_connection(served.host, served.port)
    writer.write(asking)
    async with asyncio.timeout(PATIENT_S):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(WANTED)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    refused = await answer_to(served, head(ROUTE, "Content-Length: 2", "Expect: 100-continue", token=None))
    assert refused.startswith(b"HTTP/1.1 401 ")


async def test_another_expectation_is_refused_in_json(serve: Serve) -> None:
    answer = await answer_to(await serve(TOKEN), head(ROUTE, "Content-Length: 2", "Expect: a miracle"))
    assert answer.startswith(b"HTTP/1.1 417 ")
    assert code_of(answer) == "expectation_failed"
