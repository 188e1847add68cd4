"""A map file for HAProxy: a server or an endpoint, and its weight."""

from __future__ import annotations

from monitor.routing.haproxy import named_servers
from monitor.routing.router_format import RouterFormat, groups
from monitor.routing.weights import RoutingUse
from monitor.scoreboard.snapshot import Snapshot


class HaproxyMapFormat(RouterFormat):
    """A map file for HAProxy: a server or an endpoint, and its weight, 0 where it is not to be used."""

    def render(self, snapshot: Snapshot) -> bytes:
        """See `RouterFormat.render`."""
        return "".join(
            f"{name} {0 if choice.use is RoutingUse.NONE else choice.weight}\n"
            for name, choice in named_servers(snapshot.rows.values(), groups("haproxy", snapshot)).items()
            if not name.startswith("#")  # HAProxy would take the line for a comment
        ).encode()
