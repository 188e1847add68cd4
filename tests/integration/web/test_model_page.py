"""The page of a model over HTTP: a real server, a filled store, and what strangers and failing stores make of it."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientResponse, ClientSession, web
from yarl import URL

from monitor.config.model import Listen
from monitor.store import Bucket, RollupTier, StoreError
from monitor.traffic.counted import Tokens, TrafficBatch
from monitor.web.auth import Authenticator, access_of
from monitor.web.context import Context
from monitor.web.pages.model.endpoints import ModelEndpoint, endpoints_of_model
from monitor.web.pages.model.query import ModelQuery
from monitor.web.pages.model.reading import ModelHistories, RenderedHistory
from monitor.web.server import set_up
from probes._model import Secret
from tests.integration.daemon.parts import PATIENT_S
from tests.support.memory_store import MemoryStore
from tests.support.showcase import CLAUDE, LLAMA, NOW, Behaviour, Showcase, every_state, hostile

PAGE = f"/models/{LLAMA}"
TOKEN = "a token for tests"
HOURS = timedelta(hours=3)
Ask = Callable[..., Awaitable[tuple[ClientResponse, str]]]


def of_model(model: str) -> list[Behaviour]:
    return [replace(item, begins=min(item.begins, HOURS)) for item in every_state() if item.spec.model == model]


async def showcase(behaviours: Sequence[Behaviour]) -> Showcase:
    show = Showcase(behaviours)
    await show.fill()
    return show


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Serves a context and asks it."""
    runners: list[web.AppRunner] = []
    async with ClientSession(auto_decompress=False) as session:

        async def asked(
            context: Context, path: str, method: str = "GET", token: str | None = None, **headers: str
        ) -> tuple[ClientResponse, str]:
            secret = None if token is None else Secret(token)
            access = access_of(Listen(port=0), secret, public_pages=token is not None)
            runners.append(await set_up(Authenticator(access, time.monotonic), context))
            await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
            url = URL(f"http://127.0.0.1:{runners[-1].addresses[0][1]}{path}", encoded=True)
            async with session.request(method, url, headers={"Accept-Encoding": "identity", **headers}) as response:
                body = await response.read()
            if response.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            return response, body.decode()

        yield asked
        for runner in runners:
            await runner.cleanup()


async def test_the_page_has_every_section_and_a_policy_without_inline_code(ask: Ask) -> None:
    show = await showcase(of_model(LLAMA))
    await show.store.append([], {}, traffic=_traffic(show.now))
    response, html = await ask(show.context(), PAGE)
    assert (response.status, response.content_type) == (200, "text/html")
    assert "unsafe-inline" not in response.headers["Content-Security-Policy"]
    for heading in ("Providers", "Performance", "Uptime", "Recent activity", "Applications", "Sample code"):
        assert f">{heading}</h2>" in html
    assert "support-bot" in html
    assert " style=" not in html
    assert html.count("<svg") > 20
    ids = [part.split('"')[0] for part in html.split(' id="')[1:]]
    assert len({*ids}) == len(ids)


async def test_gzip_gives_the_same_page(ask: Ask) -> None:
    show = await showcase(of_model(LLAMA)[:1])
    _, plain = await ask(show.context(), PAGE)
    response, packed = await ask(show.context(), PAGE, **{"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert packed == plain


async def test_a_page_that_is_known_is_not_sent_again(ask: Ask) -> None:
    context = (await showcase(of_model(LLAMA)[:1])).context()
    first, _ = await ask(context, PAGE)
    second, body = await ask(context, PAGE, **{"If-None-Match": first.headers["ETag"]})
    assert (second.status, body) == (304, "")
    head, body = await ask(context, PAGE, "HEAD")
    assert (head.status, body, head.headers["ETag"]) == (200, "", first.headers["ETag"])


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/models/meta-llama/llama-3.3", 404, "No model has the name"),
        (f"{PAGE}?window=5y", 400, "window must be one of"),
        (f"{PAGE}?from=2026-11-22T00:00:00Z", 400, "from and to must stand together"),
        (f"{PAGE}?columns=%3Cb%3E", 400, "columns may hold"),
    ],
)
async def test_what_does_not_exist_is_refused_as_a_page(ask: Ask, path: str, status: int, words: str) -> None:
    show = await showcase(of_model(LLAMA)[:1])
    response, html = await ask(show.context(), path)
    assert (response.status, response.content_type) == (status, "text/html")
    assert words.casefold() in html.casefold()
    assert "<b>" not in html.partition("<main")[2]


async def test_an_unknown_model_leads_to_the_nearest_one(ask: Ask) -> None:
    _, html = await ask((await showcase(of_model(LLAMA)[:1])).context(), "/models/meta-llama/llama-3.3-70b")
    assert f'href="{PAGE}"' in html


async def test_every_choice_is_in_the_address(ask: Ask) -> None:
    context = (await showcase(of_model(LLAMA))).context()
    _, html = await ask(context, f"{PAGE}?window=7d&columns=status,served&endpoint=fireworks:llama&unknown=1")
    assert 'href="/models/meta-llama/llama-3.3-70b-instruct?window=30d' in html
    assert "columns=status,served" in html
    assert html.count('<th scope="col"') >= 3
    assert "samples do not record which model the answers name" in html


async def test_a_zoom_is_read_from_the_store(ask: Ask) -> None:
    begin, end = NOW - timedelta(hours=6), NOW - timedelta(hours=1)
    zoom = f"from={quote(begin.isoformat())}&to={quote(end.isoformat())}"
    response, html = await ask((await showcase(of_model(LLAMA)[:1])).context(), f"{PAGE}?{zoom}")
    assert response.status == 200
    assert f"{begin:%Y-%m-%d %H:%M} UTC to {end:%Y-%m-%d %H:%M} UTC" in html


@pytest.mark.parametrize("item", hostile(), ids=["markup", "long", "arabic", "odd"])
async def test_hostile_names_are_text(ask: Ask, item: Behaviour) -> None:
    show = await showcase([replace(item, begins=HOURS)])
    await show.store.append([], {}, traffic=_traffic(show.now, endpoint=item.spec.endpoint.id, app="<img src=x>"))
    response, html = await ask(show.context(), f"/models/{quote(item.spec.model, safe='')}")
    assert response.status == 200
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in html


async def test_strangers_see_neither_account_trouble_nor_hosts(ask: Ask) -> None:
    show = await showcase(of_model(CLAUDE))
    await show.store.append([], {}, traffic=_traffic(show.now, endpoint="bedrock:sonnet"))
    context = show.context()
    _, public = await ask(context, f"/models/{CLAUDE}", token=TOKEN)
    _, own = await ask(context, f"/models/{CLAUDE}", token=TOKEN, Authorization=f"Bearer {TOKEN}")
    assert "your key: refused" in own
    assert "127.0.0.1" in own
    for hidden in (
        "refused",
        "127.0.0.1",
        "router_ids",
        "dep-17",
        "support-bot",
        "Recent activity",
        "probes themselves",
    ):
        assert hidden not in public
    assert "support-bot" in own
    assert "BASE_URL" in public


class SlowStore(MemoryStore):
    """A store whose rollups come when they are let go, or not at all."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self.store = store
        self.go = asyncio.Event()
        self.error: StoreError | None = None
        self.reads = 0

    async def rollups(
        self, endpoint: str, tier: RollupTier, since: datetime, until: datetime, figures: Sequence[str]
    ) -> list[Bucket]:
        self.reads += 1
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return await self.store.rollups(endpoint, tier, since, until, figures)


async def slow(behaviours: Sequence[Behaviour]) -> tuple[Showcase, SlowStore]:
    show = await showcase(behaviours)
    store = SlowStore(show.store)
    show.store = store
    return show, store


def histories(show: Showcase, clock: list[datetime], **more: Any) -> tuple[ModelHistories, tuple[ModelEndpoint, ...]]:
    context = show.context().history
    assert context is not None
    endpoints = endpoints_of_model(show.board.snapshot.rows.values(), LLAMA)
    return ModelHistories(replace(context, now=lambda: clock[-1]), **more), endpoints


async def read(kept: ModelHistories, endpoints: Sequence[ModelEndpoint]) -> RenderedHistory | None:
    async with asyncio.timeout(PATIENT_S):
        return await kept.rendered(LLAMA, endpoints, ModelQuery())


async def settled(kept: ModelHistories) -> None:
    """Until no read runs."""
    async with asyncio.timeout(PATIENT_S):
        while kept._reading:
            await asyncio.sleep(0.01)


async def test_a_page_without_a_store_says_so(ask: Ask) -> None:
    show = await showcase(of_model(LLAMA)[:1])
    response, html = await ask(replace(show.context(), history=None), PAGE)
    assert response.status == 200
    assert "This daemon has no store." in html


async def test_a_store_that_does_not_answer_costs_the_charts_and_not_the_page() -> None:
    show, _ = await slow(of_model(LLAMA)[:1])
    kept, endpoints = histories(show, [NOW], deadline_s=0.01)
    assert await read(kept, endpoints) is None
    await kept.close()


async def test_a_late_read_serves_the_next_visitor() -> None:
    show, store = await slow(of_model(LLAMA)[:1])
    kept, endpoints = histories(show, [NOW], deadline_s=0.01)
    assert await read(kept, endpoints) is None
    store.go.set()
    await settled(kept)
    reads = store.reads
    assert await read(kept, endpoints) is not None
    assert store.reads == reads


async def test_sections_are_kept_and_renewed_while_old_ones_are_shown() -> None:
    show, store = await slow(of_model(LLAMA)[:1])
    store.go.set()
    clock = [NOW]
    kept, endpoints = histories(show, clock)
    first = await read(kept, endpoints)
    clock.append(NOW + timedelta(seconds=20))
    assert await read(kept, endpoints) is first
    clock.append(NOW + timedelta(minutes=2))
    assert await read(kept, endpoints) is first
    await settled(kept)
    second = await read(kept, endpoints)
    assert second is not None
    assert second.read_at == NOW + timedelta(minutes=2)


async def test_sections_that_are_too_old_or_of_another_configuration_are_not_shown() -> None:
    show, store = await slow(of_model(LLAMA))
    store.go.set()
    clock = [NOW]
    kept, endpoints = histories(show, clock)
    first = await read(kept, endpoints)
    assert await read(kept, endpoints[:1]) is not first
    clock.append(NOW + timedelta(hours=1))
    late = await read(kept, endpoints[:1])
    assert late is not None
    assert late.read_at == clock[-1]


async def test_a_failing_store_is_logged_once_and_its_recovery_too(caplog: pytest.LogCaptureFixture) -> None:
    show, store = await slow(of_model(LLAMA)[:1])
    store.go.set()
    store.error = StoreError("disk full")
    kept, endpoints = histories(show, [NOW])
    assert await read(kept, endpoints) is None
    assert await read(kept, endpoints) is None
    store.error = None
    with caplog.at_level("INFO"):
        assert await read(kept, endpoints) is not None
    actions = [getattr(record, "action", None) for record in caplog.records]
    assert actions == ["history_failed", "history_recovered"]


async def test_few_models_are_read_at_once_and_the_rest_has_no_charts_for_now() -> None:
    show, _ = await slow(of_model(LLAMA)[:1])
    kept, endpoints = histories(show, [NOW], deadline_s=0.01)
    for number in range(9):
        assert await kept.rendered(f"model-{number}", endpoints, ModelQuery()) is None
    assert len(kept._reading) == 8
    await kept.close()
    assert not kept._reading


def _traffic(at: datetime, endpoint: str = "groq:llama", app: str = "support-bot") -> TrafficBatch:
    tokens = Tokens(requests=3, prompt_tokens=900, output_tokens=300, reasoning_tokens=100)
    return TrafficBatch(id="0" * 16, at=at, keys=[], counts={}, activity={(at.date(), endpoint, app): tokens})
