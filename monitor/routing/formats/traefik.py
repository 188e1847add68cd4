"""What Traefik reads: dynamic configuration with a weighted service for each group. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from monitor.routing.tiers import WORDS
from monitor.routing.weights import MemberWeight


def traefik(groups: Mapping[str, Sequence[MemberWeight]]) -> bytes:
    """JSON, which is YAML too: Traefik reads it from a file that is called `.yaml`. 0 is the weight of what is out."""
    services = {
        name: {"weighted": {"services": [_child(weighted) for weighted in members]}} for name, members in groups.items()
    }
    return json.dumps({"http": {"services": services}}, separators=(",", ":")).encode() + b"\n"


def _child(weighted: MemberWeight) -> dict[str, object]:
    return {"name": weighted.member.name, "weight": weighted.weight if WORDS[weighted.use].listed else 0}
