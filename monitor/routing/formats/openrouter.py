"""All endpoints in the shape of OpenRouter's documents."""

from __future__ import annotations

from collections.abc import Callable

from monitor.routing.openrouter.file import OpenRouterFile
from monitor.routing.router_format import CannotBeMadeError, RouterFormat
from monitor.scoreboard.snapshot import Snapshot


class OpenRouterFormat(RouterFormat):
    """All endpoints in the shape of OpenRouter's documents."""

    has_weights = False

    def render(self, snapshot: Snapshot) -> bytes:
        """See `RouterFormat.render`."""
        if any(row.endpoint is None for row in snapshot.rows.values()):
            raise CannotBeMadeError("the scores document of another daemon does not tell all that it holds")
        return OpenRouterFile().body(snapshot)

    def writer(self) -> Callable[[Snapshot], bytes]:
        """See `RouterFormat.writer`: the largest file is put together from what did not change since the last time."""
        return OpenRouterFile().body
