"""Rollups to rows and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from monitor.store import sketch
from monitor.store._codes import ERRORS, decode, words_of
from monitor.store._columns import LARGEST
from monitor.store._protocol import StoreError
from monitor.store._rows import blame_number, blame_of
from monitor.store.rollup import FIGURES, RecordedEnding, Rollup
from probes._model import ErrorClass

_TOKENS: Final = ("prompt_tokens", "output_tokens", "reasoning_tokens")
SUMS: Final = (*_TOKENS, "cost_usd")
_WORDS: Final[Mapping[int, ErrorClass]] = words_of(ERRORS)


def to_row(rollup: Rollup) -> dict[str, object]:
    """The parameters to insert a rollup, without its key."""
    row: dict[str, object] = {name: getattr(rollup, name) for name in SUMS}
    for name in _TOKENS:
        row[name] = max(-LARGEST, min(getattr(rollup, name), LARGEST))  # providers report arbitrary numbers
    row["counts"] = json.dumps({_key(ending): count for ending, count in rollup.counts.items()})
    for figure in FIGURES:
        found = rollup.sketches.get(figure)
        row[figure] = None if found is None else found.to_bytes()
    return row


def to_rollup(row: Mapping[str, Any]) -> Rollup:
    """The rollup of a row, with the selected sketches. Raises StoreError when it is invalid."""
    try:
        sketches = {name: sketch.from_bytes(row[name]) for name in FIGURES if row.get(name) is not None}
    except ValueError as error:
        raise _invalid(error) from error
    return Rollup(counts=counts_of(row["counts"]), **{name: row[name] for name in SUMS}, sketches=sketches)


def counts_of(text: str) -> dict[RecordedEnding, int]:
    """The number of probes by result. Raises StoreError when the text is invalid."""
    try:
        return dict(_counted(text))
    except (ValueError, AttributeError) as error:
        raise _invalid(error) from error


@lru_cache(maxsize=4096)
def _counted(text: str) -> dict[RecordedEnding, int]:
    """Cached, since most hours hold successes only. Copy the result, never change it."""
    return {_ending(key): count for key, count in json.loads(text).items()}


def _key(ending: RecordedEnding) -> str:
    """The number of an error, and after a colon its blame unless it is the default."""
    error = "" if ending.error is None else str(ERRORS[ending.error])
    blame = blame_number(ending.error, ending.blame)
    return error if blame is None else f"{error}:{blame}"


def _ending(key: str) -> RecordedEnding:
    error_text, _, blame_text = key.partition(":")
    error = decode(_WORDS, int(error_text)) if error_text else None
    return RecordedEnding(error, blame_of(error, int(blame_text) if blame_text else None))


def _invalid(error: Exception) -> StoreError:
    return StoreError(f"store: invalid rollup ({type(error).__name__}): restore the store from a backup")
