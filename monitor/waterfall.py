"""One probe as a waterfall for people: each phase a bar on a common scale, in the order in which they passed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.terminal import NOT_MEASURED, printable, seconds
from probes._model import Sample

_WIDTH = 44
_GOOD, _BAD = "green", "bold red"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phase:
    """A span on the probe's own time line, which begins where connecting begins."""

    name: str
    begin_s: float
    end_s: float
    style: str


def waterfall(sample: Sample) -> RenderableType:
    """The headline of a sample, and its phases as far as they were reached."""
    phases = _phases(sample)
    total_s = phases[-1].end_s if phases else 0.0
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 2), pad_edge=True)
    for phase in phases:
        table.add_row(Text(phase.name, "dim"), _bar(phase, total_s), Text(seconds(phase.end_s - phase.begin_s)))
    return Group(_headline(sample), table, _footnote(sample), Text())


def _headline(sample: Sample) -> Text:
    words = Text(printable(sample.endpoint), "bold")
    if sample.error is None:
        words.append("  ok", _GOOD)
        words.append(f"  first token {seconds(sample.ttft_s)}, done {seconds(sample.e2e_s)}")
        words.append(f", {_speed(sample.output_tps)} tok/s")
        return words
    words.append(f"  {sample.error}", _BAD)
    words.append(f" ({sample.blame})", "dim")
    if sample.detail:
        words.append(f"  {printable(sample.detail)}")
    return words


def _footnote(sample: Sample) -> Text:
    """What the bars do not show: counts, gaps, how exact the clock was."""
    facts = []
    if sample.output_tokens is not None:
        facts.append(f"{_count(sample.prompt_tokens)} tokens in, {sample.output_tokens} out")
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
    for name, end_s, style in (
        ("headers", sample.headers_s, "yellow"),
        ("first token", sample.ttft_s, "dark_orange"),
        ("stream", sample.e2e_s, "green"),
    ):
        if end_s is not None:
            found.append(_Phase(name=name, begin_s=at_s, end_s=before + end_s, style=style))
            at_s = before + end_s
    return found


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
