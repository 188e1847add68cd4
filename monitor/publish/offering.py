"""What a snapshot offers, as facts and as bytes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from monitor.publish.board import Snapshot
from monitor.publish.facts import Facts
from monitor.publish.openrouter import all_endpoints_document


def facts_of(snapshot: Snapshot) -> list[Facts]:
    """The facts of all endpoints, but of those that were read from another daemon."""
    return [row.facts for row in snapshot.rows.values() if row.facts is not None]


def openrouter_file(snapshot: Snapshot) -> bytes:
    """All models and their endpoints in one document."""
    return serialised(all_endpoints_document(facts_of(snapshot))) + b"\n"


def serialised(document: Mapping[str, object]) -> bytes:
    """A document as strict JSON."""
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
