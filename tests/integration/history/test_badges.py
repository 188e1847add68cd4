"""`/badges/{id}/…svg` of a real server on a real store."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from monitor.store import Store
from tests.integration.history.serving import NAME, ODD, SLASHED, Begin, Served, fill, make_history, samples
from tests.integration.web.serving import MINUTE, TICK
from tests.support.board_values import sample_at
from tests.unit.store.samples import START

SVG = "{http://www.w3.org/2000/svg}"


async def badge(served: Served, rest: str, name: str = NAME) -> str:
    """What a badge reads."""
    response, body = await served.ask(f"/badges/{quote(name, safe='')}/{rest}")
    assert (response.status, response.content_type) == (200, "image/svg+xml"), body
    title = ET.fromstring(body).findtext(SVG + "title")
    return title or ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (NAME, ["status: up", "uptime 30d: 100%", "ttft 30m: 200 ms"]),
        (SLASHED, ["status: down", "uptime 30d: 0%", "ttft 30m: no data"]),
        (ODD, ["status: no data", "uptime 30d: no data", "ttft 30m: no data"]),
    ],
)
async def test_badges_say_what_the_scores_say(store: Store, begin: Begin, name: str, words: list[str]) -> None:
    served = await begin(make_history(store))
    assert [await badge(served, f"{kind}.svg", name) for kind in ("status", "uptime", "ttft")] == words


@pytest.mark.parametrize("window", ["5m", "30m", "1h", "1d", "7d", "30d", "90d"])
async def test_a_badge_may_be_of_any_window(store: Store, begin: Begin, window: str) -> None:
    served = await begin(make_history(store, now=START + timedelta(minutes=29)))
    assert await badge(served, f"uptime.svg?window={window}") == f"uptime {window}: 100%"
    if window != "30m":
        assert await badge(served, f"ttft.svg?window={window}") == f"ttft {window}: no data"
    await fill(store, samples(3))
    median = "200 ms" if window == "30m" else "no data" if window == "5m" else "201 ms"
    read = await badge(served, f"ttft.svg?window={window}")
    assert read in {f"ttft {window}: {median}", f"ttft {window}: 200 ms", f"ttft {window}: 199 ms"}


async def test_a_badge_is_made_anew_when_its_row_is_and_not_before(store: Store, begin: Begin) -> None:
    served = await begin(make_history(store))
    response, body = await served.ask(f"/badges/{NAME}/status.svg")
    assert response.headers["Cache-Control"] == "max-age=60"
    again, nothing = await served.ask(f"/badges/{NAME}/status.svg", If_None_Match=response.headers["ETag"])
    assert (again.status, nothing) == (304, b"")
    served.board.absorb([sample_at(TICK + 5 * MINUTE, ttft_s=0.3)])
    served.board.publish(TICK + 5.5 * MINUTE)
    same, nothing = await served.ask(f"/badges/{NAME}/status.svg", If_None_Match=response.headers["ETag"])
    assert (same.status, nothing) == (304, b"")
    served.board.publish(TICK + timedelta(days=2), sweep=True)
    stale, other = await served.ask(f"/badges/{NAME}/status.svg", If_None_Match=response.headers["ETag"])
    assert stale.status == 200
    assert other != body
    assert await badge(served, "status.svg") == "status: no data"


async def test_pages_of_other_sites_may_show_a_badge_and_nothing_else(store: Store, begin: Begin) -> None:
    served = await begin(make_history(store))
    for rest in ("status.svg", "uptime.svg?window=5m", "ttft.svg", "ttft.svg?window=7d"):
        response, _ = await served.ask(f"/badges/{NAME}/{rest}", Accept_Encoding="gzip")
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        again, _ = await served.ask(f"/badges/{NAME}/{rest}", If_None_Match=response.headers["ETag"])
        assert (again.status, again.headers["Cross-Origin-Resource-Policy"]) == (304, "cross-origin")
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    for path in ("/v1/incidents", f"/v1/endpoints/{NAME}/samples", "/badges/nobody:none/status.svg"):
        response, _ = await served.ask(path)
        assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["nobody:none/status.svg", "nobody:none/ttft.svg?window=7d", "groq:llama/latency.svg", "status.svg"]
)
async def test_what_is_not_there_is_not_found(empty: Store, begin: Begin, path: str) -> None:
    served = await begin(make_history(empty))
    response, body = await served.get(f"/badges/{path}")
    assert (response.status, body["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["uptime.svg?window=2d", "ttft.svg?window=", "status.svg?window=1d"])
async def test_a_window_that_is_not_there_is_a_wrong_question(empty: Store, begin: Begin, path: str) -> None:
    served = await begin(make_history(empty))
    response, body = await served.get(f"/badges/{NAME}/{path}")
    assert (response.status, body["error"]["code"]) == (400, "bad_request")
