"""The page of a model in a real Chromium."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.browser.chromium import Browser, Tab
from tests.browser.conftest import accessibility_problems, keep_picture, layout_problems
from tests.browser.site import Site, serving
from tests.support.showcase import CLAUDE, LLAMA, SMOL, Behaviour, Showcase, every_state, hostile, many

WIDTHS = (390, 1280, 1920)
LIVE = "document.querySelector('#fresh.live') !== null"
CHARTS = "document.querySelectorAll('.strip-row').length > 0"
SHORT = timedelta(hours=4)
"""Of samples: the store in memory computes its rollups anew for every read."""
Open = Callable[..., Awaitable[None]]


def behaviours(name: str) -> list[Behaviour]:
    plain = {
        "llama": [item for item in every_state() if item.spec.model == LLAMA],
        "claude": [item for item in every_state() if item.spec.model == CLAUDE],
        "smol": [item for item in every_state() if item.spec.model == SMOL],
        "hostile": list(hostile()),
        "twenty": [
            replace(item, spec=replace(item.spec, model=LLAMA, model_name="Llama"), begins=timedelta(hours=1))
            for item in many(20)
        ],
    }[name]
    return [replace(item, begins=min(item.begins, SHORT)) for item in plain]


_MADE: dict[str, Showcase] = {}


async def made(name: str) -> Showcase:
    if name not in _MADE:
        _MADE[name] = Showcase(behaviours(name))
        await _MADE[name].fill()
    return _MADE[name]


async def opened(tab: Tab, site: Site, model: str, query: str = "") -> None:
    """Open a model's page; once more if the store in memory was too slow for its charts."""
    address = f"{site.url}/models/{quote(model, safe='/')}{query}"
    await tab.open(address)
    for _ in range(20):
        if await tab.run(CHARTS):
            return
        await tab.open(address)
    raise AssertionError("no charts")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("name", "model"), [("llama", LLAMA), ("claude", CLAUDE), ("smol", SMOL), ("twenty", LLAMA)])
async def test_nothing_overlaps_or_is_cut_at_any_width(browser: Browser, name: str, model: str, theme: str) -> None:
    async with serving(await made(name)) as site:
        for width in WIDTHS:
            async with browser.tab(width=width, theme=theme) as tab:
                await opened(tab, site, model)
                await tab.until(LIVE)
                await keep_picture(tab, f"model-{name}-{width}-{theme}")
                assert await layout_problems(tab) == [], width
                if name != "twenty" or width == 1280:
                    assert await accessibility_problems(tab) == [], width
                assert tab.complaints == []


@pytest.mark.parametrize("number", range(4))
async def test_hostile_names_break_nothing(browser: Browser, number: int) -> None:
    showcase = await made("hostile")
    model = showcase.behaviours[number].spec.model
    async with serving(showcase) as site:
        for width in WIDTHS:
            async with browser.tab(width=width) as tab:
                await opened(tab, site, model)
                await keep_picture(tab, f"model-hostile-{number}-{width}")
                assert await layout_problems(tab) == [], width
                assert await accessibility_problems(tab) == [], width
                assert tab.complaints == []


@pytest.mark.parametrize("query", ["?window=30d", "?columns=status,served,headroom", "?endpoint=groq:llama"])
async def test_every_choice_keeps_its_layout_without_javascript(browser: Browser, query: str) -> None:
    async with serving(await made("llama")) as site:
        for width in WIDTHS:
            async with browser.tab(width=width, scripts=False) as tab:
                await opened(tab, site, LLAMA, query)
                assert await layout_problems(tab) == [], width
                assert tab.complaints == []


async def test_everything_that_can_be_opened_keeps_its_layout(browser: Browser) -> None:
    async with serving(await made("llama")) as site:
        for width in WIDTHS:
            async with browser.tab(width=width) as tab:
                await opened(tab, site, LLAMA)
                await tab.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
                await keep_picture(tab, f"model-opened-{width}")
                assert await layout_problems(tab) == [], width
                assert await accessibility_problems(tab) == [], width


async def test_dragging_across_a_chart_shows_that_time(browser: Browser) -> None:
    async with serving(await made("llama")) as site, browser.tab() as tab:
        await opened(tab, site, LLAMA)
        await tab.until(LIVE)
        left, right, y = await tab.run(
            "(() => { const chart = document.querySelector('#ttft-time'); chart.scrollIntoView({block: 'center'});"
            " const b = chart.getBoundingClientRect();"
            " return [b.left + b.width * .6, b.left + b.width * .84, b.top + b.height / 2]; })()"
        )
        for kind, x in (("mousePressed", left), ("mouseMoved", right), ("mouseReleased", right)):
            await tab.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
        await tab.until("location.search.includes('from=')")
        await tab.until("document.readyState === 'complete' && document.querySelector('.chips') !== null")
        assert " to " in await tab.run("document.querySelector('#performance .chips').textContent")


async def test_the_form_of_the_columns_changes_the_address(browser: Browser) -> None:
    async with serving(await made("llama")) as site, browser.tab() as tab:
        await opened(tab, site, LLAMA)
        await tab.run("document.querySelector('.chooser').open = true")
        await tab.run("document.querySelectorAll('.chooser input:checked')[0].click()")
        await tab.run("document.querySelector('.chooser button').click()")
        await tab.until("location.search.includes('columns=score')")
        await tab.until("document.querySelector('table.providers') !== null")
        assert "Status" not in await tab.run("document.querySelector('table.providers thead').textContent")
