"""Each reported outcome is parsed or rejected by itself; a rejection names the field."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.schema.body import WrongBodyError
from monitor.traffic.calls import Call
from monitor.traffic.outcome import ERRORS
from monitor.traffic.reading import ReadCalls, key_of
from probes._model import Blame, ErrorClass
from tests.unit.score.values import START, unhurried
from tests.unit.traffic.values import NAME, OTHER, reader, reported


def read(*outcomes: object) -> ReadCalls:
    return reader().read({"outcomes": list(outcomes)}, START)


def refusal(**fields: Any) -> str:
    """Why an outcome with these fields is rejected."""
    found = read(reported(**fields))
    assert found.calls == []
    (rejected,) = found.rejected
    assert rejected.index == 0
    return rejected.reason


def test_all_that_is_reported_is_read() -> None:
    plain = reported(
        "x", outcome="overloaded", status_code=529, ttft_s=0.21, e2e_s=2, prompt_tokens=812, output_tokens=96,
        reasoning_tokens=3, app="search", at="2026-11-22T07:59:59.5+01:00",
    )  # fmt: skip
    assert read(plain).calls == [
        Call(
            key=key_of("x"),
            endpoint=NAME,
            at=datetime(2026, 11, 22, 6, 59, 59, 500_000, tzinfo=UTC),
            error=ErrorClass.OVERLOADED,
            status_code=529,
            ttft_s=0.21,
            e2e_s=2.0,
            prompt_tokens=812,
            output_tokens=96,
            reasoning_tokens=3,
            app="search",
        )
    ]


def test_what_seems_to_have_begun_in_a_moment_began_now() -> None:
    """Two clocks differ a little; evidence from the future would get old too late."""
    (call,) = read(reported(at="2026-11-22T07:00:59Z")).calls
    assert call.at == START


def test_what_is_not_needed_may_be_missing_or_null() -> None:
    absent, null = read(reported(), reported(status_code=None, ttft_s=None, prompt_tokens=None, app=None)).calls
    assert absent == null
    assert (absent.error, absent.ttft_s, absent.prompt_tokens, absent.app) == (None, None, 0, "")


def test_no_outcomes_are_a_batch_too() -> None:
    assert read() == ReadCalls(calls=[], rejected=[])


def test_each_is_taken_or_rejected_for_itself_and_told_by_its_place() -> None:
    found = read(reported("a"), 7, reported("b", outcome="fine"), reported("c"))
    assert [call.key for call in found.calls] == [key_of("a"), key_of("c")]
    assert [each.index for each in found.rejected] == [1, 2]
    assert found.rejected[0].reason == "an outcome must be an object, not 7"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "the body must be an object, not a list"),
        (None, "the body must be an object, not null"),
        ({}, "outcomes: is missing"),
        ({"outcomes": {}}, "outcomes: must be a list, not an object"),
        ({"outcome": []}, "outcome: is not a known field; known fields: outcomes"),
        ({"outcomes": [0] * 1001}, "outcomes: has too many entries; at most 1000 are allowed"),
        ({"outcomes": [], "outcome": []}, "outcome: is not a known field; known fields: outcomes"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_whole(body: object, told: str) -> None:
    with pytest.raises(WrongBodyError, match=told):
        reader().read(body, START)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"id": ""}, "id: must not be empty"),
        ({"id": "x" * 201}, "id: is too long; at most 200 characters are allowed"),
        ({"id": 7}, "id: must be text, not 7"),
        ({"id": None}, "id: is missing"),
        ({"id": "\ud800"}, "id: must not contain half a character"),
        ({"endpoint": "groq:lama"}, "endpoint: unknown endpoint 'groq:lama'"),
        ({"endpoint": 7}, "endpoint: must be text, not 7"),
        ({"endpoint": ["x"]}, "endpoint: must be text, not a list"),
        ({"endpoint": "x" * 900}, 'endpoint: unknown endpoint "xxx'),
        ({"endpoint": None}, "endpoint: exactly one of endpoint and router_id is required"),
        ({"router_id": {"litellm": "dep-17"}}, "endpoint: exactly one of"),
        (
            {"endpoint": None, "router_id": {"litellm": "dep-99"}},
            "router_id: no endpoint has the 'litellm' id 'dep-99'",
        ),
        ({"endpoint": None, "router_id": {"haproxy": "be/both"}}, "router_id: several endpoints have the 'haproxy' id"),
        ({"endpoint": None, "router_id": {}}, "router_id: must hold one router and its id of the endpoint"),
        ({"endpoint": None, "router_id": {"a": "b", "c": "d"}}, "router_id: must hold one router"),
        ({"endpoint": None, "router_id": {"litellm": 17}}, "router_id.litellm: must be text, not 17"),
        ({"endpoint": None, "router_id": "dep-17"}, "router_id: must be an object, not 'dep-17'"),
        ({"at": None}, "at: is missing"),
        ({"at": 1_763_794_800}, "at: must be a time with a time zone"),
        ({"at": "yesterday"}, "at: must be a time with a time zone"),
        ({"at": "2026-11-22T07:00:00"}, "at: must be a time with a time zone"),
        ({"at": "0001-01-01T00:00:00+23:59"}, "at: must be a time with a time zone"),
        ({"at": "2026-11-22T06:44:59Z"}, "at: more than 15 minutes ago"),
        ({"at": "2026-11-22T07:01:01Z"}, "at: more than 60 s ahead of this clock"),
        ({"outcome": None}, "outcome: is missing"),
        ({"outcome": ["ok"]}, "outcome: must be one of 'ok', 'dns', "),
        ({"outcome": "skipped"}, "outcome: must be one of"),
        ({"outcome": "vantage_offline"}, "outcome: must be one of"),
        ({"status_code": 99}, "status_code: must be at least 100, not 99"),
        ({"status_code": "529"}, "status_code: must be a whole number"),
        ({"status_code": True}, "status_code: must be a whole number"),
        ({"ttft_s": -0.1}, "ttft_s: must be at least 0, not -0.1"),
        ({"ttft_s": float("nan")}, "ttft_s: must be a finite number"),
        ({"ttft_s": True}, "ttft_s: must be a number, not true"),
        ({"ttft_s": 86_401}, "ttft_s: must be at most 86400, not 86401"),
        ({"e2e_s": 10**400}, "e2e_s: must be a number"),
        ({"e2e_s": "1.4"}, "e2e_s: must be a number"),
        ({"prompt_tokens": -1}, "prompt_tokens: must be at least 0, not -1"),
        ({"output_tokens": 1.5}, "output_tokens: must be a whole number"),
        ({"reasoning_tokens": 10**30}, "reasoning_tokens: must be at most 1000000000, not 1"),
        ({"app": ""}, "app: must not be empty"),
        ({"app": "x" * 65}, "app: is too long; at most 64 characters are allowed"),
        ({"latency": 3}, "latency: is not a known field; known fields: id, endpoint, router_id, at, outcome, "),
    ],
)
def test_a_rejection_names_the_field_and_what_it_should_be(fields: dict[str, Any], told: str) -> None:
    reason = refusal(**fields)
    assert reason.startswith(told)
    assert len(reason) < 400


def test_what_routers_and_former_configurations_call_an_endpoint_leads_to_it() -> None:
    named = reported(endpoint=None, router_id={"litellm": "dep-18"})
    assert [call.endpoint for call in read(named, reported(endpoint="groq:old")).calls] == [OTHER, NAME]


def test_the_edges_of_time_are_taken() -> None:
    edges = (START - timedelta(minutes=15), START + timedelta(seconds=60))
    assert len(read(*(reported(at=at.isoformat()) for at in edges)).calls) == 2


def test_a_request_may_fail_of_what_the_provider_or_the_account_is_blamed_for() -> None:
    words = [error.value for error in ErrorClass if error.blame in {Blame.PROVIDER, Blame.ACCOUNT}]
    assert [error.value for error in ERRORS] == words
    assert [call.error for call in read(*(reported(outcome=word) for word in words)).calls] == list(ERRORS)


def test_ids_of_any_characters_have_keys_of_their_own() -> None:
    ids = ["a", "b", "é", "\0", "日" * 200]
    assert len({call.key for call in read(*map(reported, ids)).calls}) == len(ids)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields_of_any_kind = st.dictionaries(
    st.sampled_from([*reported(), "router_id", "app", "ttft_s", "status_code"]), anything
)


@unhurried
@given(body=anything | st.fixed_dictionaries({"outcomes": st.lists(anything | fields_of_any_kind, max_size=4)}))
def test_whatever_is_sent_is_read_or_refused(body: object) -> None:
    try:
        found = reader().read(body, START)
    except WrongBodyError:
        return
    assert isinstance(body, dict)
    assert len(found.calls) + len(found.rejected) == len(body["outcomes"])
    json.dumps([each.reason for each in found.rejected])
