"""The routing policy: its table, which stands in docs/routers/README.md too, and what holds for all of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from monitor.domain.status import Status
from monitor.domain.tier import RoutingUse, Tier, tier_of
from monitor.routing.tiers import POLICY, WORDS
from tests.support.routing_policy import STANDINGS

PAGE = Path(__file__).parents[3] / "docs" / "routers" / "README.md"
STATUSES: Mapping[Tier, str] = {
    Tier.UP: "`up`",
    Tier.UNKNOWN: "`unknown`: stale, or never measured",
    Tier.DEGRADED: "`degraded`",
    Tier.REFUSED: "`up` or `degraded`, account refused",
    Tier.UNKNOWN_REFUSED: "`unknown`, account refused",
    Tier.PAUSED: "`paused`",
    Tier.MAINTENANCE: "`maintenance`",
    Tier.DOWN: "`down`",
}
USES: Mapping[RoutingUse, str] = {
    RoutingUse.NORMAL: "normal",
    RoutingUse.FALLBACK: "fallback",
    RoutingUse.NONE: "out",
}
HEAD = (
    "status",
    "use",
    "weight",
    "`/v1/check`",
    "HAProxy's agent",
    "Envoy's file",
    "map, Traefik, vLLM",
    "`/v1/route`",
    "OpenRouter's `status`",
)


def row(tier: Tier) -> tuple[str, ...]:
    """A row of the table, as the page has it."""
    policy = POLICY[tier]
    words = WORDS[policy.use]
    return (
        STATUSES[tier],
        USES[policy.use],
        f"score × {policy.most_weight}" if policy.by_score else str(policy.most_weight),
        f"{words.check:d}{', degraded' if words.envoy_degraded else ''}",
        f"`{words.haproxy} ready`",
        f"`{words.envoy}`",
        "in" if words.listed else "0, or not listed",
        f"{policy.route_order + 1}, {'drawn' if policy.drawn else 'by score'}",
        f"{policy.openrouter:d}",
    )


def table() -> str:
    rows = [HEAD, ("---",) * len(HEAD), *(row(tier) for tier in POLICY)]
    return "".join(f"|{'|'.join('---' if cell == '---' else f' {cell} ' for cell in cells)}|\n" for cells in rows)


def test_the_page_has_the_table() -> None:
    assert table() in PAGE.read_text(), f"docs/routers/README.md wants this table:\n\n{table()}"


def test_every_tier_has_a_row_and_every_row_a_tier() -> None:
    assert {tier_of(status, refused=account is not None) for status, account in STANDINGS} == {*POLICY} == {*Tier}
    assert {*WORDS} == {*RoutingUse}


def test_the_rows_are_in_the_order_in_which_endpoints_are_tried() -> None:
    assert [*POLICY] == sorted(Tier)
    assert [policy.use for policy in POLICY.values()] == sorted(policy.use for policy in POLICY.values())
    orders = [policy.route_order for policy in POLICY.values()]
    assert orders == sorted(orders)


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("status", [Status.PAUSED, Status.MAINTENANCE, Status.DOWN])
def test_what_is_paused_in_maintenance_or_down_is_out(status: Status, refused: bool) -> None:
    assert POLICY[tier_of(status, refused=refused)].use is RoutingUse.NONE


def test_each_number_of_openrouter_stands_for_one_place_in_the_order() -> None:
    assert len({(policy.openrouter, policy.route_order) for policy in POLICY.values()}) == len(
        {policy.openrouter for policy in POLICY.values()}
    )
