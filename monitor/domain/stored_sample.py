"""A sample as the store numbers it: for the store, and for the sinks, which need no database."""

from __future__ import annotations

from dataclasses import dataclass

from probes._model import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSample:
    """A sample with its sequence number, which counts appended samples of all endpoints."""

    seq: int
    sample: Sample
