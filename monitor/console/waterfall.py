"""One probe as a waterfall: its phases in order, each as a bar on a common scale. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.domain.text import NOT_MEASURED, printable, seconds
from probes._model import Sample, Task, TokensFrom, Vector

_WIDTH = 44
_GOOD, _BAD = "green", "bold red"
_STEPS = {
    Task.EMBEDDING: (("headers", "headers_s", "yellow"), ("vector", "e2e_s", "green")),
    Task.REACH: (("headers", "headers_s", "yellow"), ("rest", "e2e_s", "green")),
}
_STEPS_OF_A_STREAM = (
    ("headers", "headers_s", "yellow"),
    ("first token", "ttft_s", "dark_orange"),
    ("stream", "e2e_s", "green"),
)
"""Phases after the request: name, the sample's field with the phase's end, colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phase:
    """A phase in seconds since the probe began to connect."""

    name: str
    begin_s: float
    end_s: float
    style: str


def waterfall(sample: Sample, vector: Vector | None = None) -> RenderableType:
    """A sample's headline and the phases that it reached; `vector` is the result of an embedding."""
    phases = _phases(sample)
    total_s = phases[-1].end_s if phases else 0.0
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 2), pad_edge=True)
    for phase in phases:
        table.add_row(Text(phase.name, "dim"), _bar(phase, total_s), Text(seconds(phase.end_s - phase.begin_s)))
    return Group(_headline(sample, vector), table, _footnote(sample), Text())


def _headline(sample: Sample, vector: Vector | None) -> Text:
    words = Text(printable(sample.endpoint), "bold")
    words.append(f"  {sample.task}", "dim")
    if sample.error is None:
        words.append("  ok", _GOOD)
        return words.append(f"  {_success(sample, vector)}")
    words.append(f"  {sample.error}", _BAD)
    words.append(f" ({sample.blame})", "dim")
    if sample.detail:
        words.append(f"  {printable(sample.detail)}")
    return words


def _success(sample: Sample, vector: Vector | None) -> str:
    """The result of a successful probe, by task."""
    match sample.task:
        case Task.REACH:
            return f"answers with HTTP {_count(sample.status_code)} in {seconds(sample.headers_s)}"
        case Task.EMBEDDING:
            size = NOT_MEASURED if vector is None else str(vector.size)
            return f"vector of {size}, done {seconds(sample.e2e_s)}"
        case _:
            speed = f"{_speed(sample.output_tps)} tok/s"
            return f"first token {seconds(sample.ttft_s)}, done {seconds(sample.e2e_s)}, {speed}"


def _footnote(sample: Sample) -> Text:
    """Details that the bars do not show: answer, tokens, gaps, cost, precision of the timing."""
    facts = []
    if sample.answer_ok is not None:
        facts.append(f"answer {'right' if sample.answer_ok else 'wrong'}")
    elif sample.error is None and sample.task is not Task.REACH:
        facts.append("answer not judged")
    if sample.prompt_tokens is not None or sample.output_tokens is not None:
        facts.append(_tokens(sample))
    if sample.itl_p50_s is not None:
        facts.append(f"gaps p50 {seconds(sample.itl_p50_s)}, worst {seconds(sample.itl_max_s)}")
    if sample.cost_usd is not None:
        facts.append(f"${sample.cost_usd:.6f}")
    if sample.timing is not None:
        lag = "" if sample.rx_lag_s is None else f", read up to {sample.rx_lag_s * 1e3:.2f} ms late"
        facts.append(f"{sample.timing} clock{lag}")
    return Text(f"  {'; '.join(facts)}" if facts else "", "dim")


def _phases(sample: Sample) -> list[_Phase]:
    spans = (
        ("dns", sample.dns_s, "magenta"),
        ("connect", sample.connect_s, "blue"),
        ("tls", sample.tls_s, "cyan"),
    )
    found, at_s = [], 0.0
    for name, length_s, style in spans:
        if length_s is not None:
            found.append(_Phase(name=name, begin_s=at_s, end_s=at_s + length_s, style=style))
            at_s += length_s
    before = at_s
    for name, field, style in _STEPS.get(sample.task, _STEPS_OF_A_STREAM):
        end_s = getattr(sample, field)
        if end_s is not None:
            found.append(_Phase(name=name, begin_s=at_s, end_s=before + end_s, style=style))
            at_s = before + end_s
    return found


def _tokens(sample: Sample) -> str:
    """Prompt and output tokens. `~` marks counts by Providerwatch, for providers that report no usage."""
    counted = sample.tokens_from is TokensFrom.COUNTED
    counts = [
        f"{'~' if counted else ''}{number} tokens {where}"
        for number, where in ((sample.prompt_tokens, "in"), (sample.output_tokens, "out"))
        if number is not None
    ]
    return ", ".join([*counts, *(["counted"] if counted else [])])


def _bar(phase: _Phase, total_s: float) -> Text:
    scale = _WIDTH / total_s if total_s > 0 else 0.0
    begin = min(int(phase.begin_s * scale), _WIDTH - 1)
    length = max(round((phase.end_s - phase.begin_s) * scale), 1)
    bar = Text(" " * begin)
    bar.append("━" * min(length, _WIDTH - begin), phase.style)
    bar.append(" " * max(_WIDTH - begin - length, 0))
    return bar


def _speed(tokens_per_second: float | None) -> str:
    return NOT_MEASURED if tokens_per_second is None else f"{tokens_per_second:.0f}"


def _count(value: int | None) -> str:
    return NOT_MEASURED if value is None else str(value)
