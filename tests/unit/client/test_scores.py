"""The client's order of candidates: it fails open, best first, and ignores small changes of scores."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.client import Endpoint, ScoredEndpoint, Status
from monitor.client.scores import BY_SCORE, USES, Scores, parse
from monitor.domain.tier import Tier, tier_of
from monitor.routing.tiers import POLICY, TierPolicy
from probes._model import ErrorClass
from probes._serialize import timestamp
from tests.support.board_values import first_tick, make_board, make_spec, sample_at
from tests.support.routing_policy import STANDINGS, every_standing
from tests.unit.score.values import START

NOW = START
LATER = timedelta(minutes=1)


def plain(name: str, status: str = "up", score: float | None = 1.0, **fields: Any) -> dict[str, Any]:
    return {
        "id": name,
        "provider": "p",
        "model": "a/m",
        "status": status,
        "score": score,
        "account": None,
        "stale_after": timestamp(NOW + LATER),
        "router_ids": {},
        **fields,
    }


def document(*rows: dict[str, Any], **head: Any) -> bytes:
    fields = {"schema": "providerwatch/scores/v1", "generated_at": timestamp(NOW), "max_age_s": 120, **head}
    return json.dumps({**fields, "endpoints": rows}).encode()


def scores(*rows: dict[str, Any], router: str | None = None) -> Scores:
    return parse(document(*rows), router)


def order(known: Scores, *candidates: str, now: datetime = NOW) -> list[str]:
    return known.order(candidates, now, str)


def test_the_best_comes_first() -> None:
    known = scores(
        plain("down", "down", 0.3),
        plain("maintenance", "maintenance", 0.99),
        plain("degraded", "degraded", 0.9),
        plain("refused", "up", 0.99, account={"class": "auth", "since": timestamp(NOW)}),
        plain("unknown", "unknown", None),
        plain("good", "up", 0.8),
        plain("better", "up", 0.95),
    )
    candidates = ("down", "maintenance", "degraded", "refused", "unknown", "strange", "good", "better")
    assert order(known, *candidates) == [
        "better",
        "good",
        "unknown",
        "strange",
        "degraded",
        "refused",
        "maintenance",
        "down",
    ]


def test_the_clients_copy_of_the_routing_policy_is_equal_to_the_table() -> None:
    assert {tier: policy.use for tier, policy in POLICY.items()} == USES
    assert {tier for tier, policy in POLICY.items() if policy.by_score} == BY_SCORE


def standing(name: str, status: Status, account: str | None, score: float = 0.9) -> dict[str, Any]:
    return plain(name, status, score, account=None if account is None else {"class": account, "since": timestamp(NOW)})


@every_standing
def test_use_and_what_the_score_decides_are_those_of_the_table(
    status: Status, account: str | None, policy: TierPolicy
) -> None:
    known = scores(standing("worse", status, account, 0.1), standing("better", status, account))
    assert known.endpoints["worse"].use is policy.use
    assert (order(known, "worse", "better") == ["better", "worse"]) is policy.by_score


def test_the_order_is_that_of_the_tables_rows() -> None:
    rows = {f"{status} {account}": (status, account) for status, account in reversed(STANDINGS)}
    known = scores(*(standing(name, *row) for name, row in rows.items()))
    tiers = [tier_of(rows[name][0], refused=rows[name][1] is not None) for name in order(known, *rows)]
    assert list(dict.fromkeys(tiers)) == [*POLICY] == [*Tier]


def test_scores_that_are_alike_leave_the_order_as_it_is() -> None:
    known = scores(plain("a", score=0.991), plain("b", score=0.994), plain("c", score=None))
    assert order(known, "b", "a") == ["b", "a"]
    assert order(known, "a", "b") == ["a", "b"]
    assert order(known, "c", "a") == ["a", "c"]


@pytest.mark.parametrize("status", ["unknown", "paused", "maintenance", "a word of tomorrow"])
def test_where_nothing_is_known_the_order_stays(status: str) -> None:
    known = scores(plain("a", status, 0.1), plain("b", status, 0.9))
    assert order(known, "a", "b") == ["a", "b"]


def test_all_down_are_all_there_the_best_first() -> None:
    known = scores(plain("a", "down", 0.1), plain("b", "down", 0.4))
    assert order(known, "a", "b") == ["b", "a"]


def test_what_is_stale_is_not_down() -> None:
    known = scores(plain("a", "down", 0.1), plain("b", "degraded", 0.4))
    assert order(known, "a", "b") == ["b", "a"]
    assert order(known, "a", "b", now=NOW + LATER) == ["b", "a"]
    assert order(known, "a", "b", now=NOW + 1.01 * LATER) == ["a", "b"]
    stale = known.endpoints["a"].at(NOW + 2 * LATER)
    assert (stale.status, stale.score) == (Status.UNKNOWN, None)


def test_an_endpoint_that_is_not_probed_is_never_stale() -> None:
    known = scores(plain("a", "paused"), plain("b", "maintenance", stale_after=None))
    for name, status in (("a", Status.PAUSED), ("b", Status.MAINTENANCE)):
        assert known.endpoints[name].at(NOW + 9 * LATER).status is status


def test_a_document_that_is_too_old_changes_no_order() -> None:
    known = scores(plain("a", "down", 0.1, stale_after=None), plain("b", stale_after=None))
    assert order(known, "a", "b", now=NOW + timedelta(seconds=120)) == ["b", "a"]
    assert order(known, "a", "b", now=NOW + timedelta(seconds=121)) == ["a", "b"]


def test_a_router_calls_endpoints_by_its_own_names() -> None:
    known = scores(
        plain("a", "down", 0.0, router_ids={"litellm": "dep-1", "haproxy": "be/x"}),
        plain("b", router_ids={"litellm": "dep-2"}),
        plain("c", "down", 0.0, router_ids={"litellm": "dep-2"}),
        plain("d", router_ids={"haproxy": "dep-1"}),
        router="litellm",
    )
    assert order(known, "dep-1", "be/x", "dep-2", "d") == ["dep-2", "d", "be/x", "dep-1"]
    assert order(known, "a", "b") == ["b", "a"]


def test_candidates_of_any_kind_are_ordered_by_their_name() -> None:
    known = scores(plain("a", "down"), plain("b"))
    ordered = known.order([("a", 1), ("b", 2), ("b", 3)], NOW, lambda each: each[0])
    assert ordered == [("b", 2), ("b", 3), ("a", 1)]


def test_a_document_of_the_daemon_is_read() -> None:
    board = make_board(make_spec("groq:a"), make_spec("vllm:b"))
    tick = first_tick(make_spec("groq:a"), name="groq:a")
    board.absorb([sample_at(tick, ErrorClass.AUTH, "groq:a"), sample_at(tick, name="vllm:b")])
    known = parse(board.publish(tick, sweep=True).body, "litellm")
    assert known.endpoints["groq:a"].account == "auth"
    assert known.endpoints["vllm:b"].status is Status.UP
    assert known.endpoints["vllm:b"].router_ids == {"litellm": "dep-17"}
    assert known.names["dep-17"].id == "vllm:b"


CHANGES: list[dict[str, Any]] = [
    {"id": []},
    {"score": "high"},
    {"account": "auth"},
    {"status": []},
    {"stale_after": "2026-11-22T07:00:00"},
    {"router_ids": []},
]
BROKEN = [
    b"",
    b"\xff",
    b"null",
    b"[]",
    b"{}",
    b"[" * 100_000,
    document(schema="providerwatch/scores/v9"),
    document(generated_at="yesterday"),
    document(generated_at="2026-11-22T07:00:00"),
    document(generated_at=None),
    document(max_age_s="long"),
    document(max_age_s=1e300),
    *(document({**plain("a"), **change}) for change in CHANGES),
    document({}),
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_scores_document_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whichever
        parse(body)


WORDS = st.sampled_from([*Status, "tomorrow"])
NUMBERS = st.one_of(st.none(), st.floats(0, 1))


@given(st.lists(st.tuples(WORDS, NUMBERS, st.booleans()), max_size=6), st.floats(0, 300))
def test_no_candidate_is_ever_lost_or_made_up(rows: list[tuple[str, float | None, bool]], age_s: float) -> None:
    known = scores(
        *(
            plain(str(number), status, score, account={"class": "auth"} if refused else None)
            for number, (status, score, refused) in enumerate(rows)
        )
    )
    candidates = [str(number) for number in range(len(rows) + 2)] + ["0"]
    assert sorted(order(known, *candidates, now=NOW + timedelta(seconds=age_s))) == sorted(candidates)


def test_a_row_dated_later_than_its_document_becomes_stale_too() -> None:
    """The daemon's clock was ahead when it measured, and has come back."""
    ahead = NOW + timedelta(days=30)
    row = plain("a", measured_at=timestamp(ahead), stale_after=timestamp(ahead + LATER))
    first = scores(row)
    later = parse(document(row, generated_at=timestamp(NOW + LATER))).after(first)
    assert first.endpoints["a"].at(NOW + LATER).status is Status.UP
    assert later.endpoints["a"].at(NOW + LATER + timedelta(seconds=1)).status is Status.UNKNOWN
    assert later.names["a"] == later.endpoints["a"]
    assert first.followed_by(later, None).endpoints == later.endpoints


def test_what_is_measured_anew_is_fresh_again() -> None:
    first = scores(plain("a", measured_at=timestamp(NOW), stale_after=timestamp(NOW + LATER)))
    anew = plain("a", measured_at=timestamp(NOW + LATER), stale_after=timestamp(NOW + 2 * LATER))
    later = parse(document(anew, generated_at=timestamp(NOW + LATER)))
    assert later.after(first) is later


def test_a_document_from_the_future_is_not_relied_on() -> None:
    known = parse(document(plain("a"), generated_at=timestamp(NOW + timedelta(days=1))))
    assert not known.is_fresh(NOW)


def test_the_names_that_users_import_stay() -> None:
    assert Endpoint is ScoredEndpoint
