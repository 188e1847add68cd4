"""Which shape is made by what. Pure: the same snapshot and configuration give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from monitor.domain.formats import Format
from monitor.domain.router_ids import RouterIdError
from monitor.routing.formats.envoy import envoy_eds
from monitor.routing.formats.haproxy import haproxy_map
from monitor.routing.formats.traefik import traefik
from monitor.routing.formats.vllm import vllm
from monitor.routing.openrouter.file import OpenRouterFile
from monitor.routing.weights import MemberWeight, weighted_groups
from monitor.scoreboard.snapshot import Snapshot


class CannotBeMadeError(ValueError):
    """A shape cannot be made of what is known; the message says what is missing."""


def render(
    file_format: Format,
    snapshot: Snapshot,
    cluster: str | None = None,
    options: Mapping[str, str] | None = None,
) -> bytes:
    """A snapshot in some shape. Raises CannotBeMadeError, but never for a configuration that was found to be right.

    `cluster` is for Envoy, whose files hold one; None: there is only one. `options` are for vLLM's router.
    """
    match file_format:
        case Format.SCORES:
            return snapshot.body
        case Format.OPENROUTER:
            return _openrouter(snapshot)
        case Format.HAPROXY_MAP:
            return haproxy_map(snapshot.rows.values(), _groups("haproxy", snapshot, may_be_none=True))
        case Format.ENVOY_EDS:
            return envoy_eds(*_cluster(_groups("envoy", snapshot), cluster))
        case Format.TRAEFIK:
            return traefik(_groups("traefik", snapshot))
        case Format.VLLM:
            return vllm(_groups("vllm", snapshot), options or {})
        case _:
            assert_never(file_format)


def _openrouter(snapshot: Snapshot) -> bytes:
    if any(row.facts is None for row in snapshot.rows.values()):
        raise CannotBeMadeError("the scores document of another daemon does not tell all that it holds")
    return OpenRouterFile().body(snapshot)


def _groups(router: str, snapshot: Snapshot, *, may_be_none: bool = False) -> Mapping[str, Sequence[MemberWeight]]:
    try:
        groups = weighted_groups(router, snapshot.rows.values())
    except RouterIdError as error:
        raise CannotBeMadeError(str(error)) from None
    if not groups and not may_be_none:
        raise CannotBeMadeError(f"no endpoint has a name for it; write `router_ids: {{{router}: …}}`")
    return groups


def _cluster(groups: Mapping[str, Sequence[MemberWeight]], cluster: str | None) -> tuple[str, Sequence[MemberWeight]]:
    wanted = next(iter(groups)) if cluster is None and len(groups) == 1 else cluster
    if wanted is None or wanted not in groups:
        raise CannotBeMadeError(f"a file holds one cluster of Envoy; say which of {', '.join(sorted(groups))}")
    return wanted, groups[wanted]
