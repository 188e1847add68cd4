"""What pages are made of: the figures of one moment, and view models of templates. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from monitor.scoreboard.snapshot import Snapshot
from monitor.web.context import MonitorState


class PageView(Protocol):
    """The view model of a template."""

    @property
    def title(self) -> str:
        """The title of the page, without the name of the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageMoment:
    """What is known when a page is asked for, and who asks."""

    snapshot: Snapshot
    now: datetime
    monitor: MonitorState
    stranger: bool
    """Whether the page is shown without the token: it leaves out what strangers must not see."""
