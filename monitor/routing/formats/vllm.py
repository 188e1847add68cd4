"""The format of the router of vLLM's production stack: its list of engines. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from monitor.config.options import Field, Maybe, Section, Text
from monitor.routing.router_format import RouterFormat, some_groups
from monitor.routing.weights import MemberWeight, used
from monitor.scoreboard.snapshot import Snapshot


class VllmOptions(Section):
    """Other settings in the file, besides the engines."""

    routing_logic: Maybe[Text] = None
    """Default: roundrobin."""
    session_key: Maybe[Text] = None
    callbacks: Maybe[Text] = None


class VllmFormat(RouterFormat):
    """Dynamic configuration for the router of vLLM's production stack: its engines."""

    router = "vllm"

    options: VllmOptions = Field(default_factory=VllmOptions)
    """Other settings in the file, besides the engines."""

    def render(self, snapshot: Snapshot) -> bytes:
        """See `RouterFormat.render`."""
        return _engines(some_groups(self.router, snapshot), self.options.model_dump(exclude_none=True))


def _engines(groups: Mapping[str, Sequence[MemberWeight]], options: Mapping[str, str]) -> bytes:
    """The dynamic configuration with the usable engines, each with its model.

    The router has no weights, so fallbacks are listed like the others. It splits both lists at commas.
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
