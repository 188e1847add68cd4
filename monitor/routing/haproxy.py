"""HAProxy's formats: answers to agent checks, and a map file. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from monitor.domain.router_ids import ROUTERS
from monitor.domain.tier import RoutingUse, Tier
from monitor.routing.tiers import POLICY, WORDS
from monitor.routing.weights import MemberWeight, by_endpoint, weighted_groups
from monitor.scoreboard.row import Row


def agent_groups(rows: Iterable[Row]) -> Mapping[str, Sequence[str]]:
    """For each name that HAProxy may send: the endpoints of its backend, or of its model."""
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
    """The answer for each name that HAProxy may send: `be/srv1`, or an endpoint's id.

    The weight is a percentage of the server's own `weight`, which has to be 100, since HAProxy truncates the product.
    Both words are always sent, since HAProxy keeps the old value of a missing one; for the same
    reason the weight is also sent for a server that is down.
    """
    known = tuple(rows)
    choices_by_name = named_servers(known, weighted_groups("haproxy", known))
    return {name: _line(choice.use, choice.weight) for name, choice in choices_by_name.items()}


def named_servers(rows: Iterable[Row], backends: Mapping[str, Sequence[MemberWeight]]) -> Mapping[str, MemberWeight]:
    """Weights by endpoint id and by server name. If a server has the same name as an endpoint, the server is used."""
    servers = {f"{name}/{weighted.member.name}": weighted for name, members in backends.items() for weighted in members}
    return {**by_endpoint(rows), **servers}


def _line(use: RoutingUse, weight: int) -> bytes:
    return f"{WORDS[use].haproxy} ready {weight}%\n".encode()


UNKNOWN: Final = _line(POLICY[Tier.UNKNOWN].use, POLICY[Tier.UNKNOWN].most_weight)
"""The answer for an unknown server: up, because routers fail open."""
