"""How often each client may ask: a token bucket for each, in a table that does not grow without end. Pure."""

from __future__ import annotations

from ipaddress import IPv6Address

_MOST = 10_000
_BURST_S = 2.0
"""A bucket holds what comes in so long: a page that asks for several things at once is no flood."""
_ROUNDING = 1e-3
"""Of a request's time: what sums of many of these may be off by."""


class RateLimit:
    """One bucket for each client: it holds so many requests, and is filled at the rate.

    Of each only the time is kept at which it will be full again (the generic cell rate algorithm, ITU-T I.371).
    """

    def __init__(self, rate_per_s: float, *, most: int = _MOST) -> None:
        self._each_s = 1 / rate_per_s
        self._burst_s = max(_BURST_S, self._each_s)
        self._half = most // 2
        self._full_s: dict[str, float] = {}
        """Of those who asked lately."""
        self._before: dict[str, float] = {}
        """Of those who asked before these, and perhaps not since; forgotten first."""

    def __len__(self) -> int:
        return len(self._full_s.keys() | self._before.keys())

    def take(self, client: str, now_s: float) -> float:
        """Take one request out; how many seconds to wait until there is one, and 0 where it was there."""
        full_s = self._full_s.get(client)
        if full_s is None:
            full_s = self._remember(client, now_s)
        full_s = (full_s if full_s > now_s else now_s) + self._each_s  # noqa: FURB136  (max() takes twice as long)
        wait_s = full_s - now_s - self._burst_s
        if wait_s > self._each_s * _ROUNDING:
            return wait_s
        self._full_s[client] = full_s
        return 0.0

    def _remember(self, client: str, now_s: float) -> float:
        """Make room for a client among those who asked lately."""
        if len(self._full_s) >= self._half:
            self._before, self._full_s = self._full_s, {}
        self._full_s[client] = full_s = self._before.get(client, now_s)
        return full_s


def client_of(address: str) -> str:
    """Whom an address stands for: an IPv6 host has a whole /64 to itself, so that is taken for one."""
    if ":" not in address:
        return address
    parsed = IPv6Address(address.partition("%")[0])
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
