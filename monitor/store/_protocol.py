"""What the daemon asks of a store, whatever database is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from probes._model import ErrorClass, Sample, Task


class StoreError(Exception):
    """The store cannot do what was asked; its message is one line that names the place and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many samples of one task of an endpoint began in one bucket of time and ended the same way."""

    endpoint: str
    bucket: datetime
    """UTC start of the bucket; buckets are counted from 1970-01-01T00:00Z."""
    task: Task
    error: ErrorClass | None
    """None: they succeeded."""
    count: int


class Store(Protocol):
    """Samples in the order in which they were appended, and one state per endpoint.

    Every method may raise `StoreError`. A sample comes back as it was appended, times to the microsecond; what no
    database can hold (a count beyond 63 bits, an infinite duration) comes back as None, and characters that are
    not Unicode text as the replacement character.
    """

    async def open(self) -> None:
        """Make ready for use; brings the schema up to date."""

    async def append(self, samples: Sequence[Sample], states: Mapping[str, str]) -> None:
        """Keep `samples`, and `states` in place of earlier ones, in one transaction that is committed on return.

        `states` are opaque texts by endpoint id: the scorer's, whose effect is about to be published. A sample
        whose id is already kept is ignored, so a call that failed or was cancelled may be repeated; a cancelled one
        may have been committed all the same.
        """

    async def states(self) -> dict[str, str]:
        """The newest state by endpoint id."""

    async def samples(self, since: datetime) -> list[Sample]:
        """All samples that began at `since` or later, in the order of appending."""

    async def tallies(self, since: datetime, bucket_s: int) -> list[Tally]:
        """Counts of the samples that began at `since` or later, by bucket of `bucket_s` seconds, oldest first."""

    async def first_seen(self) -> dict[str, datetime]:
        """When each endpoint's earliest sample began, by endpoint id."""

    async def check_writable(self) -> None:
        """Raise `StoreError` unless an append could begin now. Writes nothing; waits for a lock only so long."""

    async def close(self) -> None:
        """Wait for calls under way, then let go of files and threads."""
