"""LiteLLM's event about a request becomes an outcome, or nothing if it is no evidence about the endpoint."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.integrations._reports import outcome
from tests.unit.score.values import START

BEGAN = START.astimezone().replace(tzinfo=None)


def call(status: str = "success", *, end_s: float = 2.0, first_s: float | None = 0.5, **told: Any) -> dict[str, Any]:
    return {
        "api_call_start_time": BEGAN,
        "completion_start_time": None if first_s is None else BEGAN + timedelta(seconds=first_s),
        "end_time": BEGAN + timedelta(seconds=end_s),
        "standard_logging_object": {
            "litellm_call_id": "c1", "model_id": "near", "status": status, "stream": True,
            "prompt_tokens": 12, "completion_tokens": 3, "metadata": {}, **told,
        },
    }  # fmt: skip


def failed(name: str, code: str, message: str, **more: Any) -> dict[str, Any] | None:
    error = {"error_class": name, "error_code": code, "error_message": message, **more}
    found = outcome(call("failure", error_information=error), "p:m", is_warm=True)
    return None if found is None else {key: found[key] for key in ("outcome", "status_code") if key in found}


def test_a_success_tells_times_and_tokens() -> None:
    usage = {"completion_tokens_details": {"reasoning_tokens": 2}}
    found = outcome(call(metadata={"user_api_key_alias": "search", "usage_object": usage}), "p:m", is_warm=True)
    assert found is not None
    assert found == {
        "id": f"c1/near/{START.timestamp():.6f}",
        "endpoint": "p:m",
        "at": START.isoformat(timespec="microseconds"),
        "outcome": "ok",
        "app": "search",
        "e2e_s": 2.0,
        "ttft_s": 0.5,
        "prompt_tokens": 12,
        "output_tokens": 3,
        "reasoning_tokens": 2,
    }


@pytest.mark.parametrize(
    ("told", "is_warm"),
    [
        (call(), False),
        (call(stream=None), True),
        (call(prompt_tokens=2_001), True),
        (call(first_s=None), True),
        (call(first_s=-1.0), True),
    ],
)
def test_a_time_to_the_first_token_that_means_nothing_is_left_out(told: dict[str, Any], is_warm: bool) -> None:
    found = outcome(told, "p:m", is_warm=is_warm)
    assert found is not None
    assert "ttft_s" not in found


def test_what_was_not_measured_is_left_out() -> None:
    found = outcome(call(end_s=-1.0, prompt_tokens=0, completion_tokens=None), "p:m", is_warm=True)
    assert found is not None
    assert set(found) == {"id", "endpoint", "at", "outcome", "ttft_s"}


@pytest.mark.parametrize(
    ("name", "code", "message", "expected"),
    [
        ("ServiceUnavailableError", "503", "", {"outcome": "overloaded", "status_code": 503}),
        ("InternalServerError", "500", "boom", {"outcome": "server_error", "status_code": 500}),
        ("InternalServerError", "500", "OpenAIException - Connection error.", {"outcome": "connect"}),
        ("RateLimitError", "429", "at capacity", {"outcome": "overloaded", "status_code": 429}),
        ("RateLimitError", "429", "slow down", {"outcome": "rate_limited", "status_code": 429}),
        ("AuthenticationError", "401", "", {"outcome": "auth", "status_code": 401}),
        ("Timeout", "408", "", {"outcome": "timeout_total"}),
        ("MidStreamFallbackError", "503", "", {"outcome": "stream_error"}),
        ("APIConnectionError", "500", "", {"outcome": "connect"}),
        ("BadRequestError", "400", "", None),
        ("ContentPolicyViolationError", "400", "", None),
        ("Strange", "", "", None),
        ("Strange", "9999", "", None),
    ],
)
def test_a_failure_is_reported_with_its_error_class(
    name: str, code: str, message: str, expected: dict[str, Any] | None
) -> None:
    assert failed(name, code, message) == expected


def test_a_limit_of_litellms_own_is_not_the_providers() -> None:
    assert failed("RateLimitError", "429", "", error_rate_limit_category="litellm_rate_limit") is None
    assert failed("RateLimitError", "429", "", error_rate_limit_category="vendor_rate_limit") is not None


def test_a_cached_answer_and_a_call_that_reached_no_provider_are_no_outcomes() -> None:
    assert outcome(call(cache_hit=True), "p:m", is_warm=True) is None
    assert outcome({**call(), "api_call_start_time": None}, "p:m", is_warm=True) is None
    assert outcome({}, "p:m", is_warm=True) is None


def test_long_names_are_cut_and_ids_stay_unlike() -> None:
    ends = [
        outcome(
            {**call(litellm_call_id="x" * 300, metadata={"user_api_key_alias": "y" * 99}), "api_call_start_time": at},
            "p:m",
            is_warm=True,
        )
        for at in (BEGAN, BEGAN + timedelta(microseconds=1))
    ]
    first, second = (end for end in ends if end is not None)
    assert first["id"] != second["id"]
    assert (len(str(first["id"])), len(str(first["app"]))) == (200, 64)
    assert datetime.fromisoformat(str(first["at"])).tzinfo is not None
