"""The contract of every wire API, checked with each installed codec and each of its recordings."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probes._end import QUIET_S, EndWatch
from probes._exchange import Ending
from probes._framing import frames
from probes._loader import available, codec, codec_class
from probes._meter import Reading, read_stream
from probes._model import (
    Blame,
    Done,
    ErrorClass,
    Fault,
    Frame,
    Framing,
    Reasoning,
    Request,
    Sample,
    ServerTime,
    Task,
    Text,
    TokensFrom,
    ToolCall,
    Usage,
    Vector,
)
from probes._prompts import FORM
from probes._sample import sample
from probes._serialize import sample_from_plain, sample_to_plain
from probes._tokens import count_tokens
from tests.contract.aws import aws_event
from tests.contract.exchanges import BEGAN_AT, KEY, NS_PER_BYTE, cut, exchange_of, run_to
from tests.contract.recordings import FOLDER, Recording, all_recordings, recordings

APIS = available()
RECORDINGS = all_recordings()
READ_SIZES = (1, 7, 10_000)
TIMES = {field.name for field in dataclasses.fields(Sample) if field.name.endswith(("_s", "_tps", "_at"))}
OF_NO_TIME = {"retry_after_s", "server_s"}
OF_THE_CUTTING = (TIMES - OF_NO_TIME) | {"merged_reads"}
NAMES = {"ok", "usage_missing", "truncated", "empty", "malformed"}
NAMES_BY_TASK = {
    Task.CHAT: {"reasoning", "length", "error_in_stream"},
    Task.TOOL_CALL: {"tools"},
    Task.STRUCTURED_OUTPUT: {"structured"},
}
"""What a codec that can ask a task has to show besides."""
FORMS = (Task.TOOL_CALL, Task.STRUCTURED_OUTPUT)
REFUSALS = {
    ErrorClass.AUTH,
    ErrorClass.PAYMENT,
    ErrorClass.RATE_LIMITED,
    ErrorClass.OVERLOADED,
    ErrorClass.NOT_FOUND,
    ErrorClass.BAD_REQUEST,
    ErrorClass.CONTENT_FILTER,
    ErrorClass.GEO,
    ErrorClass.SERVER_ERROR,
}
KEYS = st.sampled_from(
    [
        "choices",
        "delta",
        "content",
        "error",
        "message",
        "usage",
        "index",
        "object",
        "finish_reason",
        "tool_calls",
        "function",
        "arguments",
        "prompt_tokens",
        "text",
        "type",
        "code",
        "reasoning",
        "completion_tokens_details",
        "data",
        "embedding",
        "done",
    ]
)
AWS_EVENTS = ("messageStart", "contentBlockStart", "contentBlockDelta", "messageStop", "metadata", "somethingNew")
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
OPTION_TYPES = {str, int, float, bool, NoneType}

every_api = pytest.mark.parametrize("api", APIS)
every_recording = pytest.mark.parametrize(
    "recording", RECORDINGS, ids=lambda recording: f"{recording.api}/{recording.name}"
)
every_success = pytest.mark.parametrize(
    "recording",
    [recording for recording in RECORDINGS if recording.expect["error"] is None],
    ids=lambda recording: f"{recording.api}/{recording.name}",
)
every_echo = pytest.mark.parametrize(
    "recording",
    [recording for recording in RECORDINGS if KEY.encode() in recording.body],
    ids=lambda recording: f"{recording.api}/{recording.name}",
)


def sample_of(recording: Recording, size: int) -> Sample:
    return sample(recording.run(), recording.codec(), recording.exchange(cut(recording.body, size)))


def reading_of(recording: Recording, size: int) -> Reading:
    seen = recording.exchange(cut(recording.body, size))
    return read_stream(recording.codec(), seen.body if seen.status == 200 else b"", seen.arrivals)


def without(taken: Sample, names: set[str]) -> dict[str, object]:
    return {name: value for name, value in sample_to_plain(taken).items() if name not in names}


def pieces_of_the_key(size: int = 8) -> Iterator[str]:
    return (KEY[at : at + size] for at in range(len(KEY) - size + 1))


def framed(framing: Framing, message: bytes) -> bytes:
    match framing:
        case Framing.SSE:
            return b"data: " + message + b"\n\n"
        case Framing.JSON_LINES:
            return message + b"\n"
        case Framing.AWS_EVENT_STREAM:
            return b"".join(aws_event(kind, message) for kind in AWS_EVENTS)
        case Framing.WHOLE:
            return message


# Recordings


def test_there_is_a_codec_for_every_folder_of_recordings() -> None:
    assert {folder.name for folder in FOLDER.iterdir() if folder.is_dir()} <= set(APIS)


@every_api
def test_every_recording_is_a_pair_of_files(api: str) -> None:
    names = {path.name for path in (FOLDER / api).iterdir()}
    stems = {path.stem for path in (FOLDER / api).iterdir()}
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("body", "json")}


@every_api
def test_every_codec_has_the_recordings_that_it_needs(api: str) -> None:
    found = recordings(api)
    refused = {ErrorClass(recording.expect["error"]) for recording in found if recording.status != 200}
    echoes = {recording.status == 200 for recording in found if KEY.encode() in recording.body}
    wanted = NAMES.union(*(NAMES_BY_TASK.get(task, set()) for task in codec_class(api).tasks))
    assert {recording.name for recording in found} >= wanted
    assert refused >= REFUSALS
    assert echoes == {True, False}


@every_success
def test_a_proof_of_the_end_stands_once_in_a_recorded_success(recording: Recording) -> None:
    assert recording.proof is not None
    assert recording.body.count(recording.proof) == 1


# Reading


@pytest.mark.parametrize("size", READ_SIZES)
@every_recording
def test_a_recording_gets_the_verdict_it_is_recorded_with(recording: Recording, size: int) -> None:
    expect, taken = recording.expect, sample_of(recording, size)
    assert taken.error == expect["error"], taken.detail
    assert taken.blame == expect["blame"]
    assert taken.answer_ok is expect["answer_ok"]
    assert taken.status_code == recording.status
    assert taken.retry_after_s == expect.get("retry_after_s")
    assert taken.server_s == expect.get("server_s")
    assert (taken.detail is None) == (taken.error is None and "detail" not in expect)
    assert expect.get("detail", "") in (taken.detail or "")


@pytest.mark.parametrize("size", READ_SIZES)
@every_recording
def test_a_recording_is_read_as_it_says(recording: Recording, size: int) -> None:
    expect, reading = recording.expect, reading_of(recording, size)
    assert len(reading.content) == expect["content_events"]
    assert reading.answer == expect["answer"]
    if "stop_reason" in expect:
        assert reading.stop_reason == expect["stop_reason"]


@every_recording
def test_tool_calls_are_read_as_recorded(recording: Recording) -> None:
    asker = recording.codec()
    if recording.expect["error"] is None:
        events = [event for frame in frames(asker.framing, recording.body) for event in asker.read(frame)]
        calls = [event for event in events if isinstance(event, ToolCall)]
        assert "".join(call.arguments for call in calls) == recording.expect.get("tool_arguments", "")
        assert bool(calls) == any(call.name for call in calls)


@every_recording
def test_tokens_are_the_providers_own_or_counted(recording: Recording) -> None:
    taken, tokens = sample_of(recording, 7), recording.expect["tokens"]
    names = ("prompt", "output", "reasoning", "cached")
    counted = {name: getattr(taken, f"{name}_tokens") for name in names}
    if tokens:
        assert counted == tokens
        assert taken.tokens_from is (TokensFrom.COUNTED if recording.expect.get("counted") else TokensFrom.USAGE)
    elif recording.expect["content_events"]:
        # Characters of a text are never fewer than its tokens.
        told = reading_of(recording, 7)
        size = len(told.answer + told.thought) + sum(len(call.arguments) for call in told.calls.values())
        assert counted["prompt"] == count_tokens(recording.run().prompt.text)
        assert told.vector is not None or 0 < (taken.output_tokens or 0) <= size
        assert taken.tokens_from is TokensFrom.COUNTED
    else:
        assert (counted, taken.tokens_from) == (dict.fromkeys(names), None)


@every_success
def test_text_and_reasoning_are_never_empty(recording: Recording) -> None:
    asker = recording.codec()
    for frame in frames(asker.framing, recording.body):
        for event in asker.read(frame):
            assert isinstance(event, Text | Reasoning | ToolCall | Vector | Usage | ServerTime | Done)
            assert not isinstance(event, Text | Reasoning) or event.text


# Cutting


@every_recording
def test_the_same_sample_comes_out_however_the_bytes_are_cut(recording: Recording) -> None:
    taken = [without(sample_of(recording, size), OF_THE_CUTTING) for size in READ_SIZES]
    assert taken[0] == taken[1] == taken[2]


@pytest.mark.parametrize("size", READ_SIZES[1:])
@every_recording
def test_times_are_those_of_the_read_that_completed_an_event(recording: Recording, size: int) -> None:
    exact, coarse = sample_of(recording, 1), sample_of(recording, size)
    for name in ("ttft_s", "ttat_s", "e2e_s"):
        told, seen_s = getattr(exact, name), getattr(coarse, name)
        assert (told is None) == (seen_s is None)
        if told is not None:
            byte = round(told * 1e9) // NS_PER_BYTE
            read_end = min(-(-byte // size) * size, len(recording.body))
            assert round(seen_s * 1e9) == read_end * NS_PER_BYTE


@every_success
def test_the_first_token_comes_before_the_first_answer_and_both_before_the_end(recording: Recording) -> None:
    taken = sample_of(recording, 1)
    assert taken.ttft_s is not None
    assert taken.e2e_s is not None
    assert 0 < taken.ttft_s <= (taken.ttat_s or taken.e2e_s) <= taken.e2e_s


@every_success
def test_a_beginning_without_proof_of_the_end_is_truncated(recording: Recording) -> None:
    proof = recording.proof or b""
    unproved = recording.body.index(proof) + len(proof)
    proved = next(frame.end for frame in frames(recording.codec().framing, recording.body) if proof in frame.data)
    for length in prefix_lengths(recording):
        for ending in (Ending.END_OF_FILE, Ending.CUT):
            body = recording.body[:length]
            seen = dataclasses.replace(recording.exchange(cut(body, 1000)), ending=ending)
            error = sample(recording.run(), recording.codec(), seen).error
            allowed = {ErrorClass.TRUNCATED} if length < unproved else {ErrorClass.TRUNCATED, None}
            assert error in (allowed if length < proved else {None}), f"{length} of {len(recording.body)} bytes"


@every_recording
def test_an_answer_is_seen_to_be_over_when_it_has_proved_its_end_and_not_before(recording: Recording) -> None:
    if recording.status != 200:
        return
    asker = recording.codec()
    growing = EndWatch(codec=asker, task=recording.task, status=200)
    size = len(recording.body)
    for length in (*range(0, size, size // 40 + 1), size):
        body = bytearray(recording.body[:length])
        for _ in growing.look(body, QUIET_S):
            pass
        seen = recording.exchange(cut(bytes(body), 1000))
        told = read_stream(asker, seen.body, seen.arrivals)
        over = told.done_ns is not None or told.fault is not None or told.malformed is not None
        assert not growing.ended or over or not told.frames, f"{length} of {size} bytes"
    assert growing.ended or recording.expect["error"] is not None


def prefix_lengths(recording: Recording) -> list[int]:
    """Lengths spread over a body, and those around the ends of its events."""
    size = len(recording.body)
    ends = [frame.end for frame in frames(recording.codec().framing, recording.body)]
    spread = range(0, size, max(size // 40, 1))
    around = (end + by for end in (*ends[:8], *ends[-4:]) for by in (-3, -2, -1, 0, 1))
    return sorted({length for length in (*spread, *around) if 0 <= length < size})


# Secrets


@every_recording
def test_no_key_is_in_a_sample_or_in_any_repr(recording: Recording) -> None:
    run, asker = recording.run(), recording.codec()
    seen = recording.exchange(cut(recording.body, 7))
    taken = sample(run, asker, seen)
    request = asker.sign(asker.request(run.endpoint, run.task, run.prompt), run.endpoint, BEGAN_AT)
    shown = [repr(value) for value in (run, asker, seen, taken, request)]
    shown += [str(run), str(request), f"{taken}", json.dumps(sample_to_plain(taken)), request.url]
    assert not [text for text in shown for piece in pieces_of_the_key() if piece in text]


@every_echo
def test_no_part_of_an_echoed_key_is_shown_wherever_the_detail_is_cut(recording: Recording) -> None:
    for padding in range(220):
        body = recording.body.replace(KEY.encode(), b"x" * padding + b" " + KEY.encode())
        seen = dataclasses.replace(recording.exchange(cut(body, 10_000)))
        detail = sample(recording.run(), recording.codec(), seen).detail or ""
        assert not [piece for piece in pieces_of_the_key(6) if piece in detail], f"{padding}: {detail}"
        assert len(detail) <= 200


# Strangers' bytes


@every_api
@given(data=st.data())
def test_a_damaged_answer_is_judged_and_never_an_exception(api: str, data: st.DataObject) -> None:
    recording = data.draw(st.sampled_from(recordings(api)))
    body = bytearray(recording.body[:3000])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    taken = sample(recording.run(), recording.codec(), recording.exchange(cut(bytes(body), 100)))
    assert taken.blame in {None, Blame.PROVIDER, Blame.ACCOUNT}
    assert sample_from_plain(json.loads(json.dumps(sample_to_plain(taken)))) == taken


@every_api
@given(value=st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)))
@example(value={"choices": [{"delta": None, "finish_reason": None}], "usage": None})
def test_json_of_any_shape_is_read_or_refused(api: str, value: object) -> None:
    asker = codec(api, {})
    body = framed(asker.framing, json.dumps(value).encode())
    taken = sample(run_to(api, task=main_task(api)), asker, exchange_of([(0.1, body)]))
    assert taken.blame in {None, Blame.PROVIDER, Blame.ACCOUNT}


@every_api
@given(status=st.integers(100, 599).filter(lambda status: status // 100 != 2), body=st.binary(max_size=200))
@example(status=429, body=b'{"error": {"message": "' + b"[" * 5000)
@example(status=400, body=b"[" * 5000)
@example(status=500, body=b'{"error": {"code": null, "message": ["a"], "type": {}}}')
def test_every_refusal_has_a_class_whatever_its_body_holds(api: str, status: int, body: bytes) -> None:
    fault = codec(api, {}).refusal(status, {}, body)
    assert isinstance(fault, Fault)
    assert fault.error.blame in {Blame.PROVIDER, Blame.ACCOUNT}


# Asking


def main_task(api: str) -> Task:
    return min(codec_class(api).tasks - {Task.REACH})


every_task = pytest.mark.parametrize(
    ("api", "task"), [(api, task) for api in APIS for task in sorted(codec_class(api).tasks)]
)
every_question = pytest.mark.parametrize(
    ("api", "task"), [(api, task) for api in APIS for task in sorted(codec_class(api).tasks - {Task.REACH})]
)


def asked(api: str, task: Task, **endpoint: Any) -> Request:
    run = run_to(api, task=task, **endpoint)
    asker = codec(api, {})
    return asker.sign(asker.request(run.endpoint, run.task, run.prompt), run.endpoint, BEGAN_AT)


@every_question
def test_a_request_goes_to_the_configured_address_and_holds_the_prompt(api: str, task: Task) -> None:
    run, request = run_to(api, task=task), asked(api, task)
    assert request.method == "POST"
    assert request.url.startswith(run.endpoint.base_url + "/")
    assert run.prompt.text in json.dumps(json.loads(request.body))
    assert request == asked(api, task)


@pytest.mark.parametrize("api", [api for api in APIS if Task.CHAT in codec_class(api).tasks])
def test_an_answer_is_bounded_by_max_tokens(api: str) -> None:
    assert str(run_to(api).prompt.max_tokens) in asked(api, Task.CHAT).body.decode()


@pytest.mark.parametrize(
    ("api", "task"), [(api, task) for api in APIS for task in FORMS if task in codec_class(api).tasks]
)
def test_what_has_to_be_filled_in_is_offered(api: str, task: Task) -> None:
    body = asked(api, task).body.decode()
    assert all(name in body for name in ("first", "second", "third"))
    assert task is not Task.TOOL_CALL or FORM.name in body


@every_api
def test_reaching_costs_no_tokens(api: str) -> None:
    assert Task.REACH in codec_class(api).tasks
    request = asked(api, Task.REACH)
    assert (request.method, request.body) == ("GET", b"")
    assert request.url.startswith(run_to(api).endpoint.base_url + "/")


@every_task
def test_a_key_travels_in_a_header_alone(api: str, task: Task) -> None:
    request = asked(api, task)
    assert any(KEY in value for _, value in request.headers) or not codec(api, {}).lists_models
    assert KEY not in request.url
    assert KEY.encode() not in request.body


@every_task
def test_an_endpoint_without_a_key_is_asked_without_one(api: str, task: Task) -> None:
    request = asked(api, task, api_key=None)
    assert not {name.lower() for name, _ in request.headers} & {"authorization", "x-api-key", "api-key"}


@every_task
def test_a_slash_at_the_end_of_the_address_changes_nothing(api: str, task: Task) -> None:
    assert asked(api, task) == asked(api, task, base_url="https://acme.test/v1/")


@every_api
def test_a_codec_is_a_frozen_value_whose_options_have_defaults_and_yaml_types(api: str) -> None:
    kind = codec_class(api)
    hints = get_type_hints(kind)
    assert codec(api, {}) == codec(api, {})
    assert hash(codec(api, {})) == hash(codec(api, {}))
    for option in dataclasses.fields(kind):  # type: ignore[arg-type]  # codecs are dataclasses
        hint = hints[option.name]
        assert set(get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)) <= OPTION_TYPES


@every_api
def test_a_codec_says_which_tasks_it_can_ask(api: str) -> None:
    tasks = codec_class(api).tasks
    assert tasks
    assert all(isinstance(task, Task) for task in tasks)


@every_api
def test_a_frame_that_is_no_message_is_refused_as_malformed(api: str) -> None:
    asker = codec(api, {})
    with pytest.raises(ValueError, match="not JSON"):
        list(asker.read(Frame(data=b"\xff{", end=2)))
