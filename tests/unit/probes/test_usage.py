"""Impossible token counts are ignored: they are not charged, and the sample has a note."""

from __future__ import annotations

import json
from typing import Any

import pytest

from probes._meter import Content, Reading
from probes._model import Pricing, Prompt, Sample, TokensFrom, Usage
from probes._sample import sample
from probes._usage import is_cut, plausible_usage
from probes.openai_chat import OpenAIChat
from probes.openai_responses import OpenAIResponses
from tests.contract.exchanges import PROMPTS, exchange_of, run_to
from tests.unit.probes.streams import CODEC, DONE, ONE, ROLE, STOP, TWO, WRONG

PRICED = run_to(pricing=Pricing(prompt=1.0, completion=2.0))
PROMPT = PRICED.prompt


def told(first: bytes = ONE, **usage: Any) -> Sample:
    """The sample of an answer with this usage."""
    usage = {"prompt_tokens": 20, "completion_tokens": 8, **usage}
    said = b"data: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\n"
    return sample(PRICED, CODEC, exchange_of([(0.1, ROLE), (0.2, first), (0.3, TWO), (0.4, STOP + said + DONE)]))


def test_a_count_of_output_beyond_what_was_asked_and_streamed_is_counted_here_and_costs_that() -> None:
    taken = told(completion_tokens=10**12)
    assert (taken.error, taken.tokens_from, taken.prompt_tokens) == (None, TokensFrom.COUNTED, 20)
    assert taken.output_tokens is not None
    assert taken.output_tokens < 10
    assert taken.cost_usd == pytest.approx((20 + 2 * taken.output_tokens) / 1e6)
    assert taken.detail is not None
    assert taken.detail.startswith("impossible usage ignored: 1000000000000 output tokens (at most 1152 are possible)")


def test_a_count_of_the_prompt_beyond_what_was_sent_is_counted_here_and_costs_that() -> None:
    taken = told(prompt_tokens=10**12, prompt_tokens_details={"cached_tokens": 10**11})
    assert (taken.error, taken.prompt_tokens, taken.output_tokens) == (None, PROMPT.tokens, 8)
    assert (taken.cached_tokens, taken.tokens_from) == (None, TokensFrom.COUNTED)
    assert taken.cost_usd == pytest.approx(((PROMPT.tokens or 0) + 2 * 8) / 1e6)
    assert "1000000000000 prompt tokens" in (taken.detail or "")


def test_doubt_stands_behind_what_else_was_wrong() -> None:
    taken = told(WRONG, completion_tokens=10**12)
    assert (taken.detail or "").startswith("answered 'Paris")
    assert "; impossible usage ignored: " in (taken.detail or "")


@pytest.mark.parametrize(
    "usage",
    [
        pytest.param({}, id="as usual"),
        pytest.param({"completion_tokens": 0}, id="none"),
        pytest.param({"completion_tokens": 64 + 1000}, id="hidden reasoning beyond the limit"),
        pytest.param({"prompt_tokens": 5000}, id="a gateway's own prompt"),
    ],
)
def test_what_can_be_true_is_believed(usage: dict[str, Any]) -> None:
    taken = told(**usage)
    assert (taken.error, taken.detail, taken.tokens_from) == (None, None, TokensFrom.USAGE)


def test_a_server_that_ignores_the_limit_is_believed_for_what_it_streamed() -> None:
    reading = Reading(content=[Content(at_ns=1, read=0, size=9000)])
    assert plausible_usage(Usage(output=8000), CODEC, PROMPT, reading) == (Usage(output=8000), None)
    assert plausible_usage(Usage(output=8000), CODEC, PROMPT, Reading())[0] == Usage()


def test_room_to_think_in_is_part_of_what_was_asked() -> None:
    thinking = OpenAIChat(reasoning_tokens=10_000)
    assert plausible_usage(Usage(output=10_064), thinking, PROMPT, Reading())[1] is None
    assert plausible_usage(Usage(output=10_064), CODEC, PROMPT, Reading())[1] is not None


@pytest.mark.parametrize(
    ("usage", "kept"),
    [
        pytest.param(Usage(prompt=-1, output=-5), Usage(prompt=PROMPT.tokens), id="negative"),
        pytest.param(Usage(output=10, reasoning=11), Usage(output=10), id="more reasoning than output"),
        pytest.param(Usage(prompt=10, cached=11), Usage(prompt=10), id="more cached than prompt"),
        pytest.param(Usage(reasoning=7, cached=3), Usage(reasoning=7, cached=3), id="parts alone"),
        pytest.param(Usage(reasoning=10**9, cached=10**9), Usage(), id="parts alone that cannot be"),
    ],
)
def test_of_counts_that_contradict_each_other_the_smaller_part_is_kept(usage: Usage, kept: Usage) -> None:
    assert plausible_usage(usage, CODEC, PROMPT, Reading())[0] == kept


def test_no_usage_is_no_usage() -> None:
    assert plausible_usage(None, CODEC, PROMPT, Reading()) == (None, None)
    assert not is_cut(None, CODEC, PROMPT)


@pytest.mark.parametrize(("output", "cut"), [(63, False), (64, True), (65, True), (70, False)])
def test_usage_at_the_limit_is_a_cut_whatever_the_end_is_called(output: int, cut: bool) -> None:
    assert is_cut(Usage(output=output), CODEC, PROMPT) is cut
    assert told(
        b'data: {"choices":[{"index":0,"delta":{"content":"Sure"}}]}\n\n', completion_tokens=output
    ).answer_ok is (None if cut else False)


def test_the_limit_is_the_one_that_was_sent() -> None:
    short = Prompt(text="", max_tokens=4)
    assert is_cut(Usage(output=16), OpenAIResponses(), short)
    assert not is_cut(Usage(output=4), OpenAIResponses(), short)


def test_the_prompt_of_every_task_leaves_room_for_its_own_tokens() -> None:
    for prompt in PROMPTS.values():
        assert plausible_usage(Usage(prompt=8000), CODEC, prompt, Reading())[1] is None


@pytest.mark.parametrize("count", ["5", [5], 5.5])
def test_a_codecs_count_that_is_no_number_of_tokens_is_ignored(count: Any) -> None:
    """Nor does it keep the parts of it from being looked at."""
    kept, words = plausible_usage(Usage(prompt=count, output=count, reasoning=2, cached=3), CODEC, PROMPT, Reading())
    assert kept == Usage(prompt=PROMPT.tokens, output=None, reasoning=2, cached=3)
    assert words is not None
