"""Traefik's format: dynamic configuration with a weighted service per group. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from monitor.routing.router_format import RouterFormat, some_groups
from monitor.routing.tiers import WORDS
from monitor.routing.weights import MemberWeight
from monitor.scoreboard.snapshot import Snapshot


class TraefikFormat(RouterFormat):
    """Dynamic configuration for Traefik, with a weighted service for each group."""

    router = "traefik"

    def render(self, snapshot: Snapshot) -> bytes:
        """See `RouterFormat.render`."""
        return _services(some_groups(self.router, snapshot))


def _services(groups: Mapping[str, Sequence[MemberWeight]]) -> bytes:
    """JSON, which is also YAML: Traefik reads it from a `.yaml` file. A service that is not usable has weight 0."""
    services = {
        name: {"weighted": {"services": [_child(weighted) for weighted in members]}} for name, members in groups.items()
    }
    return json.dumps({"http": {"services": services}}, separators=(",", ":")).encode() + b"\n"


def _child(weighted: MemberWeight) -> dict[str, object]:
    return {"name": weighted.member.name, "weight": weighted.weight if WORDS[weighted.use].listed else 0}
