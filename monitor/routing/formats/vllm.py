"""What the router of vLLM's production stack reads: its list of engines. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from monitor.routing.weights import MemberWeight, used


def vllm(groups: Mapping[str, Sequence[MemberWeight]], options: Mapping[str, str]) -> bytes:
    """The dynamic configuration with the engines that are to be used, each with its model.

    The router knows no weights, so a fallback stands beside the others. It splits both lists at commas.
    """
    engines = [(weighted.member.name, model) for model, members in groups.items() for weighted in used(members)]
    plain = {
        "service_discovery": "static",
        "routing_logic": "roundrobin",
        "static_backends": ",".join(url for url, _ in engines),
        "static_models": ",".join(model for _, model in engines),
        **options,
    }
    return json.dumps(plain, indent=1).encode() + b"\n"
