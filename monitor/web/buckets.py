"""How often each client may ask: a token bucket for each, in a table that does not grow without end. Pure."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address

_MOST = 10_000
_BURST_S = 2.0
"""A bucket holds what comes in so long: a page that asks for several things at once is no flood."""


class Buckets:
    """One bucket for each client: it holds so many requests, and is filled at the rate."""

    def __init__(self, rate_per_s: float, *, most: int = _MOST) -> None:
        self._rate_per_s = rate_per_s
        self._size = max(rate_per_s * _BURST_S, 1.0)
        self._most = most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._left)

    def take(self, client: str, now_s: float) -> float:
        """Take one request out; how many seconds to wait until there is one, and 0 where it was there."""
        left, at_s = self._left.get(client, (self._size, now_s))
        left = min(self._size, left + max(now_s - at_s, 0.0) * self._rate_per_s)
        allowed = left >= 1
        self._left[client] = (left - 1 if allowed else left, now_s)
        self._left.move_to_end(client)
        if len(self._left) > self._most:
            self._left.popitem(last=False)  # who has not asked for longest, whose bucket is likely full again
        return 0.0 if allowed else (1 - left) / self._rate_per_s


def client_of(address: str) -> str:
    """Whom an address stands for: an IPv6 host has a whole /64 to itself, so that is taken for one."""
    if ":" not in address:
        return address
    parsed = IPv6Address(address.partition("%")[0])
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
