"""A provider that abuses the stream: every framing is bounded, and every JSON gives exactly one sample."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from probes._driver import MAX_STREAM_BYTES, measure
from probes._framing import MAX_CONTAINERS, MAX_EVENT_BYTES, MAX_FRAMES
from probes._loader import codec
from probes._model import Blame, ErrorClass, Framing, Sample
from tests.contract.aws import aws_event, aws_message
from tests.integration.probes.asking import AMPLE_S, probe, run_to
from tests.integration.probes.provider import (
    ANSWER,
    DONE,
    STOP,
    STREAM,
    Act,
    Step,
    again,
    delta,
    event,
    head,
    serving,
)

SHORT_S = 0.3
DRIP_S = 0.03
APIS = {
    Framing.SSE: "openai_chat",
    Framing.JSON_LINES: "ollama_chat",
    Framing.AWS_EVENT_STREAM: "bedrock_converse",
    Framing.WHOLE: "openai_embeddings",
}
LINE = json.dumps({"message": {"role": "assistant", "content": "1, 2, 3"}, "done": False}).encode() + b"\n"


async def asked(framing: Framing, *script: Step, ttft_s: float = AMPLE_S, total_s: float = AMPLE_S) -> Sample:
    """The sample of a probe whose wire API has that framing, of a provider that plays the script."""
    api = APIS[framing]
    kind = {"Content-Type": framing.value}
    with serving(Act.ASKED, head(headers=kind), *script) as provider:
        run = run_to(provider.base_url, ttft_s=ttft_s, total_s=total_s, api=api)
        if framing is Framing.WHOLE:
            run = replace(run, task=min(codec(api, {}).tasks))
        sample = await measure(run, codec(api, {}))
        assert all(visit.over.wait(5) for visit in provider.visits)
    return sample


ENDLESS = [
    pytest.param(Framing.SSE, b"", b"y", id="a line of no field"),
    pytest.param(Framing.SSE, b"data: ", b"y", id="a line of data"),
    pytest.param(Framing.SSE, b"", b"data: y\n", id="an event of many lines"),
    pytest.param(Framing.SSE, b"", b"data:\n", id="an event of empty lines"),
    pytest.param(Framing.SSE, b"", b": y\n\n", id="comments"),
    pytest.param(Framing.SSE, b"", b"event: y\n\n", id="events without data"),
    pytest.param(Framing.SSE, b"", b"\n", id="blank lines"),
    pytest.param(Framing.SSE, b"", b"\r", id="blank lines of another kind"),
    pytest.param(Framing.SSE, b"", b'data: {"choices":[]}\n\n', id="events that say nothing"),
    pytest.param(Framing.SSE, ANSWER, b'data: {"choices":[]}\n\n', id="events that say nothing more"),
    pytest.param(Framing.SSE, ANSWER, b"y", id="a line after an answer"),
    pytest.param(Framing.JSON_LINES, b"", b"y", id="a line of JSON"),
    pytest.param(Framing.JSON_LINES, b"", b"\n", id="blank lines of JSON"),
    pytest.param(Framing.JSON_LINES, b"", b" ", id="blanks"),
    pytest.param(Framing.JSON_LINES, LINE, b"{}\n", id="empty objects"),
    pytest.param(Framing.AWS_EVENT_STREAM, b"", aws_message(b""), id="empty messages"),
    pytest.param(Framing.AWS_EVENT_STREAM, b"", aws_event("ping", b"{}"), id="messages of no known type"),
    pytest.param(Framing.AWS_EVENT_STREAM, b"", b"\0", id="zeros"),
    pytest.param(Framing.WHOLE, b"", b" ", id="a text that does not begin"),
    pytest.param(Framing.WHOLE, b'{"data": [{"embedding": [0', b", 0.5", id="a vector"),
]


@pytest.mark.parametrize(("framing", "first", "piece"), ENDLESS)
async def test_a_stream_without_end_is_malformed_and_not_read_on(framing: Framing, first: bytes, piece: bytes) -> None:
    block = piece * (1 + (1 << 16) // len(piece))
    sample = await asked(framing, first, *again(3 * MAX_STREAM_BYTES // len(block), block), Act.LEFT)
    assert (sample.error, sample.blame, sample.status_code) == (ErrorClass.MALFORMED, Blame.PROVIDER, 200)
    assert sample.detail


@pytest.mark.parametrize(
    ("framing", "first", "piece"),
    [
        pytest.param(Framing.SSE, b"", b": y\n\n", id="comments"),
        pytest.param(Framing.SSE, b"", b'event: ping\ndata: {"choices":[]}\n\n', id="pings"),
        pytest.param(Framing.SSE, b"data: ", b"y", id="an event"),
        pytest.param(Framing.JSON_LINES, b"", b"\n", id="blank lines"),
        pytest.param(Framing.JSON_LINES, b"", b"{}\n", id="empty objects"),
        pytest.param(Framing.AWS_EVENT_STREAM, b"", aws_event("ping", b"{}"), id="messages of no known type"),
        pytest.param(Framing.WHOLE, b"", b" ", id="blanks"),
    ],
)
async def test_keep_alives_in_every_framing_end_at_the_deadline(framing: Framing, first: bytes, piece: bytes) -> None:
    sample = await asked(framing, first, *again(100, piece, DRIP_S), Act.LEFT, ttft_s=SHORT_S)
    assert (sample.error, sample.blame) == (ErrorClass.TIMEOUT_TTFT, Blame.PROVIDER)


async def test_keep_alives_do_not_hold_up_the_second_deadline() -> None:
    drip = again(100, b": y\n\n", DRIP_S)
    sample = await asked(Framing.SSE, ANSWER, *drip, Act.LEFT, ttft_s=SHORT_S, total_s=2 * SHORT_S)
    assert (sample.error, sample.blame) == (ErrorClass.STALLED, Blame.PROVIDER)
    first = json.dumps({"message": {"content": "1, 2, 3"}, "done": False}).encode() + b"\n"
    blanks = again(100, b"\n", DRIP_S)
    sample = await asked(Framing.JSON_LINES, first, *blanks, Act.LEFT, ttft_s=SHORT_S, total_s=2 * SHORT_S)
    assert (sample.error, sample.blame) == (ErrorClass.STALLED, Blame.PROVIDER)


async def test_what_is_behind_the_proof_of_the_end_does_not_matter() -> None:
    sample = await asked(Framing.SSE, STREAM, *again(200, b": y\n\n" * 10_000), Act.LEFT)
    assert sample.error in {None, ErrorClass.MALFORMED}
    assert sample.answer_ok is True


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"choices":' + b"[" * 100_000, id="arrays in arrays"),
        pytest.param(b'{"a":' * 50_000, id="objects in objects"),
        pytest.param(b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="arrays that end"),
        pytest.param(b'{"choices":[' + b"{}," * (MAX_CONTAINERS + 1) + b"{}]}", id="too many objects"),
        pytest.param(b'{"a":' + b"9" * 100_000 + b"}", id="a number of many digits"),
        pytest.param(b'{"a":-' + b"9" * 100_000 + b"}", id="a negative number of many digits"),
        pytest.param(b'{"a":1e999}', id="a number beyond all bounds"),
        pytest.param(b'{"a":' + b"9" * 4000 + b".5e999}", id="a long number beyond all bounds"),
        pytest.param(b'{"a":1e' + b"9" * 10_000 + b"}", id="an exponent of many digits"),
        pytest.param(b'{"a":NaN}', id="no number"),
        pytest.param(b'{"a":-Infinity}', id="infinity"),
        pytest.param(b'{"a":"' + b"\\" * 99_999, id="a string of backslashes"),
        pytest.param(b"[" * 100 + b'"' + b'\\"' * 99_999, id="a string that does not end"),
        pytest.param(b'{"choices": [{"delta": {"content": "a\x00b"}}]}', id="a control character in a string"),
    ],
)
async def test_json_that_is_too_much_is_malformed(data: bytes) -> None:
    for script in ((b"data: " + data + b"\n\n",), (ANSWER, b"data: " + data + b"\n\n", STOP + DONE)):
        sample = await asked(Framing.SSE, *script)
        assert (sample.error, sample.blame) == (ErrorClass.MALFORMED, Blame.PROVIDER)
        assert sample.detail
        assert len(sample.detail) < 120


@pytest.mark.parametrize("status", ["400 No", "500 Oops"])
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"error":' * 5000, b'{"error":{"code":' + b"9" * 60_000 + b"}}"])
async def test_a_refusal_in_too_much_json_is_classified_by_its_status(status: str, body: bytes) -> None:
    with serving(Act.ASKED, head(status), body) as provider:
        sample = await probe(provider.base_url)
    assert (sample.detail or "").startswith(f"HTTP {status[:3]} (http://127.0.0.1:")


async def test_a_refusals_number_of_many_digits_is_none_of_its_words() -> None:
    body = b'{"error":{"code":' + b"9" * 4000 + b',"message":"no"}}'
    with serving(Act.ASKED, head("400 No"), body) as provider:
        sample = await probe(provider.base_url)
    assert sample.error is ErrorClass.BAD_REQUEST
    assert len(sample.detail or "") <= 200


async def test_half_characters_are_counted_and_stored_and_break_nothing() -> None:
    answer = event({"choices": [{"delta": {"content": "1, 2, 3 "}}]}).replace(b"3 ", b"3 \\ud800\\udfff \\udc00")
    sample = await asked(Framing.SSE, answer, STOP + DONE)
    assert (sample.error, sample.answer_ok) == (None, True)
    assert sample.output_tokens
    wrong = answer.replace(b"1, 2, 3", b"\\ud83d")
    sample = await asked(Framing.SSE, wrong, STOP + DONE)
    assert sample.error is ErrorClass.WRONG_ANSWER
    assert sample.detail is not None
    assert sample.detail.isascii()
    json.dumps({"detail": sample.detail}).encode()


TEXT = "1, 2, 3 — ½ 数字 🎉 é"
BROKEN = [b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x8e", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"\x80"]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
async def test_characters_that_are_cut_anywhere_are_read_right(size: int) -> None:
    body = delta(TEXT)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    sample = await asked(Framing.SSE, *(step for piece in pieces for step in (piece, 0.0)), STOP + DONE)
    assert (sample.error, sample.answer_ok) == (None, True)


@pytest.mark.parametrize("broken", BROKEN)
async def test_bytes_that_are_no_characters_are_malformed_however_they_are_cut(broken: bytes) -> None:
    body = delta("1, 2, 3 @").replace(b"@", broken)
    for size in (1, 4, len(body)):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        sample = await asked(Framing.SSE, *(step for piece in pieces for step in (piece, 0.0)), STOP + DONE)
        assert (sample.error, sample.blame) == (ErrorClass.MALFORMED, Blame.PROVIDER)


def test_the_bounds_leave_room_for_any_honest_answer() -> None:
    assert MAX_EVENT_BYTES >= 12_288 * 20, "the longest vectors have 12,288 numbers"
    assert MAX_FRAMES >= 32_000, "a token each"
    assert MAX_STREAM_BYTES >= MAX_FRAMES * 250, "of the usual size"
