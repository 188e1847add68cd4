"""What the daemon asks of a sink, whatever destination is behind it, and of the options of a sink."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.config.options import SinkSection
from monitor.domain.stored_sample import StoredSample


class SinkError(Exception):
    """The destination takes nothing now; its message is one line without secrets that says why."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """How long the destination asks to be left alone; None: it did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of a batch."""

    seq: int | None
    """The last sample that is dealt with, and so are all before it; None: not one is."""
    set_aside: Mapping[str, str] = field(default_factory=dict)
    """Of those, by id, the ones that the destination will never take, each with its words why."""
    stopped: SinkError | None = None
    """Why the rest of the batch has to wait; None: there is no rest."""


class Sink(Protocol):
    """A destination for samples. A sample may come again (after a crash, a lost answer): that must change nothing.

    One call at a time. A call may be cancelled; what it was given then comes again.
    """

    @property
    def name(self) -> str:
        """What the configuration calls it."""

    @property
    def batch(self) -> int:
        """How many samples it wants at a time, at the most."""

    async def deliver(self, batch: Sequence[StoredSample]) -> Delivery:
        """Take samples, in the order of appending; never none. `SinkError` when not one could be dealt with."""

    async def close(self) -> None:
        """Wait for what is under way, then let go of connections and files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOrigin:
    """What the configuration knows of an endpoint, and a sample does not."""

    provider: str
    model: str
    """The public name of the weights."""


class SinkOptions(SinkSection):
    """The options of one kind of sink. A subclass declares a field for each key of the file."""

    @abstractmethod
    def create(self, name: str, origins: Mapping[str, SampleOrigin]) -> Sink:
        """The sink that the configuration calls `name`; nothing is opened yet. `origins` are by endpoint."""
