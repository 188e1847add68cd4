"""The base class of all formats, and shared functions. Pure: the same snapshot and options give the same bytes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from monitor.config.options import FileSection
from monitor.domain.router_ids import RouterIdError
from monitor.routing.weights import MemberWeight, weighted_groups
from monitor.scoreboard.snapshot import Snapshot


class CannotBeMadeError(ValueError):
    """The file cannot be made from the available data; the message names the missing part."""


class RouterFormat(FileSection):
    """A format with its options. A subclass declares a field for each further key of the file."""

    has_weights: ClassVar[bool] = True
    """Whether the file has only use and weight of each endpoint, and no other figures. Such a file changes rarely."""

    @abstractmethod
    def render(self, snapshot: Snapshot) -> bytes:
        """A snapshot in this format. Raises CannotBeMadeError, but never with a valid configuration."""

    def writer(self) -> Callable[[Snapshot], bytes]:
        """A function that renders successive snapshots; a format may reuse the unchanged parts."""
        return self.render


def groups(router: str, snapshot: Snapshot) -> Mapping[str, Sequence[MemberWeight]]:
    """The endpoints with a `router_ids` entry for a router, by group."""
    try:
        return weighted_groups(router, snapshot.rows.values())
    except RouterIdError as error:
        raise CannotBeMadeError(str(error)) from None


def some_groups(router: str, snapshot: Snapshot) -> Mapping[str, Sequence[MemberWeight]]:
    """As `groups`, for a router that does not accept an empty file. Raises CannotBeMadeError without any group."""
    found = groups(router, snapshot)
    if not found:
        raise CannotBeMadeError(f"no endpoint has a name in this router; write `router_ids: {{{router}: …}}`")
    return found
