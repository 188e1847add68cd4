"""The speed of a tool call is that of what was streamed, not of the wrapping that servers bill and never send."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import groupby

import pytest

from probes._framing import frames
from probes._loader import codec
from probes._meter import Arrival
from probes._model import Sample, Task
from probes._sample import sample
from tests.contract.exchanges import T0_NS, exchange_of, run_to
from tests.contract.recordings import Recording, recordings

TOKEN_S = 0.02
WRAPPED = [(api, "vllm_tools") for api in ("openai_chat", "openai_responses", "anthropic_messages")]


def recorded(api: str, name: str) -> Recording:
    return next(recording for recording in recordings(api) if recording.name == name)


def timed(recording: Recording, times_s: Callable[[int], float]) -> Sample:
    """The sample of a recording each of whose frames came at the time that its number gives."""
    asker = recording.codec()
    arrivals = [
        Arrival(at_ns=T0_NS + round(times_s(number) * 1e9), end=frame.end)
        for number, frame in enumerate(frames(asker.framing, recording.body))
    ]
    together = [list(group)[-1] for _, group in groupby(arrivals, key=lambda arrival: arrival.at_ns)]
    return sample(recording.run(), asker, exchange_of(body=recording.body, arrivals=tuple(together)))


@pytest.mark.parametrize(("api", "name"), WRAPPED)
def test_wrapping_that_is_billed_and_never_streamed_does_not_speed_a_call_up(api: str, name: str) -> None:
    """49 tokens billed, 11 pieces streamed, one a token: 10 tokens in 10 gaps, not 46."""
    taken = timed(recorded(api, name), lambda number: (number + 1) * TOKEN_S)
    assert taken.output_tokens == 49
    assert taken.output_tps is not None
    assert taken.output_tps == pytest.approx(1 / TOKEN_S, rel=0.5)
    assert taken.tpot_s == pytest.approx(1 / taken.output_tps)
    assert taken.e2e_s is not None
    assert taken.e2e_tps == pytest.approx(49 / taken.e2e_s), "wrapping takes time too"


@pytest.mark.parametrize(("api", "name"), WRAPPED)
def test_pieces_that_were_held_back_and_came_together_have_no_speed(api: str, name: str) -> None:
    taken = timed(recorded(api, name), lambda number: 0.5 + number // 8 * TOKEN_S)
    assert (taken.output_tps, taken.tpot_s) == (None, None)


def chunk(*calls: tuple[int, str], text: str = "") -> bytes:
    told = [{"index": index, "function": {"name": "report_numbers", "arguments": words}} for index, words in calls]
    delta: dict[str, object] = {"content": text} if text else {"tool_calls": told}
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


END = (
    b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],'
    b'"usage":{"prompt_tokens":20,"completion_tokens":40}}\n\n'
)


def called(chunks: Iterable[bytes]) -> Sample:
    pieces = [(0.1 * number, piece) for number, piece in enumerate([*chunks, END], 1)]
    return sample(run_to(task=Task.TOOL_CALL), codec("openai_chat", {}), exchange_of(pieces))


WHOLE = '{"first": 1, "second": 2, "third": 3}'


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([chunk((0, WHOLE))], id="a whole call"),
        pytest.param([chunk(text="I call"), chunk(text=" it."), chunk((0, WHOLE))], id="words, then a whole call"),
        pytest.param([chunk((0, WHOLE)), chunk((1, WHOLE))], id="two whole calls"),
        pytest.param(
            [chunk((0, WHOLE[:9])), chunk((0, WHOLE[9:])), chunk((1, WHOLE[:9])), chunk((1, WHOLE[9:]))], id="two"
        ),
    ],
)
def test_a_call_that_tells_nothing_of_its_pace_has_no_speed(chunks: list[bytes]) -> None:
    taken = called(chunks)
    assert (taken.error, taken.output_tps, taken.tpot_s) == (None, None, None)
    assert taken.output_tokens == 40


def test_tokens_of_a_call_in_pieces_are_those_that_were_streamed() -> None:
    pieces = [chunk((0, WHOLE[at : at + 4])) for at in range(0, len(WHOLE), 4)]
    taken = called(pieces)
    span_s = 0.1 * (len(pieces) - 1)
    assert taken.output_tps is not None
    assert taken.output_tps * span_s < 25, "some 20 tokens, of 40 that were billed"
