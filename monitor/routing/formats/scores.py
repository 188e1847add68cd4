"""The scores document, as `GET /v1/scores` answers."""

from __future__ import annotations

from monitor.routing.router_format import RouterFormat
from monitor.scoreboard.snapshot import Snapshot


class ScoresFormat(RouterFormat):
    """The scores document, as `GET /v1/scores` answers."""

    has_weights = False

    def render(self, snapshot: Snapshot) -> bytes:
        """See `RouterFormat.render`."""
        return snapshot.body
