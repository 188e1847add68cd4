"""The overview in a real Chromium."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.web.context import MonitorState
from probes._model import ErrorClass
from tests.browser.chromium import Browser
from tests.browser.conftest import HERE, HOME, accessibility_problems, keep_picture, layout_problems
from tests.browser.site import serving
from tests.support.board_values import sample_at
from tests.support.showcase import MINUTE, Showcase, every_state

Make = Callable[[str], Awaitable[Showcase]]
WIDTHS = (390, 1280, 1920)
LIVE = "document.querySelector('#fresh.live') !== null"
ROW = 'document.querySelector(\'tr[data-endpoint="fireworks:llama"] [data-field="status"] .st\')'


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["states", "hostile", "none", "one", "hundred"])
async def test_nothing_overlaps_is_cut_or_complains(browser: Browser, make: Make, name: str, theme: str) -> None:
    async with serving(await make(name)) as site:
        for width in WIDTHS:
            async with browser.tab(width=width, theme=theme) as tab:
                await tab.open(f"{site.url}/")
                await tab.until(LIVE)
                await keep_picture(tab, f"overview-{name}-{width}-{theme}")
                assert await layout_problems(tab) == [], width
                if name != "hundred" or width == 1280:
                    assert await accessibility_problems(tab) == [], width
                assert tab.complaints == []


@pytest.mark.parametrize("query", ["group=provider", "group=none&sort=-uptime", "q=nothing+like+it", "status=down"])
async def test_no_other_view_overlaps_or_is_cut(browser: Browser, make: Make, query: str) -> None:
    async with serving(await make("states")) as site:
        for width in WIDTHS:
            async with browser.tab(width=width) as tab:
                await tab.open(f"{site.url}/?{query}")
                await keep_picture(tab, f"overview-{query.replace('&', '-')}-{width}")
                assert await layout_problems(tab) == [], width
                assert await accessibility_problems(tab) == [], width
                assert tab.complaints == []


@pytest.mark.parametrize("name", ["states", "hostile", "none"])
async def test_without_javascript_everything_is_there(browser: Browser, make: Make, name: str) -> None:
    showcase = await make(name)
    async with serving(showcase) as site:
        for width in WIDTHS:
            async with browser.tab(width=width, scripts=False) as tab:
                await tab.open(f"{site.url}/")
                await keep_picture(tab, f"overview-{name}-{width}-no-scripts")
                assert await layout_problems(tab) == [], width
                assert await tab.run("document.querySelectorAll('tr[data-endpoint]').length") == len(
                    showcase.behaviours
                )
                assert await tab.run("document.querySelectorAll('.fresh.live').length") == 0
                assert tab.complaints == []


async def test_trouble_of_the_monitor_is_on_top(browser: Browser, make: Make) -> None:
    showcase = await make("states")
    showcase.monitor = MonitorState(probing=False, online=False, store_error="disk full", warnings=("clock ahead",))
    try:
        async with serving(showcase) as site:
            for width in WIDTHS:
                async with browser.tab(width=width, theme="dark") as tab:
                    await tab.open(f"{site.url}/")
                    await keep_picture(tab, f"overview-troubled-{width}")
                    assert await tab.run("document.querySelectorAll('#banners .banner').length") == 4
                    assert await layout_problems(tab) == [], width
                    assert await accessibility_problems(tab) == [], width
    finally:
        showcase.monitor = MonitorState()


@pytest.mark.parametrize("path", ["/models/meta-lama/llama", "/?status=x"])
async def test_errors_are_pages_in_the_same_hand(browser: Browser, make: Make, path: str) -> None:
    async with serving(await make("states")) as site:
        for theme in ("light", "dark"):
            async with browser.tab(width=390, theme=theme) as tab:
                await tab.open(f"{site.url}{path}")
                await keep_picture(tab, f"error-{len(path)}-{theme}")
                assert await layout_problems(tab) == []
                assert await accessibility_problems(tab) == []
                assert [words for words in tab.complaints if "Failed to load resource" not in words] == []


async def test_a_stopped_daemon_is_announced_with_the_age_of_the_figures_and_its_return_ends_that(
    browser: Browser, make: Make
) -> None:
    async with serving(await make("states")) as site, browser.tab() as tab:
        await tab.open(f"{site.url}/")
        await tab.until(LIVE)
        await site.stop()
        await tab.until("!document.getElementById('gone').hidden")
        words = await tab.run("document.getElementById('gone').textContent")
        assert words.startswith("The daemon has not answered for ")
        assert " ago." in words
        assert not await tab.run(LIVE)
        await keep_picture(tab, "overview-daemon-gone")
        assert await layout_problems(tab) == []
        await site.start()
        await tab.until("document.getElementById('gone').hidden")
        await tab.until(LIVE)


async def test_a_change_of_status_and_score_is_shown_without_a_reload(browser: Browser) -> None:
    showcase = Showcase(every_state()[:4])
    await showcase.fill()
    async with serving(showcase) as site, browser.tab() as tab:
        await tab.open(f"{site.url}/")
        await tab.until(LIVE)
        await tab.run("window.same = true")
        assert await tab.run(f"{ROW}.className") == "st up"
        for minute in range(1, 6):
            showcase.now += MINUTE
            tick = showcase.now - timedelta(seconds=20)
            showcase.board.absorb([sample_at(tick, ErrorClass.OVERLOADED, "fireworks:llama", id=f"{minute:016x}")])
            showcase.board.publish(showcase.now, sweep=True)
        await tab.until(f"{ROW}.className === 'st down'")
        await tab.until("document.querySelector('.lede').textContent.includes('at Fireworks has been down')")
        assert await tab.run("window.same")
        assert tab.complaints == []


async def test_a_strangers_page_stays_current_without_the_stream(browser: Browser, make: Make) -> None:
    async with serving(await make("states"), "s3cret", public_pages=True) as site, browser.tab() as tab:
        await tab.open(f"{site.url}/")
        await tab.until(LIVE)
        assert (
            await tab.run("performance.getEntriesByType('resource').some(({name}) => name.includes('stream'))") is False
        )
        assert tab.complaints == []


async def test_a_password_opens_the_page_and_its_stream(browser: Browser, make: Make) -> None:
    async with serving(await make("states"), "s3cret") as site, browser.tab() as tab:
        await tab.open(f"{site.url.replace('//', '//anyone:s3cret@')}/")
        await tab.until("document.querySelector('#live-word')?.textContent === 'live, '")


async def test_times_are_the_readers_and_utc_is_in_the_title(browser: Browser, make: Make) -> None:
    async with serving(await make("states")) as site, browser.tab() as tab:
        await tab.open(f"{site.url}/")
        await tab.until(LIVE)
        time = "document.querySelector('tr[data-endpoint=\"vertex:sonnet\"] .tag time')"
        assert await tab.run(f"{time}.title") == "2026-11-23 09:20:30 UTC"
        assert await tab.run(f"{time}.textContent") == "10:20"


async def test_a_bar_says_its_hour_beside_the_pointer(browser: Browser, make: Make) -> None:
    async with serving(await make("states")) as site, browser.tab() as tab:
        await tab.open(f"{site.url}/")
        await tab.until(LIVE)
        x, y = await tab.run(
            "(() => { const b = document.querySelectorAll('tr[data-endpoint=\"groq:llama\"] [data-x] .bar')[23]"
            ".getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; })()"
        )
        await tab.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        await tab.until("!document.getElementById('readout').hidden")
        words = await tab.run("document.getElementById('readout').textContent")
        assert "failed" in words
        assert "UTC" not in words
        await tab.ask("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=5)
        await tab.until("document.getElementById('readout').hidden")


async def test_the_head_of_the_table_stays_in_sight(browser: Browser, make: Make) -> None:
    async with serving(await make("hundred")) as site, browser.tab() as tab:
        await tab.open(f"{site.url}/")
        await tab.run("scrollTo(0, 2000)")
        top, bottom = await tab.run(
            "[document.querySelector('thead th').getBoundingClientRect().top,"
            " document.querySelector('header.bar').getBoundingClientRect().bottom]"
        )
        assert abs(top - bottom) <= 2


async def test_every_link_and_field_is_reached_by_the_keyboard(browser: Browser, make: Make) -> None:
    async with serving(await make("one")) as site, browser.tab() as tab:
        await tab.open(f"{site.url}/")
        expected = await tab.run(
            "document.querySelectorAll('a[href], input:not([type=hidden]), select, button, summary').length"
        )
        for _ in range(expected):
            for kind in ("keyDown", "keyUp"):
                await tab.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
            await tab.run("(window.seen ??= new Set()).add(document.activeElement).size")
        assert await tab.run("window.seen.size") == expected


async def test_who_asked_for_less_motion_sees_none(browser: Browser, make: Make) -> None:
    async with serving(await make("one")) as site, browser.tab() as tab:
        await tab.theme("light", reduced_motion=True)
        await tab.open(f"{site.url}/")
        await tab.until(LIVE)
        assert await tab.run("document.getAnimations().length") == 0


def test_the_script_is_typed_and_small() -> None:
    compiler = HOME / "node_modules/typescript/bin/tsc"
    checked = subprocess.run(
        ["node", str(compiler), "-p", str(HERE / "tsconfig.json")], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    static = Path(__file__).parents[2] / "monitor/web/pages/static"
    packed = subprocess.run(["gzip", "-c", *map(str, static.glob("*.js"))], capture_output=True, check=True).stdout
    assert len(packed) <= 15_000
