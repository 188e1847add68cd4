"""What the routes show: the one thing that the daemon hands to the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from monitor.publish.board import Snapshot
from monitor.web.past import Past


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the routes show."""

    snapshot: Callable[[], Snapshot]
    problems: Callable[[], tuple[str, ...]]
    """Why the daemon is not ready; empty when it is."""
    registry: CollectorRegistry
    past: Past | None = None
    """None: the routes of stored history are not there."""
