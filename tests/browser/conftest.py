"""A browser for each test module, and the judges that every page meets."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from tests.browser.chromium import Browser, Tab, chromium
from tests.support.showcase import Behaviour, Showcase, every_state, hostile, many

HERE: Final = Path(__file__).parent
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
HOME: Final = Path(os.environ.get("PROVIDERWATCH_BROWSER", CACHE / "providerwatch" / "browser"))
"""Where `.ci/browser` installs; screenshots are kept there, too."""

BEHAVIOURS: Final[dict[str, Callable[[], tuple[Behaviour, ...]]]] = {
    "states": lambda: tuple(every_state()),
    "hostile": lambda: tuple(hostile()),
    "none": tuple,
    "one": lambda: tuple(every_state()[1:2]),
    "hundred": lambda: tuple(many(100)),
}
_MADE: Final[dict[str, Showcase]] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture
def make() -> Callable[[str], Awaitable[Showcase]]:
    """A filled showcase by name, made once: filling takes seconds, and pages only read it."""

    async def made(name: str) -> Showcase:
        if name not in _MADE:
            _MADE[name] = Showcase(BEHAVIOURS[name]())
            await _MADE[name].fill()
        return _MADE[name]

    return made


async def layout_problems(tab: Tab) -> list[str]:
    """Overlaps, cuts and overflow, by the boxes of all texts and charts."""
    found: list[str] = await tab.run(await asyncio.to_thread((HERE / "layout.js").read_text))
    return found


async def accessibility_problems(tab: Tab) -> list[str]:
    """What axe-core finds of serious or critical impact, and every contrast that is too low."""
    script = await asyncio.to_thread((HOME / "node_modules/axe-core/axe.min.js").read_text)
    await tab.run(f"{script};0")
    found: list[str] = await tab.run(
        "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations"
        ".filter(({impact, id}) => ['serious', 'critical'].includes(impact) || id.includes('contrast'))"
        ".map(({id, nodes}) => `${id}: ${nodes.length}, ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`))"
    )
    return found


async def keep_picture(tab: Tab, name: str) -> None:
    """A screenshot, for people to look at."""
    await tab.screenshot(HOME / "screenshots" / f"{name}.png")
