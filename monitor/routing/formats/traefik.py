"""What Traefik reads: dynamic configuration with a weighted service for each group. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from monitor.routing.weights import MemberWeight, RoutingUse


def traefik(groups: Mapping[str, Sequence[MemberWeight]]) -> bytes:
    """JSON, which is YAML too: Traefik reads it from a file that is called `.yaml`. 0 is the weight of what is down."""
    services = {
        name: {"weighted": {"services": [_child(weighted) for weighted in members]}} for name, members in groups.items()
    }
    return json.dumps({"http": {"services": services}}, separators=(",", ":")).encode() + b"\n"


def _child(weighted: MemberWeight) -> dict[str, object]:
    return {"name": weighted.member.name, "weight": 0 if weighted.use is RoutingUse.NONE else weighted.weight}
