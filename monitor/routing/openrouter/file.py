"""The OpenRouter file: all models and endpoints of a snapshot in one document. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from monitor.routing.openrouter.documents import by_model, offered_model
from monitor.scoreboard.endpoint import Facts
from monitor.scoreboard.snapshot import Snapshot


def facts_of(snapshot: Snapshot) -> list[Facts]:
    """The facts of all endpoints; rows read from another daemon's document have none."""
    return [row.facts for row in snapshot.rows.values() if row.facts is not None]


class OpenRouterFile:
    """All models and their endpoints in one document. Only changed models are rendered again."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[list[Facts], bytes]] = {}

    def body(self, snapshot: Snapshot) -> bytes:
        """The document of a snapshot."""
        self._kept = {name: self._model(name, facts) for name, facts in by_model(facts_of(snapshot)).items()}
        return b'{"data":[' + b",".join(body for _, body in self._kept.values()) + b"]}\n"

    def _model(self, name: str, facts: list[Facts]) -> tuple[list[Facts], bytes]:
        known = self._kept.get(name)
        return known if known is not None and known[0] == facts else (facts, serialised(offered_model(facts)))


def serialised(document: Mapping[str, object]) -> bytes:
    """A document as compact strict JSON."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
