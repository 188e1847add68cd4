"""Samples to rows and back. Pure; column types convert units and enums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from monitor.store._codes import BLAME_AS_USUAL, BLAME_NONE, BLAMES, decode, words_of
from probes._model import Blame, ErrorClass, Sample

NAMES: Final = ("endpoint", "vantage", "probe")
"""Fields with a table of names; a row holds them as `<field>_id`."""
_BLAMES: Final[Mapping[int, Blame]] = words_of(BLAMES)
_FIELDS: Final = tuple(name for name in Sample.__slots__ if name not in NAMES and name != "blame")


def to_row(sample: Sample) -> dict[str, object]:
    """The parameters to insert a sample."""
    row: dict[str, object] = {field: getattr(sample, field) for field in _FIELDS}
    row |= {f"{name}_id": getattr(sample, name) for name in NAMES}
    row["blame"] = blame_number(sample.error, sample.blame)
    return row


def to_sample(row: Mapping[Any, Any]) -> Sample:
    """The sample in a selected row."""
    fields = {field: row[field] for field in _FIELDS}
    fields |= {name: row[f"{name}_id"] for name in NAMES}
    return Sample(**fields, blame=blame_of(row["error"], row["blame"]))


def _usual_blame(error: ErrorClass | None) -> Blame | None:
    return None if error is None else error.blame


def blame_number(error: ErrorClass | None, blame: Blame | None) -> int | None:
    """The number of a blame; None for the default blame of the error."""
    if blame is _usual_blame(error):
        return BLAME_AS_USUAL
    return BLAME_NONE if blame is None else BLAMES[blame]


def blame_of(error: ErrorClass | None, number: int | None) -> Blame | None:
    """The blame of a number from `blame_number`. Raises StoreError when it is unknown."""
    if number is BLAME_AS_USUAL:
        return _usual_blame(error)
    return None if number == BLAME_NONE else decode(_BLAMES, number)
