"""What HAProxy reads: the lines of its agent checks, and a map file. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from monitor.domain.router_ids import ROUTERS
from monitor.routing.weights import MemberWeight, RoutingUse, by_endpoint, weighted_groups
from monitor.scoreboard.row import Row

UNKNOWN: Final = b"up ready 100%\n"
"""The answer about a server that nobody here knows: fail open."""


def agent_groups(rows: Iterable[Row]) -> Mapping[str, Sequence[str]]:
    """By what HAProxy may send, the endpoints of whose rows the answer is made: those of its backend, or its model."""
    models: dict[str, list[str]] = {}
    backends: dict[str, list[str]] = {}
    names: dict[str, Sequence[str]] = {}
    servers: dict[str, Sequence[str]] = {}
    for row in rows:
        names[row.id] = models.setdefault(row.model, [])
        models[row.model].append(row.id)
        if "haproxy" in row.router_ids:
            server = row.router_ids["haproxy"]
            servers[server] = backends.setdefault(ROUTERS["haproxy"](server).group, [])
            backends[ROUTERS["haproxy"](server).group].append(row.id)
    return {**names, **servers}


def agent_answers(rows: Iterable[Row]) -> Mapping[str, bytes]:
    """The line to answer with, by what HAProxy may send to name a server: `be/srv1`, or an endpoint's id.

    The weight is a share of the server's own `weight`, which has to be 100: HAProxy cuts off what is behind the point.
    Always both words: one that is left out stays as it was. A weight is told of what is down too, for the same reason.
    """
    known = tuple(rows)
    return {name: _answer(weighted) for name, weighted in _named(known, weighted_groups("haproxy", known)).items()}


def haproxy_map(rows: Iterable[Row], backends: Mapping[str, Sequence[MemberWeight]]) -> bytes:
    """A map file: a server or an endpoint, and its weight, 0 where it is not to be used."""
    return "".join(
        f"{name} {0 if weighted.use is RoutingUse.NONE else weighted.weight}\n"
        for name, weighted in _named(rows, backends).items()
        if not name.startswith("#")  # HAProxy would take the line for a comment
    ).encode()


def _named(rows: Iterable[Row], backends: Mapping[str, Sequence[MemberWeight]]) -> Mapping[str, MemberWeight]:
    """Endpoints, and over them servers: one that is called like an endpoint is what HAProxy means."""
    servers = {f"{name}/{weighted.member.name}": weighted for name, members in backends.items() for weighted in members}
    return {**by_endpoint(rows), **servers}


def _answer(weighted: MemberWeight) -> bytes:
    return f"{'down' if weighted.use is RoutingUse.NONE else 'up'} ready {weighted.weight}%\n".encode()
