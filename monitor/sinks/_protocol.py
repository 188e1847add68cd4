"""The interface of a sink."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.config.options import SinkSection
from monitor.domain.stored_sample import StoredSample


class SinkError(Exception):
    """The destination does not accept samples now. The message is one line with the reason, without secrets."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        """The destination's `Retry-After`; None: it sent none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The result of delivering a batch."""

    seq: int | None
    """The last handled sample; all before it are handled, too. None: no sample was handled."""
    set_aside: Mapping[str, str] = field(default_factory=dict)
    """By id, the handled samples that the destination rejected for good, each with its reason."""
    stopped: SinkError | None = None
    """Why the rest of the batch has to wait; None: there is no rest."""


class Sink(Protocol):
    """A destination for samples. After a crash or a lost answer a sample is delivered again, which must have no effect.

    There is one call at a time. The samples of a cancelled call are delivered again.
    """

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    @property
    def batch(self) -> int:
        """The maximum number of samples per delivery."""

    async def deliver(self, batch: Sequence[StoredSample]) -> Delivery:
        """Deliver samples, at least one, in the order of appending. Raises SinkError when no sample was handled."""

    async def close(self) -> None:
        """Wait for a running call, then close connections and files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOrigin:
    """Data of an endpoint that is in the configuration but not in a sample."""

    provider: str
    model: str
    """The public name of the weights."""


class SinkOptions(SinkSection):
    """The options of one kind of sink. A subclass declares a field for each key of the file."""

    @abstractmethod
    def create(self, name: str, origins: Mapping[str, SampleOrigin]) -> Sink:
        """The sink that the configuration calls `name`; nothing is opened yet. `origins` are by endpoint.

        While the daemon runs, this is called in a thread, and `origins` always holds the present ones.
        """
