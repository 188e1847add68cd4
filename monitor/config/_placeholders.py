"""Keys that say that there is no key. Pure."""

from __future__ import annotations

from typing import Final

_WORDS: Final = frozenset(
    {"none", "null", "no-key", "nokey", "not-needed", "empty", "dummy", "local", "unused", "x", "-", "any", "fake"}
    | {"fake-key", "fake_key", "ollama", "lm-studio", "vllm", "anything", "placeholder", "test"}
)


def is_placeholder(key: str) -> bool:
    """Whether people write it for a server that accepts any key, also behind `sk-`."""
    return key.lower().removeprefix("sk-") in _WORDS
