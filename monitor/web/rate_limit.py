"""A rate limit per client: token buckets in a table of bounded size. Pure."""

from __future__ import annotations

from ipaddress import IPv6Address

_MOST = 10_000
_BURST_S = 2.0
"""A bucket holds the requests of so many seconds: a page that sends several requests at once is accepted."""
_ROUNDING = 1e-3
"""Tolerance for rounding errors in sums of request times, as a share of one request's time."""


class RateLimit:
    """One token bucket per client, filled at the rate.

    Of each bucket only the time is kept at which it is full again (the generic cell rate algorithm, ITU-T I.371).
    """

    def __init__(self, rate_per_s: float, *, most: int = _MOST) -> None:
        self.apply(rate_per_s)
        self._half = most // 2
        self._full_s: dict[str, float] = {}
        """Of recent clients."""
        self._before: dict[str, float] = {}
        """Of earlier clients; discarded first."""

    def __len__(self) -> int:
        return len(self._full_s.keys() | self._before.keys())

    def apply(self, rate_per_s: float) -> None:
        """Use another rate from now on. A client that was refused stays refused until its bucket has room."""
        self._each_s = 1 / rate_per_s
        self._burst_s = max(_BURST_S, self._each_s)

    def take(self, client: str, now_s: float) -> float:
        """Take one request from the client's bucket. Returns 0, or the seconds to wait if the bucket is empty."""
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
        """Add a client to the recent ones; discards the earlier ones if the table is full."""
        if len(self._full_s) >= self._half:
            self._before, self._full_s = self._full_s, {}
        self._full_s[client] = full_s = self._before.get(client, now_s)
        return full_s


def client_of(address: str) -> str:
    """The client of an address: an IPv4 address, or an IPv6 /64, since one host usually has a whole /64."""
    if ":" not in address:
        return address
    parsed = IPv6Address(address.partition("%")[0])
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
