"""Envoy's format: a file for the endpoint discovery of one cluster. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from monitor.config.options import Maybe, Name, RefusedError, quoted
from monitor.domain.router_ids import address
from monitor.routing.router_format import CannotBeMadeError, RouterFormat, some_groups
from monitor.routing.tiers import WORDS
from monitor.routing.weights import MemberWeight
from monitor.scoreboard.compression import digest
from monitor.scoreboard.snapshot import Snapshot

_TYPE: Final = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


class EnvoyEdsFormat(RouterFormat):
    """File for Envoy's endpoint discovery (EDS), for one cluster."""

    router = "envoy"

    cluster: Maybe[Name] = None
    """The cluster in this file. Required if `router_ids` name several clusters."""

    def render(self, snapshot: Snapshot) -> bytes:
        """See `RouterFormat.render`."""
        clusters = some_groups(self.router, snapshot)
        wanted = next(iter(clusters)) if self.cluster is None and len(clusters) == 1 else self.cluster
        if wanted is None or wanted not in clusters:
            names = ", ".join(sorted(clusters))
            raise CannotBeMadeError(f"an Envoy file contains one cluster; choose one with --cluster: {names}")
        return _discovery(wanted, clusters[wanted])

    @classmethod
    def problems(cls, written: Mapping[str, object], groups: Mapping[str, bool]) -> Iterator[tuple[str, RefusedError]]:
        """See `FileSection.problems`."""
        cluster, shown = written.get("cluster"), sorted(group for group, secret in groups.items() if not secret)
        if isinstance(cluster, str) and cluster not in groups:
            yield "cluster", RefusedError("{value} is not a cluster of any `router_ids`", options=shown)
        elif "cluster" not in written and len(groups) > 1:
            names = ", ".join(map(quoted, shown))
            which = f"choose one of {names}" if len(shown) == len(groups) else "choose one"
            message = f"contains only one cluster; {which} with `cluster:`, and add a file for each further cluster"
            yield "format", RefusedError(message)


def _discovery(cluster: str, members: Sequence[MemberWeight]) -> bytes:
    """The discovery response of a cluster; Envoy reads one cluster per file.

    Members that are not usable are listed as unhealthy, because Envoy's panic threshold counts them. The version is a
    hash of the content, so it changes only with the members.
    """
    assignment = {"@type": _TYPE, "cluster_name": cluster, "endpoints": [{"lb_endpoints": _endpoints(members)}]}
    body = json.dumps(assignment, separators=(",", ":"))
    return f'{{"version_info":"{digest(body.encode())}","resources":[{body}]}}\n'.encode()


def _endpoints(members: Iterable[MemberWeight]) -> list[dict[str, object]]:
    return [_endpoint(choice) for choice in members]


def _endpoint(choice: MemberWeight) -> dict[str, object]:
    at = address(choice.member.name)
    return {
        "endpoint": {"address": {"socket_address": {"address": at.host, "port_value": at.port}}},
        "health_status": WORDS[choice.use].envoy,
        "load_balancing_weight": choice.weight,
    }
