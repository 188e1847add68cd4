"""What every format is, and what several of them share. Pure: the same snapshot and options give the same bytes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from monitor.config.options import FileSection
from monitor.domain.router_ids import RouterIdError
from monitor.routing.weights import MemberWeight, weighted_groups
from monitor.scoreboard.snapshot import Snapshot


class CannotBeMadeError(ValueError):
    """A file cannot be made of what is known; the message says what is missing."""


class RouterFormat(FileSection):
    """One format, and a file of it. A subclass declares a field for each further key of the file."""

    has_weights: ClassVar[bool] = True
    """Whether it holds what to use and how much, and no figure beside that: then it changes rarely."""

    @abstractmethod
    def render(self, snapshot: Snapshot) -> bytes:
        """A snapshot in this format. Raises CannotBeMadeError, but not for a configuration that was found right."""

    def writer(self) -> Callable[[Snapshot], bytes]:
        """What writes one snapshot after another; a format may keep the parts that did not change."""
        return self.render


def groups(router: str, snapshot: Snapshot) -> Mapping[str, Sequence[MemberWeight]]:
    """What a router may choose between, by group: those endpoints that have a name for it."""
    try:
        return weighted_groups(router, snapshot.rows.values())
    except RouterIdError as error:
        raise CannotBeMadeError(str(error)) from None


def some_groups(router: str, snapshot: Snapshot) -> Mapping[str, Sequence[MemberWeight]]:
    """The same, where a router refuses a file without any."""
    found = groups(router, snapshot)
    if not found:
        raise CannotBeMadeError(f"no endpoint has a name for it; write `router_ids: {{{router}: …}}`")
    return found
