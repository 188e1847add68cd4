"""An answer is over when it has proved its end, though the connection stays open: no probe waits for its deadline."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from probes._driver import exchange
from probes._exchange import Ending
from probes._loader import available, codec
from probes._model import ErrorClass, Framing, Sample, Task
from probes._sample import sample
from tests.contract.recordings import Recording, recordings
from tests.integration.probes.asking import AMPLE_S, CODEC, run_to
from tests.integration.probes.provider import (
    ANSWER,
    CHUNKED,
    COMMENT,
    ROLE,
    STOP,
    STREAM,
    USAGE,
    Act,
    Step,
    again,
    chunk,
    delta,
    event,
    head,
    serving,
)

LIST = b'{"object": "list", "data": [{"id": "tiny"}]}'
JSON = {"Content-Type": "application/json"}
REGION = {"bedrock_converse": {"region": "eu-west-1"}}


async def seen(*script: Step, task: Task = Task.CHAT, total_s: float = AMPLE_S) -> tuple[Ending, Sample]:
    """How reading ended, and the sample of it, of a provider that plays a script once it was asked."""
    with serving(Act.ASKED, *script) as provider:
        run = replace(run_to(provider.base_url, total_s=total_s), task=task)
        found = await exchange(run, CODEC)
        return found.ending, sample(run, CODEC, found)


@pytest.mark.parametrize(
    ("headers", "script"),
    [
        pytest.param({}, (STREAM, Act.LEFT), id="silence"),
        pytest.param(CHUNKED, (chunk(STREAM), Act.LEFT), id="chunks without a last one"),
        pytest.param({}, (ROLE + ANSWER + STOP, 0.2, USAGE, Act.LEFT), id="a reason, then usage, and no [DONE]"),
        pytest.param({}, (STREAM, *again(99, COMMENT, 0.05), Act.LEFT), id="keep-alives for ever"),
        pytest.param({}, (STREAM, *again(99, event({"choices": []}), 0.05), Act.LEFT), id="empty events for ever"),
        pytest.param({}, (ROLE, 0.6, delta("1, 2"), 0.6, delta(", 3"), STOP + USAGE, Act.LEFT), id="pauses before"),
    ],
)
async def test_a_proved_end_ends_the_probe_though_the_connection_stays_open(
    headers: dict[str, str], script: tuple[Step, ...]
) -> None:
    ending, taken = await seen(head(headers=headers), *script)
    assert (ending, taken.error, taken.answer_ok) == (Ending.PROVED, None, True)
    assert taken.e2e_s is not None
    if USAGE in b"".join(step for step in script if isinstance(step, bytes)):
        assert taken.output_tokens == 6, "usage that comes after the proof is still read"


async def test_what_a_server_drips_after_the_end_does_not_move_the_end() -> None:
    with serving(
        Act.ASKED, head(), STREAM, 0.1, *again(99, COMMENT + event({"choices": []}), 0.05), Act.LEFT
    ) as provider:
        run = run_to(provider.base_url)
        found = await exchange(run, CODEC)
        taken = sample(run, CODEC, found)
        written_ns = provider.visit.sent_ns[2]  # the first drop: the end had been sent before it
    assert taken.e2e_s is not None
    assert found.t0_ns is not None
    assert found.t0_ns + taken.e2e_s * 1e9 < written_ns


@pytest.mark.parametrize(
    ("script", "error"),
    [
        pytest.param((event({"error": {"message": "boom"}}),), ErrorClass.STREAM_ERROR, id="an error in the stream"),
        pytest.param((ANSWER + b"data: {nothing}\n\n",), ErrorClass.MALFORMED, id="what cannot be read on"),
    ],
)
async def test_an_error_ends_the_probe_though_the_connection_stays_open(
    script: tuple[bytes, ...], error: ErrorClass
) -> None:
    ending, taken = await seen(head(), *script, Act.LEFT)
    assert (ending, taken.error) == (Ending.PROVED, error)


async def test_a_json_text_in_place_of_a_stream_ends_the_probe_though_the_connection_stays_open() -> None:
    ending, taken = await seen(head(headers=JSON), b'{"error": {"message": "no', b't today"}}', Act.LEFT)
    assert ending is Ending.PROVED
    assert taken.error is not None


@pytest.mark.parametrize(
    "script",
    [
        pytest.param((ROLE + ANSWER, Act.LEFT), id="no reason"),
        pytest.param((ROLE + ANSWER, STOP[:-20], Act.LEFT), id="half an event"),
        pytest.param((ROLE + ANSWER, *again(99, COMMENT, 0.05), Act.LEFT), id="keep-alives"),
    ],
)
async def test_without_a_proof_the_deadline_ends_the_probe(script: tuple[Step, ...]) -> None:
    ending, taken = await seen(head(), *script, total_s=1.2)
    assert (ending, taken.error) == (Ending.TOTAL_DEADLINE, ErrorClass.STALLED)


@pytest.mark.parametrize(
    ("answer", "task", "error"),
    [
        pytest.param(head(headers=JSON) + LIST, Task.REACH, None, id="a list of models"),
        pytest.param(head("401 Unauthorized", JSON) + b'{"error": {}}', Task.REACH, ErrorClass.AUTH, id="no list"),
        pytest.param(head("429 Too Many", JSON) + b'{"error": {}}', Task.CHAT, ErrorClass.RATE_LIMITED, id="refusal"),
        pytest.param(head("502 Bad") + b"<html>bad gateway", Task.CHAT, ErrorClass.SERVER_ERROR, id="a page"),
    ],
)
async def test_what_is_no_stream_ends_when_it_is_whole_though_the_connection_stays_open(
    answer: bytes, task: Task, error: ErrorClass | None
) -> None:
    ending, taken = await seen(answer, Act.LEFT, task=task)
    assert (ending, taken.error) == (Ending.PROVED, error)


async def test_half_a_list_of_models_is_waited_for() -> None:
    ending, taken = await seen(head(headers=JSON) + LIST[:-9], Act.LEFT, task=Task.REACH, total_s=1.2)
    assert (ending, taken.error) == (Ending.TOTAL_DEADLINE, ErrorClass.TIMEOUT_TOTAL)


async def _kept_open(api: str, recording: Recording) -> tuple[str, Ending, ErrorClass | None]:
    """How a probe of a recorded answer ends whose connection stays open."""
    asker = codec(api, {**recording.options, **REGION.get(api, {})})
    kind = {"Content-Type": asker.framing.value}
    with serving(Act.ASKED, head(headers=kind), recording.body.rstrip(b" "), Act.LEFT) as provider:
        run = recording.run()
        run = replace(run, endpoint=replace(run.endpoint, base_url=provider.base_url))
        found = await exchange(run, asker)
    return f"{api}/{recording.name}", found.ending, sample(run, asker, found).error


async def test_every_api_proves_its_end_to_a_reader_whose_connection_stays_open() -> None:
    found = [
        (api, recording)
        for api in available()
        for recording in recordings(api)
        if recording.name in {"ok", "tools", "length"}
    ]
    ends = await asyncio.gather(*(_kept_open(api, each) for api, each in found))
    assert {Framing.SSE, Framing.JSON_LINES, Framing.AWS_EVENT_STREAM, Framing.WHOLE} <= {
        codec(api, each.options).framing for api, each in found
    }
    # So many at once keep a busy machine's loop waiting; the verdict then says so, and the end is proved all the same.
    assert {end for end in ends if end[1] is not Ending.PROVED or end[2] not in {None, ErrorClass.TAINTED}} == set()
