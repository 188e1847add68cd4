"""Which `Host` a request may name, where the server trusts everyone on this machine. Pure.

A page of a stranger can point its own name at 127.0.0.1 and have a browser on this machine ask us (DNS rebinding). The
browser then sends that name as `Host`, so a name that is not ours gives it away. The port may be
any other: it may be forwarded.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]*)(?::[0-9]{0,5})?")


def own_hosts(listen: str) -> Collection[str]:
    """What a server on this loopback address is called."""
    return LOOPBACK | {_plain(listen)}


@lru_cache(maxsize=256)
def host_of(header: str) -> str | None:
    """The host in a `Host` header, written in its one plain way; None where it is none."""
    found = _HOST.fullmatch(header.strip())
    host = found and found["host"]
    return _plain(host.removeprefix("[").removesuffix("]")) if host else None


def _plain(host: str) -> str:
    """A name without its last dot, in lower case; an address as short as it can be written."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host.lower().removesuffix(".")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
