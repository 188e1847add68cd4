"""The endpoints for a request: no endpoint is lost, only preferences exclude endpoints, the draw is weighted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.listing import ProviderCard
from monitor.domain.status import Status
from monitor.domain.tier import Tier
from monitor.routing.decide import RouteAnswer, route
from monitor.routing.preferences import RoutingPreferences, preferences_of, request_of
from monitor.routing.tiers import POLICY, TierPolicy
from monitor.score.health import Trouble
from monitor.scoreboard.endpoint import EndpointSnapshot
from probes._model import ErrorClass, Pricing
from tests.support.openrouter_values import QUICK, make_endpoint, summary, unpriced, valid
from tests.support.routing_policy import every_standing
from tests.unit.score.values import START, unhurried

REFUSED = Trouble(error=ErrorClass.AUTH, since=START)
BESIDE: Mapping[Tier, Mapping[str, Any]] = {
    Tier.REFUSED: {"account": REFUSED},
    Tier.UNKNOWN_REFUSED: {"status": Status.UNKNOWN, "account": REFUSED},
    **{tier: {"status": Status(tier.name.lower())} for tier in Tier if "REFUSED" not in tier.name},
}
"""What makes an endpoint of each tier."""


def preferences(provider: dict[str, Any] | None = None, **fields: Any) -> RoutingPreferences:
    return preferences_of(request_of({"model": "a/b", "provider": provider or {}, **fields}))


def answer(endpoints: list[EndpointSnapshot], wished: RoutingPreferences | None = None, seed: int = 0) -> RouteAnswer:
    found: RouteAnswer = valid(route(endpoints, wished or RoutingPreferences(), seed), RouteAnswer)
    return found


def ids(found: RouteAnswer) -> list[str]:
    return [endpoint["id"] for endpoint in found["endpoints"]]


def reason(found: RouteAnswer, name: str) -> str:
    (why,) = [endpoint["reason"] for endpoint in [*found["endpoints"], *found["excluded"]] if endpoint["id"] == name]
    return why


def priced(name: str, price: float, **fields: Any) -> EndpointSnapshot:
    return make_endpoint(name, pricing=Pricing(prompt=price, completion=price), **fields)


def firsts(endpoints: list[EndpointSnapshot], draws: int = 4000) -> Counter[str]:
    return Counter(ids(route(endpoints, RoutingPreferences(), seed))[0] for seed in range(draws))


# What leaves an endpoint out


def test_only_those_that_are_named_are_offered() -> None:
    found = answer([make_endpoint("a:m"), make_endpoint("b:m")], preferences({"only": ["B"]}))
    assert ids(found) == ["b:m"]
    assert found["excluded"] == [{"id": "a:m", "reason": "it is not named in `only`"}]


def test_who_is_to_be_ignored_is_left_out() -> None:
    found = answer([make_endpoint("a:m"), make_endpoint("b:m")], preferences({"ignore": ["a"]}))
    assert ids(found) == ["b:m"]
    assert reason(found, "a:m") == "it is named in `ignore`"


@pytest.mark.parametrize(
    "name", ["deepinfra", "DeepInfra Inc.", "deepinfra/turbo", "DEEPINFRA/turbo", "my:id", "DeepInfra"]
)
def test_an_endpoint_is_named_by_its_provider_its_tag_or_its_id(name: str) -> None:
    endpoint = make_endpoint("my:id", tag="deepinfra/turbo", provider=ProviderCard(name="DeepInfra Inc."))
    assert ids(answer([endpoint], preferences({"only": [name]}))) == ["my:id"]


@pytest.mark.parametrize("name", ["deepinfra/", "deep", "turbo", "deepinfra/turbo/x"])
def test_an_endpoint_is_not_named_by_other_parts_of_its_tag(name: str) -> None:
    assert ids(answer([make_endpoint("my:id", tag="deepinfra/turbo")], preferences({"only": [name]}))) == []


def test_the_quantization_has_to_be_one_of_those_that_are_taken() -> None:
    endpoints = [
        make_endpoint("a:m", quantization="fp8"),
        make_endpoint("b:m"),
        make_endpoint("c:m", quantization="bf16"),
    ]
    found = answer(endpoints, preferences({"quantizations": ["fp16", "bf16"]}))
    assert ids(found) == ["c:m"]
    assert reason(found, "a:m") == "its quantization is fp8, and `quantizations` allows bf16, fp16"
    assert reason(found, "b:m") == "its quantization is not known, and `quantizations` allows bf16, fp16"
    assert ids(answer(endpoints, preferences({"quantizations": ["unknown"]}))) == ["b:m"]


def test_required_parameters_leave_out_those_that_are_known_not_to_support_them() -> None:
    endpoints = [
        make_endpoint("all:m", supported_parameters=("tools", "seed")),
        make_endpoint("few:m", supported_parameters=("seed",)),
        make_endpoint("unsaid:m"),
    ]
    found = answer(endpoints, preferences({"require_parameters": True}, parameters=["tools", "seed"]))
    assert ids(found) == ["all:m", "unsaid:m"]
    assert reason(found, "few:m") == "it does not support tools, and `require_parameters` is true"
    assert "this endpoint's parameters are not known" in reason(found, "unsaid:m")


def test_parameters_that_are_not_required_lower_the_rank_and_exclude_no_endpoint() -> None:
    endpoints = [
        priced("few:m", 0.001, supported_parameters=("seed",)),
        make_endpoint("unsaid:m"),
        priced("all:m", 100, supported_parameters=("tools",)),
    ]
    found = answer(endpoints, preferences(parameters=["tools"]))
    assert ids(found) == ["all:m", "unsaid:m", "few:m"]
    assert "after endpoints that support tools" in reason(found, "few:m")


def test_without_parameters_nothing_is_required() -> None:
    assert ids(answer([make_endpoint("a:m")], preferences({"require_parameters": True}))) == ["a:m"]


def test_who_is_dearer_than_the_highest_price_is_left_out() -> None:
    endpoints = [make_endpoint("a:m", pricing=Pricing(prompt=1, completion=5)), unpriced(make_endpoint("b:m"))]
    found = answer(endpoints, preferences({"max_price": {"prompt": 0.5, "completion": 2}}))
    assert ids(found) == []
    assert reason(found, "a:m") == (
        "it charges $1 per million prompt tokens, and `max_price.prompt` is $0.5; "
        "it charges $5 per million completion tokens, and `max_price.completion` is $2"
    )
    assert reason(found, "b:m") == "its price is not known, so it cannot be compared with `max_price`"
    assert ids(answer(endpoints[:1], preferences({"max_price": {"prompt": 1}}))) == ["a:m"]


def test_a_prompt_that_does_not_fit_leaves_out() -> None:
    endpoints = [
        make_endpoint("a:m", context_length=1000),
        make_endpoint("b:m", context_length=5000, max_prompt_tokens=900),
        make_endpoint("c:m", context_length=None),
    ]
    found = answer(endpoints, preferences(prompt_tokens=1001))
    assert ids(found) == ["c:m"]
    assert reason(found, "a:m") == "a prompt of 1001 tokens exceeds its context of 1000 tokens"
    assert reason(found, "b:m") == "it accepts prompts of at most 900 tokens, and this prompt has 1001"
    assert sorted(ids(answer(endpoints, preferences(prompt_tokens=900)))) == ["a:m", "b:m", "c:m"]


def test_no_fallbacks_leaves_those_of_the_order_alone() -> None:
    endpoints = [make_endpoint("a:m"), make_endpoint("b:m", status=Status.DOWN)]
    found = answer(endpoints, preferences({"order": ["b"], "allow_fallbacks": False}))
    assert ids(found) == ["b:m"]
    assert reason(found, "a:m") == "it is not named in `order`, and `allow_fallbacks` is false"


def test_no_fallbacks_without_an_order_leaves_the_first() -> None:
    found = answer([priced("a:m", 1), priced("b:m", 2)], preferences({"sort": "price", "allow_fallbacks": False}))
    assert ids(found) == ["a:m"]
    assert reason(found, "b:m") == "`allow_fallbacks` is false, and a:m comes first"
    assert answer([], preferences({"allow_fallbacks": False})) == {"endpoints": [], "excluded": []}


# Who comes first


def test_those_of_the_order_come_first_and_in_that_order() -> None:
    endpoints = [make_endpoint(f"{name}:m") for name in "abcd"]
    found = answer(endpoints, preferences({"order": ["c", "nobody", "a"]}))
    assert ids(found)[:2] == ["c:m", "a:m"]
    assert "number 1 in `order`" in reason(found, "c:m")
    assert "number 3 in `order`" in reason(found, "a:m")
    assert "after the endpoints in `order`" in reason(found, "b:m")


def test_who_is_down_waits_even_when_named_first() -> None:
    endpoints = [
        make_endpoint("a:m", status=Status.DOWN),
        make_endpoint("b:m", status=Status.DEGRADED),
        make_endpoint("c:m"),
    ]
    found = answer(endpoints, preferences({"order": ["a", "b"]}))
    assert ids(found) == ["b:m", "c:m", "a:m"]
    assert reason(found, "a:m").startswith("down since 2026-11-22 07:00 UTC; number 1 in `order`")


def test_health_comes_before_price() -> None:
    endpoints = [
        priced("down:m", 0.001, status=Status.DOWN),
        priced("refused:m", 0.001, account=REFUSED),
        priced("maintained:m", 0.001, status=Status.MAINTENANCE),
        priced("paused:m", 0.001, status=Status.PAUSED),
        priced("degraded:m", 0.001, status=Status.DEGRADED),
        priced("up:m", 100),
    ]
    found = answer(endpoints)
    assert ids(found) == ["up:m", "degraded:m", "refused:m", "paused:m", "maintained:m", "down:m"]
    assert [reason(found, name).partition(";")[0] for name in ids(found)] == [
        "up",
        "degraded since 2026-11-22 07:00 UTC",
        "the provider refuses this account",
        "paused: not probed",
        "in maintenance since 2026-11-22 07:00 UTC",
        "down since 2026-11-22 07:00 UTC",
    ]
    assert "the provider refuses the account since 2026-11-22 07:00 UTC (auth)" in reason(found, "refused:m")
    assert reason(found, "down:m").endswith("score 0.990: after endpoints of a better tier")


@every_standing
def test_place_and_chance_are_those_of_the_table(status: Status, account: str | None, policy: TierPolicy) -> None:
    endpoint = priced("a:m", 0.001, status=status, account=None if account is None else REFUSED)
    for other in POLICY:
        found = answer([endpoint, priced("b:m", 100, **BESIDE[other])])
        if policy.route_order != POLICY[other].route_order:
            assert ids(found)[0] == ("a:m" if policy.route_order < POLICY[other].route_order else "b:m")
    assert ("random order weighted by both" in reason(answer([endpoint]), "a:m")) is policy.drawn


def test_when_all_are_down_all_are_offered_the_best_first() -> None:
    scores = {"a:m": 0.1, "b:m": 0.3, "c:m": 0.2, "d:m": None}
    endpoints = [make_endpoint(name, status=Status.DOWN, score=score) for name, score in scores.items()]
    for seed in range(20):
        assert ids(answer(endpoints, seed=seed)) == ["b:m", "c:m", "a:m", "d:m"]


def test_between_equals_that_are_down_the_cheaper_comes_first() -> None:
    endpoints = [
        unpriced(make_endpoint("a:m", status=Status.DOWN)),
        priced("b:m", 2, status=Status.DOWN),
        priced("c:m", 1, status=Status.DOWN),
    ]
    assert ids(answer(endpoints)) == ["c:m", "b:m", "a:m"]


def test_what_is_stale_or_was_never_measured_takes_part() -> None:
    endpoints = [make_endpoint("a:m", status=Status.UNKNOWN, score=None), make_endpoint("b:m")]
    drawn = firsts(endpoints)
    assert abs(drawn["a:m"] / drawn.total() - 0.5) < 0.03
    found = answer(endpoints)
    assert reason(found, "a:m").startswith("unknown: no recent sample, so it counts as up; unknown score")


def test_the_chance_to_come_first_is_the_inverse_square_of_the_price() -> None:
    drawn = firsts([priced("cheap:m", 1), priced("dear:m", 2)])
    assert abs(drawn["cheap:m"] / drawn.total() - 4 / 5) < 0.02


def test_the_chance_to_come_first_is_in_proportion_to_the_score() -> None:
    drawn = firsts([make_endpoint("a:m", score=0.9), make_endpoint("b:m", score=0.3)])
    assert abs(drawn["a:m"] / drawn.total() - 3 / 4) < 0.02


def test_the_rest_is_drawn_as_if_the_first_were_not_there() -> None:
    endpoints = [priced("a:m", 1), priced("b:m", 2), priced("c:m", 4)]
    second = Counter(
        ids(answer_)[1]
        for seed in range(4000)
        if ids(answer_ := route(endpoints, RoutingPreferences(), seed))[0] == "a:m"
    )
    assert abs(second["b:m"] / second.total() - 4 / 5) < 0.03


def test_leaving_one_out_does_not_mix_up_the_others() -> None:
    endpoints = [priced(f"{name}:m", 1 + place) for place, name in enumerate("abcdef")]
    for seed in range(50):
        whole = ids(answer(endpoints, seed=seed))
        assert ids(answer(endpoints, preferences({"ignore": ["c"]}), seed)) == [name for name in whole if name != "c:m"]


def test_what_costs_nothing_comes_first_drawn_by_score() -> None:
    endpoints = [priced("paid:m", 0.001), priced("free:m", 0, score=0.9), priced("gift:m", 0, score=0.3)]
    drawn = firsts(endpoints)
    assert drawn["paid:m"] == 0
    assert abs(drawn["free:m"] / drawn.total() - 3 / 4) < 0.02
    assert "free: random order weighted by both" in reason(answer(endpoints), "free:m")


def test_an_unknown_price_weighs_as_the_dearest() -> None:
    endpoints = [priced("a:m", 1), priced("b:m", 2), unpriced(make_endpoint("c:m"))]
    drawn = firsts(endpoints)
    assert abs(drawn["c:m"] / drawn.total() - 1 / 6) < 0.02
    assert "unknown price: random order weighted by both" in reason(answer(endpoints), "c:m")
    assert firsts([priced("a:m", 0), unpriced(make_endpoint("b:m"))])["b:m"] == 0
    even = firsts([unpriced(make_endpoint("a:m")), unpriced(make_endpoint("b:m"))])
    assert abs(even["a:m"] / even.total() - 0.5) < 0.03


def test_an_unknown_score_weighs_as_the_lowest_and_as_one_where_none_is_known() -> None:
    unknown = make_endpoint("c:m", status=Status.UNKNOWN, score=None)
    drawn = firsts([make_endpoint("a:m", score=0.8), make_endpoint("b:m", score=0.4), unknown])
    assert abs(drawn["c:m"] / drawn.total() - 1 / 4) < 0.02
    assert ids(answer([unknown])) == ["c:m"]
    free = [priced("a:m", 0, score=None), priced("b:m", 0, score=None)]
    assert abs(firsts(free)["a:m"] / 4000 - 0.5) < 0.03


def test_a_score_of_nothing_comes_last_among_the_well() -> None:
    for seed in range(50):
        assert ids(answer([make_endpoint("a:m", score=0.0), make_endpoint("b:m", score=0.001)], seed=seed))[0] == "b:m"


# Sorted


def quick(name: str, ttft_s: float, tps: float, count: int = 10, **fields: Any) -> EndpointSnapshot:
    figures = {
        **QUICK,
        "ttft_s": summary(ttft_s, ttft_s, ttft_s, ttft_s * 2, count=count),
        "e2e_tps": summary(*[100 - tps] * 4, count=count, falling=True),
    }
    return make_endpoint(name, summaries=figures, **fields)


@pytest.mark.parametrize(
    ("sort", "names", "told"),
    [
        ("latency", ["a:m", "b:m", "c:m"], "sorted by latency: 0.1 s to the first token at p50"),
        ("throughput", ["b:m", "a:m", "c:m"], "sorted by throughput: 20 tokens/s at p50"),
    ],
)
def test_sorting_by_what_was_measured(sort: str, names: list[str], told: str) -> None:
    endpoints = [quick("c:m", 0.01, 99, count=4), quick("b:m", 0.2, 30), quick("a:m", 0.1, 20, status=Status.DEGRADED)]
    found = answer(endpoints, preferences({"sort": sort}))
    assert ids(found) == names
    assert told in reason(found, "a:m")
    assert f"unknown {sort}, so it is sorted last" in reason(found, "c:m")


def test_sorting_by_price() -> None:
    endpoints = [
        unpriced(make_endpoint("c:m")),
        priced("b:m", 2),
        make_endpoint("a:m", pricing=Pricing(prompt=1, completion=4)),
    ]
    found = answer(endpoints, preferences({"sort": "price"}))
    assert ids(found) == ["a:m", "b:m", "c:m"]
    assert reason(found, "a:m") == "up; score 0.990; sorted by price: $1.75 per million tokens"


def test_who_is_down_is_sorted_after_all_that_may_answer() -> None:
    endpoints = [priced("a:m", 1, status=Status.DOWN), priced("b:m", 2)]
    assert ids(answer(endpoints, preferences({"sort": "price"}))) == ["b:m", "a:m"]


# Preferred speeds


def test_who_is_slower_than_preferred_comes_later_and_is_not_left_out() -> None:
    endpoints = [quick("slow:m", 2.0, 50), quick("fast:m", 0.5, 50, pricing=Pricing(prompt=99, completion=99))]
    found = answer(endpoints, preferences({"preferred_max_latency": 1}))
    assert ids(found) == ["fast:m", "slow:m"]
    assert "2 s to the first token at p50, and `preferred_max_latency` is 1 s" in reason(found, "slow:m")


def test_a_bound_for_each_percentile_has_to_be_met() -> None:
    endpoints = [quick("a:m", 0.6, 50), quick("b:m", 0.5, 10)]
    wished = preferences({"preferred_max_latency": {"p50": 1, "p99": 1.1}, "preferred_min_throughput": {"p90": 5}})
    found = answer(endpoints, wished)
    assert ids(found) == ["b:m", "a:m"]
    assert "1.2 s to the first token at p99" in reason(found, "a:m")


def test_throughput_is_what_so_many_percent_of_requests_reach() -> None:
    falling = {**QUICK, "e2e_tps": summary(40, 45, 50, 90, falling=True)}  # 99 % reach 10 tokens/s
    endpoints = [make_endpoint("a:m", summaries=falling), quick("b:m", 0.5, 15)]
    found = answer(endpoints, preferences({"preferred_min_throughput": {"p99": 12}}))
    assert ids(found) == ["b:m", "a:m"]
    assert "10 tokens/s at p99, and `preferred_min_throughput` is 12" in reason(found, "a:m")


def test_too_little_data_does_not_lower_the_rank() -> None:
    endpoints = [quick("a:m", 9.0, 1, count=4)]
    found = answer(endpoints, preferences({"preferred_max_latency": 1, "preferred_min_throughput": 50}))
    assert "preferred" not in reason(found, "a:m")


def test_a_degraded_endpoint_comes_after_a_slow_one_that_is_up() -> None:
    endpoints = [quick("degraded:m", 0.1, 50, status=Status.DEGRADED), quick("slow:m", 5.0, 50)]
    assert ids(answer(endpoints, preferences({"preferred_max_latency": 1}))) == ["slow:m", "degraded:m"]


# Whatever is asked for

NAMES = st.lists(st.sampled_from(["a", "b", "b/fast", "c:m", "nobody"]), max_size=3)
AMOUNTS = st.sampled_from([0, 0.2, 1, 50, 1000])
CUTOFFS = st.none() | AMOUNTS | st.dictionaries(st.sampled_from(["p50", "p75", "p90", "p99"]), AMOUNTS)
PREFERENCES = st.fixed_dictionaries(
    {},
    optional={
        "order": NAMES,
        "only": NAMES,
        "ignore": NAMES,
        "allow_fallbacks": st.booleans(),
        "require_parameters": st.booleans(),
        "quantizations": st.lists(st.sampled_from(["fp8", "unknown", "bf16"]), max_size=2),
        "sort": st.sampled_from(["price", "throughput", "latency", None]),
        "preferred_min_throughput": CUTOFFS,
        "preferred_max_latency": CUTOFFS,
        "max_price": st.dictionaries(st.sampled_from(["prompt", "completion"]), AMOUNTS),
    },
)
WISHES = st.builds(
    lambda provider, tokens, parameters: preferences(provider, prompt_tokens=tokens, parameters=parameters),
    PREFERENCES,
    st.none() | st.sampled_from([0, 10, 10_000]),
    st.lists(st.sampled_from(["tools", "seed"]), max_size=2),
)


@st.composite
def endpoints(draw: st.DrawFn) -> list[EndpointSnapshot]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        endpoint = quick(
            f"{draw(st.sampled_from('abc'))}:m{number}",
            draw(st.sampled_from([0.1, 0.5, 2.0])),
            draw(st.sampled_from([1.0, 10.0, 60.0])),
            count=draw(st.sampled_from([0, 10])),
            pricing=Pricing(prompt=draw(AMOUNTS), completion=draw(AMOUNTS)),
            tag=draw(st.sampled_from([None, "b/fast"])),
            quantization=draw(st.sampled_from([None, "fp8", "bf16"])),
            supported_parameters=draw(st.sampled_from([None, (), ("tools",), ("tools", "seed")])),
            max_prompt_tokens=draw(st.sampled_from([None, 5])),
            context_length=draw(st.sampled_from([None, 100])),
            status=draw(st.sampled_from(Status)),
            score=draw(st.none() | st.floats(0, 1)),
            account=draw(st.sampled_from([None, REFUSED])),
        )
        found.append(endpoint if draw(st.booleans()) else unpriced(endpoint))
    return found


SEEDS = st.integers(-(2**63), 2**63 - 1)
LEFT_OUT_BY = (
    "`only`",
    "`ignore`",
    "`quantizations`",
    "`require_parameters`",
    "`max_price",
    "`allow_fallbacks`",
    "tokens",
)


@unhurried
@given(endpoints(), WISHES, SEEDS)
def test_every_endpoint_is_listed_or_excluded_with_a_reason(
    endpoints: list[EndpointSnapshot], wished: RoutingPreferences, seed: int
) -> None:
    found = answer(endpoints, wished, seed)
    told = [*found["endpoints"], *found["excluded"]]
    assert sorted(each["id"] for each in told) == sorted(each.id for each in endpoints)
    assert all(each["reason"].isprintable() and each["reason"] for each in told)


@unhurried
@given(endpoints(), WISHES, SEEDS)
def test_only_the_request_excludes_endpoints(
    endpoints: list[EndpointSnapshot], wished: RoutingPreferences, seed: int
) -> None:
    found = answer(endpoints, wished, seed)
    for each in found["excluded"]:
        assert any(word in each["reason"] for word in LEFT_OUT_BY)
    unbound = replace(
        wished,
        only=frozenset(),
        ignore=frozenset(),
        quantizations=frozenset(),
        max_price={},
        require_parameters=False,
        allow_fallbacks=True,
        prompt_tokens=None,
    )
    plain = answer(endpoints, unbound, seed)
    assert plain["excluded"] == []


@unhurried
@given(endpoints(), WISHES, SEEDS, st.lists(st.sampled_from(Status), min_size=6, max_size=6))
def test_status_and_figures_exclude_no_endpoint(
    endpoints: list[EndpointSnapshot], wished: RoutingPreferences, seed: int, statuses: list[Status]
) -> None:
    wished = replace(wished, allow_fallbacks=True)
    others = [replace(each, status=status, score=None) for each, status in zip(endpoints, statuses, strict=False)]
    assert answer(endpoints, wished, seed)["excluded"] == answer(others, wished, seed)["excluded"]


@unhurried
@given(endpoints(), WISHES, SEEDS, st.randoms())
def test_a_seed_always_draws_the_same_whatever_the_order_of_the_endpoints(
    endpoints: list[EndpointSnapshot], wished: RoutingPreferences, seed: int, chance: Any
) -> None:
    mixed = list(endpoints)
    chance.shuffle(mixed)
    assert answer(endpoints, wished, seed)["endpoints"] == answer(mixed, wished, seed)["endpoints"]


@unhurried
@given(endpoints(), WISHES, SEEDS)
def test_among_those_that_may_answer_the_order_is_kept(
    endpoints: list[EndpointSnapshot], wished: RoutingPreferences, seed: int
) -> None:
    found = answer(endpoints, wished, seed)
    known = {each.id: each for each in endpoints}
    well = [known[name] for name in ids(found) if known[name].status in {Status.UP, Status.DEGRADED, Status.UNKNOWN}]
    numbers = [_number(each, wished.order) for each in well if each.account is None]
    assert numbers == sorted(numbers)


def _number(endpoint: EndpointSnapshot, order: tuple[str, ...]) -> int:
    tag = endpoint.spec.listing.tag or endpoint.spec.endpoint.provider
    meant = [
        place
        for place, name in enumerate(order)
        if name in {tag, endpoint.id, endpoint.spec.endpoint.provider} or tag.startswith(f"{name}/")
    ]
    return min(meant, default=len(order))


@unhurried
@given(endpoints(), WISHES, SEEDS)
def test_no_endpoint_that_is_down_comes_before_one_that_may_answer(
    endpoints: list[EndpointSnapshot], wished: RoutingPreferences, seed: int
) -> None:
    known = {each.id: each for each in endpoints}
    down = [known[name].status is Status.DOWN for name in ids(answer(endpoints, wished, seed))]
    assert down == sorted(down)
