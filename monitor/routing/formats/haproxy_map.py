"""A map file for HAProxy: a server or an endpoint, and its weight."""

from __future__ import annotations

from monitor.routing.haproxy import named_servers
from monitor.routing.router_format import RouterFormat, groups
from monitor.routing.tiers import WORDS
from monitor.scoreboard.snapshot import Snapshot


class HaproxyMapFormat(RouterFormat):
    """A map file for HAProxy: a server or an endpoint, and its weight; 0: not usable."""

    def render(self, snapshot: Snapshot) -> bytes:
        """See `RouterFormat.render`."""
        return "".join(
            f"{name} {choice.weight if WORDS[choice.use].listed else 0}\n"
            for name, choice in named_servers(snapshot.rows.values(), groups("haproxy", snapshot)).items()
            if not name.startswith("#")  # HAProxy reads such a line as a comment
        ).encode()
