"""A sample with the number that the store assigned. Separate from the store, because sinks need no database."""

from __future__ import annotations

from dataclasses import dataclass

from probes._model import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSample:
    """A sample with its sequence number, which counts appended samples of all endpoints."""

    seq: int
    sample: Sample
