"""The deployments that LiteLLM gets: the best group, and always at least one usable deployment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.client import RoutingUse, ScoredEndpoint, Status
from monitor.integrations._choice import choose, name_of, use_of
from monitor.routing.tiers import TierPolicy
from tests.support.routing_policy import every_standing
from tests.unit.score.values import START

NOW = START


def endpoint(status: Status, score: float | None = 0.9, **more: Any) -> ScoredEndpoint:
    return ScoredEndpoint(id="p:m", provider="p", model="a/m", status=status, score=score, **more)


def deployment(name: str, **params: Any) -> dict[str, Any]:
    return {"model_info": {"id": name}, "litellm_params": params}


def names(
    deployments: list[dict[str, Any]],
    endpoints: Mapping[str, ScoredEndpoint],
    request: Mapping[str, Any] | None = None,
    now: datetime = NOW,
) -> list[str]:
    return [each["model_info"]["id"] for each in choose(deployments, endpoints, now, request or {})]


A, B, C = deployment("a"), deployment("b"), deployment("c")
UP, DOWN, DEGRADED = endpoint(Status.UP), endpoint(Status.DOWN, 0.1), endpoint(Status.DEGRADED, 0.7)
REFUSED = endpoint(Status.UP, account="auth")


@pytest.mark.parametrize(
    ("a", "b", "kept"),
    [
        (UP, UP, ["a", "b"]),
        (endpoint(Status.UP, 0.7), UP, ["b", "a"]),
        (DOWN, UP, ["b"]),
        (DOWN, DOWN, ["a", "b"]),
        (DEGRADED, UP, ["b"]),
        (DEGRADED, DOWN, ["a"]),
        (REFUSED, UP, ["b"]),
        (REFUSED, DEGRADED, ["b", "a"]),
        (endpoint(Status.PAUSED), endpoint(Status.MAINTENANCE), ["a", "b"]),
        (endpoint(Status.MAINTENANCE), DEGRADED, ["b"]),
        (endpoint(Status.MAINTENANCE), DOWN, ["a", "b"]),
        (endpoint(Status.UNKNOWN, None), DEGRADED, ["a"]),
        (endpoint(Status.UNKNOWN, None), UP, ["b", "a"]),
    ],
)
def test_the_best_group_stays_the_best_first(a: ScoredEndpoint, b: ScoredEndpoint, kept: list[str]) -> None:
    assert names([A, B], {"a": a, "b": b}) == kept


@every_standing
def test_a_deployment_is_used_as_the_table_says(status: Status, account: str | None, policy: TierPolicy) -> None:
    row = endpoint(status, account=account)
    assert use_of(row) is policy.use
    assert ("a" in names([A, B], {"a": row, "b": UP})) is (policy.use is RoutingUse.NORMAL)
    assert ("a" in names([A, B], {"a": row, "b": DEGRADED})) is (policy.use is not RoutingUse.NONE)
    assert "a" in names([A, B], {"a": row, "b": DOWN})


def test_unmonitored_deployments_are_used_and_come_after_those_that_are_up() -> None:
    assert names([A, B, C], {"b": UP, "c": DOWN}) == ["b", "a"]
    assert names([A, B], {}) == ["a", "b"]


def test_what_is_stale_is_not_down() -> None:
    stale = endpoint(Status.DOWN, stale_after=NOW + timedelta(seconds=1))
    known = {"a": stale, "b": UP}
    assert names([A, B], known) == ["b"]
    assert names([A, B], known, now=NOW + timedelta(seconds=2)) == ["b", "a"]


def test_what_has_failed_in_this_request_keeps_nothing_else_out() -> None:
    known = {"a": UP, "b": DEGRADED, "c": DOWN}
    assert names([A, B, C], known, {"_excluded_deployment_ids": ["a"]}) == ["a", "b"]
    assert names([A, B, C], known, {"_retry_skipped_deployment_ids": ("a", "b")}) == ["a", "b", "c"]
    assert names([A, B], known, {"_retry_skipped_deployment_ids": ("a", "b")}) == ["a", "b"]


def test_deployments_of_other_tags_do_not_stand_in_for_each_other() -> None:
    free, paid = deployment("a", tags=["free"]), deployment("b", tags=["paid"])
    assert names([free, paid], {"a": DOWN, "b": UP}) == ["b", "a"]
    assert names([free, paid, deployment("c", tags=["free"])], {"a": DOWN, "b": UP, "c": UP}) == ["b", "c"]


def test_an_order_that_a_fallback_asks_for_is_not_emptied() -> None:
    first, second = deployment("a", order=1), deployment("b", order=2)
    assert names([first, second], {"a": UP, "b": DOWN}) == ["a"]
    assert names([first, second], {"a": UP, "b": DOWN}, {"_target_order": 2}) == ["a", "b"]


def test_a_deployment_may_name_its_endpoint() -> None:
    assert name_of({"id": "key-2", "providerwatch": "p:m"}) == "p:m"
    assert name_of({"id": "key-2"}) == "key-2"


def test_deployments_without_any_of_it_stay() -> None:
    assert choose([{}], {"a": UP}, NOW, {}) == [{}]
