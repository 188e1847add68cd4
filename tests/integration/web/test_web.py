"""The HTTP API on a real server: routes, errors, token, entity tags, and invalid requests."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from monitor.config.model import Listen
from monitor.web.context import Context
from monitor.web.server import start
from tests.integration.web.serving import MINUTE, ODD, SLASHED, TICK, Serve, Served

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "providerwatch",
}
TOKEN = "s3cret-token"


def ids(document: Any) -> list[str]:
    return [row["id"] for row in document["endpoints"]]


# Health


async def test_a_process_that_answers_is_alive(served: Served) -> None:
    served.problems.append("anything")
    response, body = await served.get("/healthz")
    assert (response.status, body) == (200, {"status": "ok"})


async def test_ready_says_why_not(served: Served) -> None:
    response, body = await served.get("/readyz")
    assert (response.status, body) == (200, {"ready": True, "problems": []})
    served.problems += ["the schedule is not running", "the store does not accept samples: locked"]
    response, body = await served.get("/readyz")
    assert (response.status, body) == (503, {"ready": False, "problems": served.problems})


# Scores


async def test_the_document_is_the_snapshots_to_the_byte(served: Served) -> None:
    response, body = await served.ask("/v1/scores")
    assert (response.status, response.content_type) == (200, "application/json")
    assert body == served.board.snapshot.body
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("groq:llama", "groq:llama"),
        ("groq:llama", "groq%3Allama"),
        ("groq:llama", "%67roq%3allama"),
        (SLASHED, "my-vllm:meta-llama/llama-3.2-1b"),
        (SLASHED, "my-vllm%3Ameta-llama%2Fllama-3.2-1b"),
        (SLASHED, "my-vllm:meta-llama%2fllama-3.2-1b"),
        (ODD, "p:50%25%2Fa%3Fb%23c%20%22%C3%A9%E6%97%A5"),
        (ODD, "p:50%25/a%3Fb%23c%20%22%C3%A9%E6%97%A5"),
    ],
)
async def test_one_endpoint_is_found_by_its_id_however_that_is_written(served: Served, name: str, path: str) -> None:
    response, row = await served.get(f"/v1/scores/{path}")
    assert response.status == 200
    assert row["id"] == name
    assert row == json.loads(served.board.snapshot.rows[name].body)


@pytest.mark.parametrize(
    "path",
    [
        "nobody:none",
        "groq",
        "groq:llama/",
        "groq:llama%2F",
        "groq%253Allama",
        "%00",
        "%0A",
        "groq:llama%0A",
        "%FF",
        "x" * 4000,
        "é".encode().hex(),
    ],
)
async def test_an_unknown_id_is_not_found(served: Served, path: str) -> None:
    response, body = await served.get(f"/v1/scores/{path}")
    assert (response.status, body["error"]["code"]) == (404, "not_found")
    assert "no endpoint has the id" in body["error"]["message"]


# Filters


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("model=other/model", [SLASHED, ODD]),
        ("model=other%2Fmodel", [SLASHED, ODD]),
        ("provider=groq", ["groq:llama"]),
        ("status=down", [SLASHED]),
        ("status=maintenance", []),
        ("min_score=0.9", ["groq:llama", ODD]),
        ("min_score=0", ["groq:llama", SLASHED, ODD]),
        ("min_score=1", [ODD]),
        ("model=other/model&status=unknown&min_score=1e-3", [ODD]),
        ("provider=nobody", []),
        ("", ["groq:llama", SLASHED, ODD]),
    ],
)
async def test_a_filter_selects(served: Served, query: str, found: list[str]) -> None:
    response, body = await served.get(f"/v1/scores?{query}")
    assert (response.status, ids(body)) == (200, found)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("colour=red", "unknown parameter 'colour'; known parameters: model, provider, status, min_score"),
        ("Model=x", "unknown parameter 'Model'"),
        ("status=sideways", "status must be one of up, degraded, down, unknown, maintenance, paused, not 'sideways'"),
        ("status=", "status must be one of"),
        ("min_score=high", "min_score must be a number from 0 to 1, not 'high'"),
        ("min_score=1.01", "min_score must be a number from 0 to 1"),
        ("min_score=-0.1", "min_score must be a number from 0 to 1"),
        ("min_score=nan", "min_score must be a number from 0 to 1"),
        ("min_score=inf", "min_score must be a number from 0 to 1"),
        ("min_score=", "min_score must be a number from 0 to 1"),
    ],
)
async def test_a_wrong_filter_is_refused_with_the_reason(served: Served, query: str, words: str) -> None:
    response, body = await served.get(f"/v1/scores?{query}")
    assert (response.status, body["error"]["code"]) == (400, "bad_request")
    assert words in body["error"]["message"]


# Entity tags


@pytest.mark.parametrize("path", ["/v1/scores", "/v1/scores?provider=groq", "/v1/scores/groq:llama"])
async def test_what_did_not_change_is_not_sent_again(served: Served, path: str) -> None:
    first, _ = await served.ask(path)
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again, body = await served.ask(path, If_None_Match=known)
        assert (again.status, body, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Cache-Control"] == "no-cache"
    for unknown in ('"other"', tag.strip('"')[:-1], "nonsense"):
        again, body = await served.ask(path, If_None_Match=unknown)
        assert again.status == 200
        assert body


async def test_news_has_a_tag_of_its_own(served: Served) -> None:
    first, _ = await served.ask("/v1/scores")
    served.board.publish(TICK + 6 * MINUTE, sweep=True)
    again, body = await served.ask("/v1/scores", If_None_Match=first.headers["ETag"])
    assert (again.status, body) == (200, served.board.snapshot.body)


# Metrics


async def test_metrics_come_as_prometheus_and_as_openmetrics(served: Served) -> None:
    plain, body = await served.ask("/metrics")
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b'providerwatch_up{endpoint="groq:llama"} 1.0\n' in body
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
    modern, body = await served.ask("/metrics", Accept=accept)
    assert modern.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert body.endswith(b"# EOF\n")
    assert list(parse_openmetrics(body.decode()))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "image/png",
        "application/openmetrics-text",
        "application/openmetrics-text; version=new",
        "application/openmetrics-text; version=1.0.0; escaping=nonsense",
        "application/openmetrics-text; version=9.9.9; escaping=allow-utf-8",
        "text/plain; version=1.0.0; escaping=values",
        "text/plain; version=;;;===",
        ",;,=",
    ],
)
async def test_no_accept_header_breaks_the_metrics(served: Served, accept: str) -> None:
    response, body = await served.ask("/metrics", Accept=accept)
    assert response.status == 200
    assert b"providerwatch_up" in body


# The token


@pytest.mark.parametrize("path", ["/v1/scores", "/v1/scores/groq:llama", "/metrics", "/nowhere", "/v1/scores/nobody"])
@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Basic {TOKEN}", "Bearer é日"],
)
async def test_without_the_token_no_data_about_providers_is_sent(serve: Serve, path: str, header: str | None) -> None:
    served = await serve(TOKEN)
    headers = {} if header is None else {"Authorization": header}
    response, body = await served.get(path, **headers)
    assert (response.status, body["error"]["code"]) == (401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in json.dumps(body)


async def test_with_the_token_everything_is(serve: Serve) -> None:
    served = await serve(TOKEN)
    for path, status in (("/v1/scores", 200), ("/metrics", 200), ("/v1/scores/nobody", 404), ("/nowhere", 404)):
        response, _ = await served.ask(path, Authorization=f"Bearer {TOKEN}")
        assert response.status == status


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_needs_no_token(serve: Serve, path: str) -> None:
    served = await serve(TOKEN)
    response, _ = await served.get(path)
    assert response.status == 200


@pytest.mark.parametrize(
    "path", ["//healthz", "/healthz/", "/healthz/../v1/scores", "/healthz%2f..%2fv1/scores", "/HEALTHZ"]
)
async def test_a_path_that_looks_like_health_opens_nothing(serve: Serve, path: str) -> None:
    served = await serve(TOKEN)
    answer = await served.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 401", b"HTTP/1.1 400"))


async def test_bytes_that_are_no_text_are_a_wrong_token_and_not_a_fault(serve: Serve) -> None:
    served = await serve(TOKEN)
    answer = await served.send(
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\nConnection: close\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 401")


async def test_a_token_is_not_asked_for_where_there_is_none(served: Served) -> None:
    response, _ = await served.ask("/v1/scores", Authorization="Bearer whatever")
    assert response.status == 200


# Errors


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/v1", "/v1/", "/v1/scores/", "/v2/scores", "/metrics/x", "/.git/config", "/a%0Ab"]
)
async def test_a_place_that_does_not_exist_is_a_404_in_json(served: Served, path: str) -> None:
    response, body = await served.get(path)
    assert (response.status, body["error"]["code"]) == (404, "not_found")
    assert isinstance(body["error"]["message"], str)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("path", ["/v1/scores", "/v1/scores/groq:llama", "/metrics", "/healthz", "/readyz"])
async def test_everything_is_read_only(served: Served, method: str, path: str) -> None:
    response, body = await served.ask(path, method)
    assert response.status == 405
    assert json.loads(body)["error"]["code"] == "method_not_allowed"
    assert response.headers["Allow"] == "GET,HEAD"


async def broken(*, openmetrics: bool) -> bytes:
    raise RuntimeError("the password is hunter2")


async def test_a_fault_of_ours_shows_nothing_of_the_inside(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    served = await serve(metrics=broken)
    response, body = await served.get("/metrics")
    assert (response.status, body) == (
        500,
        {"error": {"code": "internal_server_error", "message": "internal error; the daemon's log has the details"}},
    )
    (record,) = [record for record in caplog.records if vars(record).get("action") == "request_failed"]
    assert "hunter2" in caplog.text
    assert vars(record)["path"] == "/metrics"
    assert (await served.ask("/healthz"))[0].status == 200


# Headers


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/v1/scores", "/v1/scores/groq:llama", "/metrics", "/nowhere", "/v1/scores?x=1"]
)
async def test_every_answer_carries_the_security_headers(served: Served, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        response, _ = await served.ask(path, method)
        assert {name: response.headers.get(name) for name in SECURITY} == SECURITY


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/scores", "/v1/scores/groq:llama", "/metrics", "/nowhere"])
async def test_head_is_get_without_the_body(served: Served, path: str) -> None:
    got, body = await served.ask(path)
    head, nothing = await served.ask(path, "HEAD")
    assert (head.status, nothing) == (got.status, b"")
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert head.headers.get("ETag") == got.headers.get("ETag")
    assert body


# Invalid requests


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X: x\r\n" * 50_000 + b"\r\n",
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["line", "header", "headers", "nonsense", "version", "tls"],
)
async def test_a_request_beyond_all_measure_is_refused_and_the_server_lives_on(
    served: Served, request_bytes: bytes
) -> None:
    answer = await served.send(request_bytes)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert (await served.ask("/healthz"))[0].status == 200


async def test_a_huge_body_is_refused_without_being_read(served: Served) -> None:
    head = b"POST /v1/scores HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\nConnection: close\r\n\r\n"
    answer = await served.send(head + b"x" * 1000)
    assert answer.startswith(b"HTTP/1.1 405")
    assert (await served.ask("/healthz"))[0].status == 200


async def test_what_a_reader_sends_comes_back_as_json_and_nothing_else(served: Served) -> None:
    """No markup of theirs is ever served as markup."""
    response, body = await served.get("/v1/scores/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert response.status == 404
    assert "<script>" in body["error"]["message"]
    assert response.content_type == "application/json"


async def test_many_readers_at_once_all_see_a_whole_document(served: Served) -> None:
    async def read() -> list[bytes]:
        return [(await served.ask("/v1/scores"))[1] for _ in range(10)]

    async def write() -> None:
        for number in range(50):
            served.board.publish(TICK + number * MINUTE, sweep=True)
            bodies.add(served.board.snapshot.body)
            await asyncio.sleep(0)

    bodies = {served.board.snapshot.body}
    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(read()) for _ in range(10)]
        group.create_task(write())
    assert {body for reader in readers for body in reader.result()} <= bodies


# The address


async def test_a_taken_address_is_an_os_error_and_leaves_nothing(serve: Serve) -> None:
    served = await serve()
    context = Context(snapshot=lambda: served.board.snapshot, problems=tuple)
    with pytest.raises(OSError, match="address already in use"):
        await start(Listen(host=served.host, port=served.port), None, context)
    assert (await served.ask("/healthz"))[0].status == 200
