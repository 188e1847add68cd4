"""Envoy's format: a file for the endpoint discovery (EDS) of one cluster. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from monitor.domain.router_ids import address
from monitor.routing.tiers import WORDS
from monitor.routing.weights import MemberWeight
from monitor.scoreboard.compression import digest

_TYPE: Final = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


def envoy_eds(cluster: str, members: Sequence[MemberWeight]) -> bytes:
    """The discovery response of one cluster; Envoy accepts one cluster per file.

    A member that is out is listed as unhealthy, so that Envoy's panic threshold counts it. The version is a digest of
    the content.
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
        "health_status": WORDS[weighted.use].envoy,
        "load_balancing_weight": weighted.weight,
    }
