"""Suggestions for misspelt words. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def closest(word: str, options: Collection[str], *, cutoff: float = 0.6) -> str | None:
    """The option that is most similar to a word, ignoring case; None if no option is similar.

    The time grows with the length of both arguments, so limit untrusted input first.
    """
    by_folded = {option.casefold(): option for option in options}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[found[0]] if found else None


def id_hint(name: str, known: Collection[str]) -> str:
    """The hint in an error about an unknown id: the most similar id, or else all known ids."""
    meant = closest(name, known)
    return f"; there are: {', '.join(sorted(known))}" if meant is None else f" (did you mean {meant!r}?)"
