"""What Envoy reads: a file for the endpoint discovery of one cluster. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from monitor.domain.router_ids import address
from monitor.routing.weights import MemberWeight, RoutingUse
from monitor.scoreboard.compression import digest

_TYPE: Final = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


def envoy_eds(cluster: str, members: Sequence[MemberWeight]) -> bytes:
    """The discovery response of a cluster; Envoy takes one cluster in a file.

    What is down is in it as unhealthy, so that Envoy's own panic threshold still knows it. The version is made of the
    content: the same members are the same version.
    """
    assignment = {"@type": _TYPE, "cluster_name": cluster, "endpoints": [{"lb_endpoints": _endpoints(members)}]}
    body = json.dumps(assignment, separators=(",", ":"))
    return f'{{"version_info":"{digest(body.encode())}","resources":[{body}]}}\n'.encode()


def _endpoints(members: Iterable[MemberWeight]) -> list[dict[str, object]]:
    return [_endpoint(weighted) for weighted in members]


def _endpoint(weighted: MemberWeight) -> dict[str, object]:
    at = address(weighted.member.name)
    return {
        "endpoint": {"address": {"socket_address": {"address": at.host, "port_value": at.port}}},
        "health_status": _health(weighted.use),
        "load_balancing_weight": weighted.weight,
    }


def _health(use: RoutingUse) -> str:
    match use:
        case RoutingUse.NORMAL:
            return "HEALTHY"
        case RoutingUse.FALLBACK:
            return "DEGRADED"
        case RoutingUse.NONE:
            return "UNHEALTHY"
        case _:
            assert_never(use)
