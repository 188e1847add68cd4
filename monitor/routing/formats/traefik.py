"""What Traefik reads: dynamic configuration with a weighted service for each group. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from monitor.routing.tiers import WORDS
from monitor.routing.weights import Choice


def traefik(groups: Mapping[str, Sequence[Choice]]) -> bytes:
    """JSON, which is YAML too: Traefik reads it from a file that is called `.yaml`. 0 is the weight of what is out."""
    services = {
        name: {"weighted": {"services": [_child(choice) for choice in members]}} for name, members in groups.items()
    }
    return json.dumps({"http": {"services": services}}, separators=(",", ":")).encode() + b"\n"


def _child(choice: Choice) -> dict[str, object]:
    return {"name": choice.member.name, "weight": choice.weight if WORDS[choice.use].listed else 0}
