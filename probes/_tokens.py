"""Token counts in o200k_base, the encoding in which speeds of different models are compared. Pure.

The encoding is part of a library (no download), which takes most of a second and 144 MB to load. It is loaded at the
first count, if a provider sends no usage.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bpe_openai import Encoding


def count_tokens(text: str) -> int:
    """The number of tokens of `text`; lone surrogates count as one `?` each."""
    return len(_encoding().encode_ordinary(text.encode("utf-8", "replace").decode()))


@cache
def _encoding() -> Encoding:
    import bpe_openai  # noqa: PLC0415  # takes long

    return bpe_openai.get_encoding("o200k_base")
