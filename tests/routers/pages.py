"""The configurations that stand in docs/routers, and what tests put in the place of their addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "routers"


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    text = (PAGES / f"{page}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block(page: str, language: str, holding: str) -> str:
    """The only block of them that holds some text."""
    (found,) = (text for text in blocks(page, language) if holding in text)
    return found


def put(text: str, places: Mapping[str, object]) -> str:
    """A text with everything in its place; each of them stands in it."""
    for there, here in places.items():
        assert there in text, there
        text = text.replace(there, str(here))
    return text
