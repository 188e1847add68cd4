"""Why an answer ended: one table for all APIs, which docs/verdicts.md shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from probes import _finish
from probes._model import Done, ErrorClass, Fault
from tests.contract.dialects import DIALECTS, judged, messages, stream

STREAMS = sorted(DIALECTS)
DOCUMENT = Path(__file__).parents[2] / "docs" / "verdicts.md"
CHAT = ["openai_chat", "azure_openai", "mistral_chat"]
FAULTS = [(reason, error) for error, reasons in _finish.FAULTS.items() for reason in reasons.split()]
UNLISTED = [
    ("upstream_error", ErrorClass.STREAM_ERROR),
    ("generation-failed", ErrorClass.STREAM_ERROR),
    ("ENGINE_ABORT", ErrorClass.STREAM_ERROR),
    ("client_cancelled", ErrorClass.STREAM_ERROR),
    ("stream_timeout", ErrorClass.STREAM_ERROR),
    ("output_moderation", ErrorClass.CONTENT_FILTER),
    ("sensitive_words", ErrorClass.CONTENT_FILTER),
]

every_stream = pytest.mark.parametrize("api", STREAMS)


def ways_to_write(reason: str) -> list[str]:
    first, *others = reason.split("_")
    camel = first + "".join(word.capitalize() for word in others)
    return [reason, reason.upper(), reason.replace("_", "-"), camel, f"FINISH_REASON_{reason.upper()}"]


@every_stream
@pytest.mark.parametrize(("reason", "error"), FAULTS + UNLISTED)
def test_a_reason_that_is_no_end_is_a_failure_behind_a_right_answer_too(
    api: str, reason: str, error: ErrorClass
) -> None:
    for written in (reason, reason.upper()):
        taken = judged(api, stream(api, messages(api, reason=written)))
        assert (taken.error, taken.blame) == (error, error.blame), written
        assert written in (taken.detail or "")


@every_stream
@pytest.mark.parametrize("reason", _finish.CUTS.split())
def test_a_cut_is_a_success_and_not_judged(api: str, reason: str) -> None:
    for written in (reason, reason.upper()):
        taken = judged(api, stream(api, messages(api, pieces=["1, 2"], reason=written)))
        assert (taken.error, taken.answer_ok, taken.detail) == (None, None, None), written


@every_stream
@pytest.mark.parametrize("reason", [*_finish.ENDS.split(), "reason_of_tomorrow", "flush"])
def test_any_other_reason_is_an_end_and_the_answer_is_judged(api: str, reason: str) -> None:
    unknown = reason not in _finish.ENDS.split()
    right = judged(api, stream(api, messages(api, reason=reason)))
    assert (right.error, right.answer_ok) == (None, True), right.detail
    wrong = judged(api, stream(api, messages(api, reason=reason, pieces=["Paris"])))
    assert wrong.error is ErrorClass.WRONG_ANSWER
    for taken in (right, wrong):
        assert (f"finish reason '{reason}' is unknown" in (taken.detail or "")) == unknown


@every_stream
@pytest.mark.parametrize("reason", ["null", "None", "NULL", "", " ", "undefined", "FINISH_REASON_UNSPECIFIED"])
def test_a_word_for_nothing_is_no_reason_and_proves_nothing(api: str, reason: str) -> None:
    told = messages(api, reason=reason)
    whole = judged(api, stream(api, told))
    if api == "gemini_generate":
        assert whole.error is ErrorClass.TRUNCATED
        return
    assert (whole.error, whole.answer_ok, whole.detail) == (None, True, None)
    if api in CHAT:
        # Without what else would prove the end.
        assert judged(api, stream(api, told[:-1])).error is ErrorClass.TRUNCATED


@every_stream
@pytest.mark.parametrize("reason", [1, True, ["stop"], {"stop": 1}])
def test_a_reason_that_is_no_text_proves_nothing(api: str, reason: object) -> None:
    if api == "openai_responses":
        return  # whose events prove the end
    assert judged(api, stream(api, messages(api, reason=reason))).error is ErrorClass.MALFORMED


@pytest.mark.parametrize("reason", _finish.ENDS.split())
def test_apis_write_the_same_reason_each_in_its_own_way(reason: str) -> None:
    for written in ways_to_write(reason):
        assert _finish.finish(written) == Done(written)
    for written in ways_to_write("content_filter"):
        assert isinstance(_finish.finish(written), Fault)


def test_a_fault_says_the_field_the_reason_and_the_providers_words() -> None:
    told = _finish.finish("refusal", "", "not this", name="stop reason")
    assert told == Fault(error=ErrorClass.CONTENT_FILTER, detail="stop reason: refusal: not this")


def test_the_documented_table_is_the_one_that_is_used() -> None:
    rows = dict(re.findall(r"^\| (end|cut|`\w+`) \| (`.*`) \|$", DOCUMENT.read_text(), re.MULTILINE))
    documented = {name.strip("`"): re.findall(r"`(\w+)`", words) for name, words in rows.items()}
    used = {"end": _finish.ENDS.split(), "cut": _finish.CUTS.split()}
    used |= {error.value: words.split() for error, words in _finish.FAULTS.items()}
    assert {name: words for name, words in documented.items() if name in used} == used


@pytest.mark.parametrize(
    ("kind", "response", "error"),
    [
        ("response.completed", {"status": "incomplete"}, None),
        ("response.completed", {"status": "failed", "error": None}, ErrorClass.STREAM_ERROR),
        ("response.completed", {"status": "completed", "error": {"code": "429"}}, ErrorClass.RATE_LIMITED),
        ("response.completed", {"status": "cancelled"}, ErrorClass.STREAM_ERROR),
        ("response.cancelled", {}, ErrorClass.STREAM_ERROR),
        ("response.failed", {"error": "insufficient credits"}, ErrorClass.PAYMENT),
        ("response.failed", {"error": {"code": 503}}, ErrorClass.OVERLOADED),
        ("response.incomplete", {"incomplete_details": {"reason": "content_filter"}}, ErrorClass.CONTENT_FILTER),
    ],
)
def test_a_response_ends_as_its_status_and_its_error_say(
    kind: str, response: dict[str, object], error: ErrorClass | None
) -> None:
    piece = DIALECTS["openai_responses"].piece("1, 2, 3")
    taken = judged(
        "openai_responses", stream("openai_responses", [piece, (kind, {"type": kind, "response": response})])
    )
    assert taken.error is error, taken.detail
