"""Origins: the host and port of a provider or a canary. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from monitor.config import Canary, is_this_machine
from probes._model import Endpoint
from probes._ports import DEFAULT_PORTS

_NEAR_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
"""Not `is_private`, which also counts documentation and benchmark networks as private."""
_NEAR_ENDINGS = (".internal", ".local", ".lan", ".home.arpa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A provider at an address, or a canary."""

    name: str
    """The provider's name, or the canary's address."""
    host: str
    port: int

    @property
    def is_named(self) -> bool:
        """Whether it is reached by a name, so that an answer shows that names are resolved."""
        return _address(self.host) is None

    @property
    def is_near(self) -> bool:
        """Whether it may be reached without the Internet: a machine in the local network."""
        address = _address(self.host)
        if address is None:
            return "." not in self.host or self.host.endswith(_NEAR_ENDINGS)
        return any(address in network for network in _NEAR_NETWORKS)

    def is_related(self, other: Origin) -> bool:
        """Whether both may fail together for a reason of their own: the same provider, or the same host."""
        return self.name == other.name or self.host == other.host


def origin_of(endpoint: Endpoint) -> Origin | None:
    """The origin of an endpoint; None: it is on this machine, or its address is invalid."""
    try:
        parts = urlsplit(endpoint.base_url)
        host, port = parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not host or port is None or is_this_machine(host):
        return None
    return Origin(name=endpoint.provider, host=host.rstrip("."), port=port)


def canary_origins(canaries: Iterable[Canary]) -> tuple[Origin, ...]:
    """The canaries as origins. A canary is related only to a provider on the same host."""
    return tuple(
        Origin(name=str(canary), host=canary.host.lower().rstrip("."), port=canary.port) for canary in canaries
    )


def neutral_name(endpoints: Iterable[Endpoint], canaries: Iterable[Canary]) -> str | None:
    """The name to look up while probes run: that of a canary that is not the host of a provider."""
    taken = {origin.host for endpoint in endpoints if (origin := origin_of(endpoint)) is not None}
    named = (origin.host for origin in canary_origins(canaries) if origin.is_named and not origin.is_near)
    return next((f"{host}." for host in named if host not in taken), None)


def blind_spot(endpoints: Iterable[Endpoint], canaries: Iterable[Canary]) -> str | None:
    """The host of all endpoints, when its failure cannot be distinguished from a failure of the local network."""
    far = {origin for endpoint in endpoints if (origin := origin_of(endpoint)) is not None}
    hosts = sorted({origin.host for origin in far})
    related = all(one.is_related(other) for one in far for other in far)
    return hosts[0] if hosts and related and not any(True for _ in canaries) else None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
