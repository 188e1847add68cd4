"""The pages over a real server: who may see them, their headers, errors, caching."""

from __future__ import annotations

import asyncio
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from monitor.config.model import Listen
from monitor.store import StoreError
from monitor.web.auth import Authenticator, access_of
from monitor.web.context import Context, MonitorState
from monitor.web.pages.rendering import PageCache, PageLimits, page_document
from monitor.web.responses import Document
from monitor.web.server import listen, set_up
from probes._model import Secret
from tests.integration.daemon.parts import until
from tests.support.showcase import Showcase, every_state

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
LISTEN = Listen(host="127.0.0.1", port=0)


class Site:
    """A server with pages, and a client of it."""

    def __init__(self, showcase: Showcase, session: ClientSession, url: str) -> None:
        self.showcase = showcase
        self.session = session
        self.url = url

    async def get(self, path: str = "/", method: str = "GET", **headers: str) -> tuple[ClientResponse, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(method, self.url + path, headers=named, allow_redirects=False) as response:
            return response, await response.text()


@asynccontextmanager
async def site(token: str | None = None, *, public_pages: bool = False, **changes: Any) -> AsyncIterator[Site]:
    showcase = Showcase(every_state())
    await showcase.fill()
    context: Context = replace(showcase.context(), **changes)
    access = access_of(LISTEN, None if token is None else Secret(token), public_pages=public_pages)
    runner = await set_up(Authenticator(access, time.monotonic), context)
    server = await listen(runner, LISTEN)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        async with ClientSession() as session:
            yield Site(showcase, session, f"http://{host}:{port}")
    finally:
        server.close()
        await runner.cleanup()


def basic(password: str, user: str = "anyone") -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


async def test_a_page_has_strict_headers_and_a_body() -> None:
    async with site() as served:
        response, body = await served.get()
        assert (response.status, response.content_type, response.charset) == (200, "text/html", "utf-8")
        assert response.headers["Content-Security-Policy"] == CSP
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert "1 of 12 endpoints is down" in body


async def test_head_is_the_page_without_its_body() -> None:
    async with site() as served:
        response, body = await served.get(method="HEAD")
        assert (response.status, body) == (200, "")
        assert response.headers["Content-Security-Policy"] == CSP


async def test_an_unchanged_page_is_a_304_under_the_same_policy() -> None:
    async with site() as served:
        first, _ = await served.get()
        again, body = await served.get(If_None_Match=first.headers["ETag"])
        assert (again.status, body) == (304, "")
        assert again.headers["Content-Security-Policy"] == CSP


async def test_files_are_named_by_their_content_and_kept_forever() -> None:
    async with site() as served:
        _, body = await served.get()
        paths = re.findall(r'"(/static/[^"]+)"', body)
        assert len(paths) == 2
        for path in paths:
            response, _ = await served.get(path)
            assert response.status == 200
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert response.content_type in {"text/css", "text/javascript"}
        missing, text = await served.get("/static/style.0000000000000000.css")
        assert (missing.status, missing.content_type) == (404, "text/html")
        assert "No such file" in text


async def test_unknown_parameters_are_ignored_and_wrong_values_are_a_page() -> None:
    async with site() as served:
        assert (await served.get("/?utm_source=chat&columns=a&columns=b"))[0].status == 200
        response, body = await served.get("/?status=broken")
        assert (response.status, response.content_type) == (400, "text/html")
        assert "Status must be one of up, degraded" in body
        assert response.headers["Content-Security-Policy"] == CSP


async def test_filters_select_rows() -> None:
    async with site() as served:
        _, body = await served.get("/?status=down")
        assert re.findall(r'data-endpoint="([^"]+)"', body) == ["groq:llama"]


async def test_browsers_get_404s_as_pages_that_name_what_is_like_the_path_and_programs_as_json() -> None:
    async with site() as served:
        response, body = await served.get("/endpoints/groq:lama", Accept="text/html,*/*;q=0.8")
        assert (response.status, response.content_type) == (404, "text/html")
        assert "groq:llama" in body
        response, body = await served.get("/endpoints/groq:lama")
        assert (response.status, response.content_type) == (404, "application/json")
        response, _ = await served.get("/nothing", method="POST", Accept="text/html")
        assert (response.status, response.content_type) == (404, "application/json")


async def test_pages_are_not_in_the_openapi_document() -> None:
    async with site() as served:
        _, body = await served.get("/openapi.json")
        assert '"/":' not in body
        assert "static" not in body


async def test_without_pages_the_paths_are_unknown() -> None:
    async with site() as served:
        served.showcase.is_on = False
        for path in ("/", "/static/style.0000000000000000.css", "/x"):
            response, body = await served.get(path, Accept="text/html")
            assert (response.status, response.content_type) == (404, "application/json"), body


async def test_a_context_without_pages_has_no_page() -> None:
    async with site(pages=None) as served:
        response, _ = await served.get(Accept="text/html")
        assert (response.status, response.content_type) == (404, "application/json")


async def test_a_browser_is_asked_for_the_token_and_may_send_it_as_a_password() -> None:
    async with site("s3cret") as served:
        response, body = await served.get()
        assert (response.status, response.content_type) == (401, "text/html")
        assert response.headers["WWW-Authenticate"] == 'Basic realm="Providerwatch", charset="UTF-8"'
        assert "fra1" not in body
        assert (await served.get(Authorization=basic("s3cret")))[0].status == 200
        assert (await served.get(Authorization=basic("s3cret", user="")))[0].status == 200
        assert (await served.get(Authorization="Bearer s3cret"))[0].status == 200


@pytest.mark.parametrize(
    "sent", [basic("wrong"), basic("s3cret ")[:-2], "Basic s3cret", "Basic \u00e9", "Basic ", "Digest s3cret", "s3cret"]
)
async def test_anything_but_the_token_is_refused(sent: str) -> None:
    async with site("s3cret") as served:
        assert (await served.get(Authorization=sent))[0].status == 401


async def test_the_sheet_of_the_401_needs_no_token() -> None:
    async with site("s3cret") as served:
        _, body = await served.get()
        for path in re.findall(r'"(/static/[^"]+)"', body):
            assert (await served.get(path))[0].status == 200


async def test_a_password_opens_the_stream_and_no_other_route() -> None:
    async with site("s3cret") as served:
        sent = basic("s3cret")
        assert (await served.get("/v1/scores/stream", method="HEAD", Authorization=sent))[0].status == 200
        assert (await served.get("/v1/scores/stream", method="HEAD"))[0].status == 401
        assert (await served.get("/v1/scores", Authorization=sent))[0].status == 401
        assert (await served.get("/v1/outcomes", method="POST", Authorization=sent))[0].status == 401


async def test_public_pages_need_no_token_and_leave_out_what_strangers_must_not_see() -> None:
    async with site("s3cret", public_pages=True) as served:
        served.showcase.monitor = MonitorState(store_error="/var/lib/secret.db is locked")
        response, body = await served.get()
        assert response.status == 200
        for hidden in (
            "your key",
            "Your key",
            "Probing today",
            "dep-17",
            "secret.db",
            'data-live="stream"',
            "/openapi",
        ):
            assert hidden not in body, hidden
        assert 'data-live="poll"' in body
        assert (await served.get("/v1/scores"))[0].status == 401
        assert (await served.get("/v1/scores/stream"))[0].status == 401


async def test_who_sends_the_token_sees_everything_on_public_pages() -> None:
    async with site("s3cret", public_pages=True) as served:
        _, stranger = await served.get()
        _, owner = await served.get(Authorization=basic("s3cret"))
        assert "your key" in owner
        assert "your key" not in stranger


async def test_a_failing_store_leaves_the_page_and_its_figures() -> None:
    async with site() as served:

        async def fail(*_: object) -> Any:
            raise StoreError("database is locked")

        served.showcase.store.tallies = fail  # type: ignore[method-assign, assignment]
        served.showcase.monitor = MonitorState(store_error="database is locked")
        response, body = await served.get()
        assert response.status == 200
        assert "history cannot be read now" in body
        assert "The store does not accept samples" in body


async def test_a_store_that_recovers_shows_the_hours_again() -> None:
    async with site() as served:
        real = served.showcase.store.tallies

        async def fail(*_: object) -> Any:
            raise StoreError("database is locked")

        served.showcase.store.tallies = fail  # type: ignore[method-assign, assignment]
        assert "history cannot be read now" in (await served.get("/?q=groq"))[1]
        served.showcase.store.tallies = real  # type: ignore[method-assign]
        assert "history cannot be read now" not in (await served.get("/?q=together"))[1]


async def test_a_fault_of_a_page_is_a_page_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with site() as served:
        served.showcase.spending = [None]  # type: ignore[list-item]
        response, body = await served.get()
        assert (response.status, response.content_type) == (500, "text/html")
        assert "NoneType" not in body
        assert "request failed" in caplog.text


class Renderings:
    """Counts renderings, at a time of ours."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.count = 0
        self.cache = PageCache(PageLimits(bytes=20_000), lambda: self.now_s)

    def render(self) -> Document:
        self.count += 1
        return page_document(f"<p>{self.count}{'x' * 100}")

    async def ask(self, question: str = "a", basis: object = 1) -> bytes:
        return (await self.cache.document(question, basis, self.render)).plain.body


async def test_a_page_is_rendered_once_for_all_who_ask_at_the_same_time() -> None:
    made = Renderings()
    assert len(set(await asyncio.gather(*(made.ask() for _ in range(10))))) == 1
    assert made.count == 1


async def test_after_a_change_a_page_is_rendered_for_the_next_request_but_not_within_a_second() -> None:
    made = Renderings()
    await made.ask(basis=1)
    await made.ask(basis=2)
    assert made.count == 1
    made.now_s += 1.5
    first = await made.ask(basis=2)
    await until(lambda: made.count == 2)
    await until(lambda: not made.cache._successors)
    assert await made.ask(basis=2) != first
    assert made.count == 2


async def test_no_request_waits_for_a_page_whose_predecessor_can_be_served() -> None:
    made = Renderings()
    before = await made.ask(basis=1)
    made.now_s += 2
    assert await asyncio.gather(*(made.ask(basis=2) for _ in range(10))) == [before] * 10
    await until(lambda: not made.cache._successors)
    assert made.count == 2


async def test_a_fault_in_a_successor_is_raised_once_the_old_page_is_too_old() -> None:
    made = Renderings()
    before = await made.ask(basis=1)
    made.now_s += 2

    def fail() -> Document:
        raise RuntimeError("a fault")

    assert (await made.cache.document("a", 2, fail)).plain.body == before
    await until(lambda: not made.cache._successors)
    made.now_s += 4
    with pytest.raises(RuntimeError, match="a fault"):
        await made.cache.document("a", 2, fail)


async def test_successors_end_with_the_server() -> None:
    made = Renderings()
    await made.ask(basis=1)
    made.now_s += 2
    await made.ask(basis=2)
    await made.cache.close()
    assert not made.cache._successors


async def test_an_unchanged_page_is_rendered_again_when_its_ages_are_old() -> None:
    made = Renderings()
    await made.ask()
    made.now_s += 4
    await made.ask()
    assert made.count == 1
    made.now_s += 2
    await made.ask()
    assert made.count == 2


async def test_many_different_pages_are_kept_only_up_to_a_size() -> None:
    made = Renderings()
    for number in range(300):
        await made.ask(str(number))
    assert made.count == 300
    await made.ask("299")
    assert made.count == 300
    await made.ask("0")
    assert made.count == 301


async def test_too_many_pages_at_once_are_refused() -> None:
    made = Renderings()
    made.cache = PageCache(PageLimits(waiting=3), lambda: made.now_s)
    asked = await asyncio.gather(*(made.ask(str(number)) for number in range(10)), return_exceptions=True)
    refused = [error for error in asked if isinstance(error, Exception)]
    assert len(refused) == 7
    assert {getattr(error, "status", None) for error in refused} == {503}
