"""Selects which of LiteLLM's deployments to use: the best group, best first. Pure.

LiteLLM chooses among the returned deployments by its own strategy (shuffle, latency, weights). So worse deployments are
omitted while a better one exists. At least one deployment always remains.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from monitor.client import RoutingUse, ScoredEndpoint

Deployment: TypeAlias = Mapping[str, Any]
"""As in LiteLLM's `model_list`."""


def choose(
    deployments: Sequence[Deployment],
    endpoints: Mapping[str, ScoredEndpoint],
    now: datetime,
    request: Mapping[str, Any],
) -> list[Any]:
    """The deployments to choose from. `endpoints`: by id and by LiteLLM's names. `request`: LiteLLM's request data.

    Afterwards LiteLLM filters by tags, by the order of a fallback, and by failures in this request. So only deployments
    with the same tags are compared, and a deployment that LiteLLM will drop does not exclude another one.
    """
    known = [(deployment, _seen(deployment, endpoints, now)) for deployment in deployments]
    by_order = request.get("_target_order") is not None
    best: dict[Hashable, RoutingUse] = {}
    for deployment, endpoint in known:
        if not _has_failed(deployment, request):
            pool = _pool(deployment, by_order)
            best[pool] = min(best.get(pool, RoutingUse.NONE), use_of(endpoint))
    kept = [
        (deployment, seen)
        for deployment, seen in known
        if use_of(seen) <= best.get(_pool(deployment, by_order), RoutingUse.NONE)
    ]
    return [deployment for deployment, _ in sorted(kept, key=lambda pair: _rank(pair[1]))]


def use_of(endpoint: ScoredEndpoint | None) -> RoutingUse:
    """How to use an endpoint; None: it is not monitored."""
    return RoutingUse.NORMAL if endpoint is None else endpoint.use


def name_of(model_info: Mapping[str, Any]) -> str:
    """The endpoint's id if the deployment names it, else the deployment's id, which `router_ids` may hold."""
    return str(model_info.get("providerwatch") or model_info.get("id"))


def _seen(deployment: Deployment, endpoints: Mapping[str, ScoredEndpoint], now: datetime) -> ScoredEndpoint | None:
    found = endpoints.get(name_of(deployment.get("model_info") or {}))
    return None if found is None else found.at(now)


def _rank(endpoint: ScoredEndpoint | None) -> tuple[int, float]:
    """Deployments that are not monitored come after those that are up, as in the client."""
    return (1, 0.0) if endpoint is None else endpoint.rank


def _has_failed(deployment: Deployment, request: Mapping[str, Any]) -> bool:
    failed = (*_words(request.get("_excluded_deployment_ids")), *_words(request.get("_retry_skipped_deployment_ids")))
    return str((deployment.get("model_info") or {}).get("id")) in failed


def _pool(deployment: Deployment, by_order: bool) -> Hashable:
    """The properties that interchangeable deployments share."""
    params, info = deployment.get("litellm_params") or {}, deployment.get("model_info") or {}
    tags = frozenset(_words(params.get("tags"))), frozenset(_words(params.get("tag_regex")))
    return (*tags, (params.get("order"), info.get("order")) if by_order else None)


def _words(value: object) -> Iterable[str]:
    return [str(deployment) for deployment in value] if isinstance(value, list | tuple | set | frozenset) else ()
