"""The summary of several probes: counts, quantiles of successes, errors by class."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from monitor.console.summary import summary
from probes._model import ErrorClass, Sample, Task
from tests.support.board_values import EVERYTHING
from tests.unit.score.values import START, make_sample


def drawn(*samples: Sample, width: int = 80) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(summary(samples))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    return "\n".join(line.rstrip() for line in lines)


def good(ttft_s: float, **fields: object) -> Sample:
    return replace(make_sample(START, **EVERYTHING), ttft_s=ttft_s, **fields)  # type: ignore[arg-type]


def failed(error: ErrorClass) -> Sample:
    return make_sample(START, error=error)


def test_it_counts_what_succeeded_and_gives_the_median_and_the_worst_of_that() -> None:
    text = drawn(good(0.1), good(0.3), good(0.2), failed(ErrorClass.OVERLOADED))
    (row,) = (line for line in text.splitlines() if line.startswith("groq:llama"))
    assert row.split()[1:] == ["chat", "3/4", "200", "ms", "–", "300", "ms", "1.20", "s", "50", "overloaded", "1"]
    assert text.endswith("3 of 4 probes succeeded")


def test_a_ninetieth_percentile_needs_ten_samples() -> None:
    text = drawn(*(good(number / 10) for number in range(1, 12)))
    assert "11/11 600 ms 1.00 s 1.10 s" in " ".join(text.split())


def test_each_endpoint_and_task_has_its_row_and_what_failed_altogether_no_figure() -> None:
    one, two = good(0.1), replace(failed(ErrorClass.DNS), endpoint="other:model")
    rows = drawn(one, two, replace(good(0.2), task=Task.TOOL_CALL), two).splitlines()
    assert [" ".join(row.split()) for row in rows[2:] if "/" in row] == [
        "groq:llama chat 1/1 100 ms – 100 ms 1.20 s 50",
        "other:model chat 0/2 – – – – – dns 2",
        "groq:llama tool_call 1/1 200 ms – 200 ms 1.20 s 50",
    ]


def test_a_long_id_leaves_the_figures_whole() -> None:
    sample = replace(good(0.1), endpoint="provider:" + "a-very-long-name-of-a-model/" * 4)
    assert "1/1" in drawn(sample, failed(ErrorClass.CONNECT))
