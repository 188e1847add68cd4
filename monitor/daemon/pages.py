"""What the pages show of the daemon's parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from monitor.daemon.values import PartValues
from monitor.scheduler.budget import Budgets
from monitor.scoreboard.board import Board
from monitor.web.context import MonitorState, PagesContext


def pages_context(
    values: Callable[[], PartValues], monitor: Callable[[], MonitorState], board: Board, budgets: Budgets
) -> PagesContext:
    """The data of the pages; `values` are those of the current configuration."""
    return PagesContext(
        is_on=lambda: values().config.pages,
        now=lambda: datetime.now(UTC),
        monitor=monitor,
        jobs=lambda: values().jobs,
        incidents=lambda: board.open_incidents,
        spending=lambda: budgets.spending(datetime.now(UTC)),
    )
