"""Renders a snapshot in a file format. Pure: the same snapshot and configuration give the same bytes."""

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
    """A file cannot be made; the message says what is missing."""


def render(
    file_format: Format,
    snapshot: Snapshot,
    cluster: str | None = None,
    options: Mapping[str, str] | None = None,
) -> bytes:
    """A snapshot as a file. Raises CannotBeMadeError; never for the files of a checked configuration.

    `cluster` is for Envoy, which needs one file per cluster; None: there is only one cluster. `options` are for vLLM's
    router.
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
        raise CannotBeMadeError(
            "the format openrouter needs data that a scores document does not hold; export without --url"
        )
    return OpenRouterFile().body(snapshot)


def _groups(router: str, snapshot: Snapshot, *, may_be_none: bool = False) -> Mapping[str, Sequence[MemberWeight]]:
    try:
        groups = weighted_groups(router, snapshot.rows.values())
    except RouterIdError as error:
        raise CannotBeMadeError(str(error)) from None
    if not groups and not may_be_none:
        raise CannotBeMadeError(f"no endpoint has a name for this router; write `router_ids: {{{router}: …}}`")
    return groups


def _cluster(groups: Mapping[str, Sequence[MemberWeight]], cluster: str | None) -> tuple[str, Sequence[MemberWeight]]:
    wanted = next(iter(groups)) if cluster is None and len(groups) == 1 else cluster
    if wanted is None or wanted not in groups:
        raise CannotBeMadeError(
            f"an Envoy file holds one cluster; choose one with --cluster: {', '.join(sorted(groups))}"
        )
    return wanted, groups[wanted]
