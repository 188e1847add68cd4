"""Names of endpoints in routers: parses the values of `router_ids`. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_HAPROXY = re.compile(r"(?P<group>[-\w.:]+)/(?P<name>[-\w.:]+)", re.ASCII)
_ENVOY = re.compile(r"(?P<group>[^\s]+)/(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<four>[0-9.]+)):(?P<port>[0-9]{1,5})")
_TRAEFIK = re.compile(r"(?P<group>[^/@\s]+)/(?P<name>[^/\s]+)")
_VLLM = re.compile(r"(?P<group>[^\s,]+)@(?P<name>https?://[^\s,@]+)")
_HIGHEST_PORT = 65535
_REMEMBERED = 10_000
"""Size of each parser's cache: names are parsed at every change of a score."""


class RouterIdError(ValueError):
    """A value that its router does not accept; the message shows the expected form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterMember:
    """One of the members between which a router chooses."""

    group: str
    """A backend, cluster, service or model."""
    name: str
    """The member in the group: a server, `ip:port`, a service, a URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An IP address and a port."""

    host: str
    port: int


def haproxy(value: str) -> RouterMember:
    """`BACKEND/SERVER`."""
    return _member(_HAPROXY.fullmatch(value), "is not HAProxy's BACKEND/SERVER; write for example be/srv1")


def envoy(value: str) -> RouterMember:
    """`CLUSTER/IP:PORT`, an IPv6 address in brackets."""
    found = _ENVOY.fullmatch(value)
    if found is None or not _is_address(found["six"] or found["four"], int(found["port"])):
        raise RouterIdError(
            "is not Envoy's CLUSTER/IP:PORT (host names are not allowed); write for example llama/10.0.0.1:8000"
        )
    return RouterMember(group=found["group"], name=value.rpartition("/")[2])


def traefik(value: str) -> RouterMember:
    """`SERVICE/CHILD`: the weighted service, and one of the services under it."""
    return _member(_TRAEFIK.fullmatch(value), "is not Traefik's SERVICE/CHILD; write for example llama/groq@file")


def vllm(value: str) -> RouterMember:
    """`MODEL@URL`: the model as the engine serves it."""
    message = "is not MODEL@URL for vLLM's router; write for example meta-llama/Llama-3.2-1B@http://10.0.0.1:8000"
    return _member(_VLLM.fullmatch(value), message)


ROUTERS: Mapping[str, Callable[[str], RouterMember]] = {
    read.__name__: lru_cache(_REMEMBERED)(read) for read in (haproxy, envoy, traefik, vllm)
}
"""Parsers by router; each raises RouterIdError. Names of other routers are published unchanged."""

KNOWN = frozenset({"litellm", *ROUTERS})
"""Every router that Providerwatch supports."""


def address(name: str) -> Address:
    """The address of a member of an Envoy cluster."""
    host, _, port = name.rpartition(":")
    return Address(host=host.strip("[]"), port=int(port))


def _member(found: re.Match[str] | None, message: str) -> RouterMember:
    if found is None:
        raise RouterIdError(message)
    return RouterMember(group=found["group"], name=found["name"])


def _is_address(host: str, port: int) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return 0 < port <= _HIGHEST_PORT
