"""Use and weight of endpoints in routers: routers fail open, and weights follow the score in steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.router_ids import RouterIdError
from monitor.domain.status import Status
from monitor.domain.tier import RoutingUse
from monitor.routing.tiers import TierPolicy
from monitor.routing.weights import MemberWeight, by_endpoint, used, weighted_groups, weights_basis
from monitor.scoreboard.row import Row
from tests.support.routing_policy import every_standing
from tests.support.rows import make_row


def choice_of(row: Row) -> tuple[RoutingUse, int]:
    """Of a row beside one that is up."""
    found = by_endpoint([row, make_row("other:m")])[row.id]
    return found.use, found.weight


def group(*rows: Row) -> list[tuple[str, RoutingUse, int]]:
    """The members of the only group."""
    (members,) = weighted_groups("haproxy", rows).values()
    return [(weighted.member.name, weighted.use, weighted.weight) for weighted in members]


def at(server: str, status: Status, score: float | None = 1.0, name: str = "") -> Row:
    return make_row(name or f"p:{server}", status, score, router_ids={"haproxy": f"be/{server}"})


@pytest.mark.parametrize(
    ("score", "weight"), [(1.0, 100), (0.96, 100), (0.94, 90), (0.55, 60), (0.5, 50), (0.04, 1), (0.0, 1), (None, 100)]
)
def test_the_weight_of_an_endpoint_that_is_up_is_its_score_in_tenths(score: float | None, weight: int) -> None:
    assert choice_of(make_row("p:m", Status.UP, score)) == (RoutingUse.NORMAL, weight)


@pytest.mark.parametrize(("score", "weight"), [(1.0, 20), (0.9, 18), (0.3, 6), (0.0, 1), (None, 20)])
def test_a_degraded_endpoint_is_a_fallback_with_a_fifth_of_the_weight(score: float | None, weight: int) -> None:
    assert choice_of(make_row("p:m", Status.DEGRADED, score)) == (RoutingUse.FALLBACK, weight)


@pytest.mark.parametrize("score", [None, 0.0, 0.2, 1.0])
def test_an_endpoint_without_samples_is_used_like_an_unmonitored_one(score: float | None) -> None:
    assert choice_of(make_row("p:m", Status.UNKNOWN, score)) == (RoutingUse.NORMAL, 100)


@pytest.mark.parametrize("status", [Status.UP, Status.UNKNOWN])
def test_one_that_refuses_our_account_is_a_fallback(status: Status) -> None:
    assert choice_of(make_row("p:m", status, account="auth")) == (RoutingUse.FALLBACK, 20)


@every_standing
@pytest.mark.parametrize(("score", "tenths"), [(None, 10), (1.0, 10), (0.5, 5), (0.0, 0)])
def test_use_and_weight_are_those_of_the_table(
    status: Status, account: str | None, policy: TierPolicy, score: float | None, tenths: int
) -> None:
    weight = max(1, policy.most_weight * tenths // 10) if policy.by_score else policy.most_weight
    assert choice_of(make_row("p:m", status, score, account=account)) == (policy.use, weight)


@pytest.mark.parametrize("status", [Status.PAUSED, Status.MAINTENANCE])
@pytest.mark.parametrize("score", [None, 0.0, 1.0])
def test_one_that_is_paused_or_in_maintenance_is_out_whatever_its_score(status: Status, score: float | None) -> None:
    assert choice_of(make_row("p:m", status, score)) == (RoutingUse.NONE, 100)


@pytest.mark.parametrize("status", [Status.PAUSED, Status.MAINTENANCE])
def test_one_that_is_paused_or_in_maintenance_is_used_when_nothing_else_is_left(status: Status) -> None:
    assert group(at("a", status, None)) == [("a", RoutingUse.NORMAL, 100)]
    assert group(at("a", status, 0.5), at("b", Status.DOWN, 0.1)) == [
        ("a", RoutingUse.NORMAL, 100),
        ("b", RoutingUse.NORMAL, 10),
    ]
    assert group(at("a", status, 0.5), at("b", Status.DEGRADED, 0.5))[0] == ("a", RoutingUse.NONE, 100)


def test_a_down_endpoint_is_not_used() -> None:
    assert choice_of(make_row("p:m", Status.DOWN, 0.02, account="auth")) == (RoutingUse.NONE, 1)


def test_where_all_are_down_all_are_used_the_better_the_more() -> None:
    rows = [at("a", Status.DOWN, 0.02), at("b", Status.DOWN, 0.31)]
    assert group(*rows) == [("a", RoutingUse.NORMAL, 1), ("b", RoutingUse.NORMAL, 30)]


def test_a_fallback_is_enough_to_leave_out_what_is_down() -> None:
    rows = [at("a", Status.DOWN, 0.0), at("b", Status.DEGRADED, 0.5)]
    assert group(*rows) == [("a", RoutingUse.NONE, 1), ("b", RoutingUse.FALLBACK, 10)]


def test_a_server_of_several_endpoints_is_as_good_as_its_best() -> None:
    rows = [
        at("a", Status.DOWN, 0.0, "p:one"),
        at("a", Status.UP, 0.7, "p:two"),
        at("a", Status.UP, 0.9, "p:three"),
        at("b", Status.DOWN, 0.0),
    ]
    assert group(*rows) == [("a", RoutingUse.NORMAL, 90), ("b", RoutingUse.NONE, 1)]


def test_groups_are_apart_and_in_the_order_of_the_rows() -> None:
    rows = [
        make_row("p:1", Status.DOWN, 0.0, router_ids={"haproxy": "x/one"}),
        make_row("p:2", router_ids={"haproxy": "y/two", "envoy": "y/1.2.3.4:5"}),
        make_row("p:3", router_ids={"haproxy": "x/three"}),
        make_row("p:4"),
    ]
    found = {
        name: [weighted.member.name for weighted in members]
        for name, members in weighted_groups("haproxy", rows).items()
    }
    assert found == {"x": ["one", "three"], "y": ["two"]}
    assert list(weighted_groups("traefik", rows)) == []


def test_endpoints_of_a_model_are_a_group_of_their_own() -> None:
    rows = [make_row("p:1", Status.DOWN, 0.0, model="a/x"), make_row("p:2", model="a/y")]
    assert {name: weighted.use for name, weighted in by_endpoint(rows).items()} == {
        "p:1": RoutingUse.NORMAL,
        "p:2": RoutingUse.NORMAL,
    }


def test_an_invalid_router_id_is_reported_with_its_endpoint() -> None:
    with pytest.raises(RouterIdError, match=r"^p:m: router_ids.haproxy: 'be' is not HAProxy's BACKEND/SERVER"):
        weighted_groups("haproxy", [make_row("p:m", router_ids={"haproxy": "be"})])


ROWS = st.lists(
    st.tuples(st.sampled_from(Status), st.one_of(st.none(), st.floats(0, 1)), st.sampled_from([None, "auth"])),
    min_size=1,
    max_size=6,
)


@given(ROWS)
def test_something_is_always_used_and_every_weight_is_one_that_routers_take(
    rows: list[tuple[Status, float | None, str | None]],
) -> None:
    made = [
        make_row(f"p:{number}", status, score, account=account, router_ids={"haproxy": f"be/{number}"})
        for number, (status, score, account) in enumerate(rows)
    ]
    members: list[MemberWeight] = [*weighted_groups("haproxy", made)["be"]]
    assert list(used(members))
    assert all(1 <= weighted.weight <= 100 for weighted in members)
    assert len(members) == len(rows)


FIGURES = st.tuples(
    st.sampled_from(Status), st.one_of(st.none(), st.floats(0, 1)), st.sampled_from([None, "auth", "geo"])
)


@given(st.lists(st.tuples(FIGURES, FIGURES), min_size=1, max_size=4))
def test_rows_with_the_same_basis_give_the_same_choices(
    pairs: list[tuple[tuple[Status, float | None, str | None], tuple[Status, float | None, str | None]]],
) -> None:
    one, two = (
        [
            make_row(f"p:{number}", *pair[side][:2], account=pair[side][2], router_ids={"haproxy": f"be/{number}"})
            for number, pair in enumerate(pairs)
        ]
        for side in (0, 1)
    )
    if weights_basis(one) == weights_basis(two):
        assert weighted_groups("haproxy", one) == weighted_groups("haproxy", two)


def test_a_figure_that_changes_no_choice_is_not_in_the_basis() -> None:
    assert weights_basis([make_row("p:m", Status.UP, 0.991)]) == weights_basis([make_row("p:m", Status.UP, 0.993)])
    assert weights_basis([make_row("p:m", Status.UP, 0.91)]) != weights_basis([make_row("p:m", Status.UP, 0.99)])
