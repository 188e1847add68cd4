"""What routers call an endpoint: the values of `router_ids` that adapters read, and what they mean. Pure."""

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
"""Names are read at every change of a score, and mean the same each time."""


class RouterIdError(ValueError):
    """A value that its router could not understand; the message says what it should look like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterMember:
    """One of those between which a router chooses."""

    group: str
    """What the router chooses for: a backend, a cluster, a service, a model."""
    name: str
    """Which of its members: a server, `ip:port`, a service, a URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An IP address and a port."""

    host: str
    port: int


def haproxy(value: str) -> RouterMember:
    """`BACKEND/SERVER`."""
    return _member(_HAPROXY.fullmatch(value), "is not BACKEND/SERVER of HAProxy; write for example be/srv1")


def envoy(value: str) -> RouterMember:
    """`CLUSTER/IP:PORT`, an IPv6 address in brackets."""
    found = _ENVOY.fullmatch(value)
    if found is None or not _is_address(found["six"] or found["four"], int(found["port"])):
        raise RouterIdError("is not CLUSTER/IP:PORT of Envoy, which takes no host names; write llama/10.0.0.1:8000")
    return RouterMember(group=found["group"], name=value.rpartition("/")[2])


def traefik(value: str) -> RouterMember:
    """`SERVICE/CHILD`: the weighted service, and one of the services under it."""
    return _member(_TRAEFIK.fullmatch(value), "is not SERVICE/CHILD of Traefik; write for example llama/groq@file")


def vllm(value: str) -> RouterMember:
    """`MODEL@URL`: the model as the engine serves it."""
    message = "is not MODEL@URL of vLLM's router; write for example meta-llama/Llama-3.2-1B@http://10.0.0.1:8000"
    return _member(_VLLM.fullmatch(value), message)


ROUTERS: Mapping[str, Callable[[str], RouterMember]] = {
    read.__name__: lru_cache(_REMEMBERED)(read) for read in (haproxy, envoy, traefik, vllm)
}
"""Whose names are read here. Each raises MalformedError. Other routers' names are published as they are."""

KNOWN = frozenset({"litellm", *ROUTERS})
"""Every router that something here is made for."""


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
