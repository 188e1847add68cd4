"""The waterfall of one probe: a headline for each task, and only measured values."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from monitor.console.waterfall import waterfall
from probes._model import Blame, ErrorClass, Sample, Task, TokensFrom, Vector
from tests.support.board_values import EVERYTHING
from tests.unit.score.values import START, make_sample


def shown(sample: Sample, vector: Vector | None = None) -> str:
    file = io.StringIO()
    Console(file=file, width=110, highlight=False).print(waterfall(sample, vector))
    return file.getvalue()


def measured(task: Task, **fields: object) -> Sample:
    return make_sample(START, **{**EVERYTHING, "task": task, **fields})


def phases(text: str) -> list[str]:
    return [line.partition("━")[0].strip() for line in text.splitlines() if "━" in line]


@pytest.mark.parametrize("task", [Task.CHAT, Task.TOOL_CALL, Task.STRUCTURED_OUTPUT])
def test_a_stream_shows_its_first_token_its_end_and_its_speed(task: Task) -> None:
    text = shown(measured(task, answer_ok=True))
    assert text.startswith(f"groq:llama  {task}  ok  first token 200 ms, done 1.20 s, 50 tok/s\n")
    assert phases(text) == ["dns", "connect", "tls", "headers", "first token", "stream"]
    assert "answer right; 100 tokens in, 51 tokens out; gaps p50 20 ms, worst 40 ms; $0.000015" in text


@pytest.mark.parametrize(
    ("answer_ok", "error", "words"),
    [
        (True, None, "answer right"),
        (False, None, "answer wrong"),
        (False, ErrorClass.WRONG_ANSWER, "answer wrong"),
        (None, None, "answer not judged"),
    ],
)
def test_an_answer_was_right_or_wrong_or_is_not_judged(
    answer_ok: bool | None, error: ErrorClass | None, words: str
) -> None:
    text = shown(measured(Task.TOOL_CALL, answer_ok=answer_ok, error=error, blame=error and error.blame))
    assert words in text


def test_a_failure_that_left_no_answer_says_nothing_of_one() -> None:
    text = shown(
        make_sample(
            START, ErrorClass.PAYMENT, blame=Blame.PROVIDER, detail="HTTP 402: no [red]credit\x1b[2J", cold=True
        )
    )
    assert text.startswith(
        "groq:llama  chat  payment (provider)  HTTP 402: no [red]credit\N{REPLACEMENT CHARACTER}[2J\n"
    )
    assert "answer" not in text
    assert phases(text) == []


def test_an_embedding_shows_its_size_and_no_first_token() -> None:
    sample = measured(
        Task.EMBEDDING, answer_ok=True, output_tokens=None, output_tps=None, itl_p50_s=None, ttft_s=1.2, e2e_s=1.2
    )
    text = shown(sample, Vector(size=1536, finite=True))
    assert text.startswith("groq:llama  embedding  ok  vector of 1536, done 1.20 s\n")
    assert phases(text) == ["dns", "connect", "tls", "headers", "vector"]
    assert "answer right; 100 tokens in; $" in text
    assert "vector of \N{EN DASH}, done" in shown(sample)


@pytest.mark.parametrize(("e2e_s", "last"), [(None, "headers"), (0.3, "rest")])
def test_reaching_shows_the_status_and_no_token(e2e_s: float | None, last: str) -> None:
    nothing = dict.fromkeys(("ttft_s", "ttat_s", "prompt_tokens", "output_tokens", "itl_p50_s", "cost_usd"))
    text = shown(measured(Task.REACH, e2e_s=e2e_s, **nothing))
    assert text.startswith("groq:llama  reach  ok  answers with HTTP 200 in 100 ms\n")
    assert phases(text)[-1] == last
    assert "token" not in text
    assert "answer " not in text


def test_tokens_that_were_counted_here_are_marked() -> None:
    text = shown(measured(Task.CHAT, output_tokens=14, tokens_from=TokensFrom.COUNTED))
    assert "~100 tokens in, ~14 tokens out, counted;" in text
    text = shown(measured(Task.CHAT, prompt_tokens=None, output_tokens=14, tokens_from=TokensFrom.COUNTED))
    assert "judged; ~14 tokens out, counted;" in text
    assert "~" not in shown(measured(Task.CHAT, tokens_from=TokensFrom.USAGE))


def test_bars_stay_within_their_column_whatever_the_times() -> None:
    for sample in (
        measured(Task.CHAT, dns_s=0.0, connect_s=0.0, tls_s=0.0, headers_s=0.0, ttft_s=0.0, e2e_s=0.0),
        measured(Task.CHAT, dns_s=5.0, headers_s=1e-9, ttft_s=2e-9, e2e_s=3e-9),
        measured(Task.CHAT, dns_s=None, connect_s=None, tls_s=None, headers_s=None, ttft_s=1.0, e2e_s=None),
    ):
        lines = [line for line in shown(sample).splitlines() if "━" in line]
        assert all(len(line.rstrip()) < 80 for line in lines)
