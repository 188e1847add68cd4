"""All endpoints in OpenRouter's format."""

from __future__ import annotations

from collections.abc import Callable

from monitor.routing.openrouter.file import OpenRouterFile
from monitor.routing.router_format import CannotBeMadeError, RouterFormat
from monitor.scoreboard.snapshot import Snapshot


class OpenRouterFormat(RouterFormat):
    """All endpoints in OpenRouter's format."""

    has_weights = False

    def render(self, snapshot: Snapshot) -> bytes:
        """See `RouterFormat.render`."""
        if any(row.endpoint is None for row in snapshot.rows.values()):
            raise CannotBeMadeError("the scores document of another daemon does not tell all that it holds")
        return OpenRouterFile().body(snapshot)

    def writer(self) -> Callable[[Snapshot], bytes]:
        """See `RouterFormat.writer`. Only changed parts are rendered again, because this file is the largest."""
        return OpenRouterFile().body
