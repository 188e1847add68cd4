"""Places in a document, and untrusted text, as messages show them. Pure."""

from __future__ import annotations

import json
from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""The path to a value from the root of a document: keys of mappings and indexes of lists."""


def dotted(place: Place) -> str:
    """A place in the notation of messages, such as `models.meta/llama.endpoints[0].provider`."""
    text = ""
    for step in place:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{printable(step)}" if text else printable(step)
    return text


def printable(text: str, longest: int = 80) -> str:
    """The text on one line with limited length: unchanged if printable, else in quotes with escapes."""
    if text.isprintable() and 0 < len(text) <= longest:
        return text
    short = text if len(text) <= longest else f"{text[:longest]}…"
    return json.dumps(short, ensure_ascii=not short.isprintable())


def quoted(text: str) -> str:
    """The text in quotes, on one line, with limited length."""
    shown = printable(text)
    return f"'{text}'" if shown == text else shown
