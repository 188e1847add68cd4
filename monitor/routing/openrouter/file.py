"""The OpenRouter file: all models and endpoints of a snapshot in one document. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from monitor.routing.openrouter.documents import by_model, model_endpoints
from monitor.scoreboard.endpoint import EndpointSnapshot
from monitor.scoreboard.snapshot import Snapshot


def endpoints_of(snapshot: Snapshot) -> list[EndpointSnapshot]:
    """All endpoints; rows read from another daemon's document have none."""
    return [row.endpoint for row in snapshot.rows.values() if row.endpoint is not None]


class OpenRouterFile:
    """All models and their endpoints in one document. Only changed models are rendered again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[list[EndpointSnapshot], bytes]] = {}

    def body(self, snapshot: Snapshot) -> bytes:
        """The document of a snapshot."""
        self._kept = {
            name: self._model(name, endpoints) for name, endpoints in by_model(endpoints_of(snapshot)).items()
        }
        return b'{"data":[' + b",".join(body for _, body in self._kept.values()) + b"]}\n"

    def _model(self, name: str, endpoints: list[EndpointSnapshot]) -> tuple[list[EndpointSnapshot], bytes]:
        known = self._kept.get(name)
        return (
            known
            if known is not None and known[0] == endpoints
            else (endpoints, serialised(model_endpoints(endpoints)))
        )


def serialised(document: Mapping[str, object]) -> bytes:
    """A document as compact strict JSON."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
