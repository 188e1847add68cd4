"""What a misspelt word was meant to be. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def closest(word: str, options: Collection[str], *, cutoff: float = 0.6) -> str | None:
    """The option that is most like a word, whatever the case of their letters; None where none is like it.

    It takes a time that grows with the length of both: bound what comes from outside before.
    """
    by_folded = {option.casefold(): option for option in options}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[found[0]] if found else None


def id_hint(name: str, known: Collection[str]) -> str:
    """What to add to the error about an unknown id: the id that was meant, or else all that there are."""
    meant = closest(name, known)
    return f"; there are: {', '.join(sorted(known))}" if meant is None else f" (did you mean {meant!r}?)"
