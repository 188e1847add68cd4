"""The metrics of endpoints and providers: counts samples and renders the text. Pure.

prometheus_client looks up a series by its labels at every observation and renders all series at every scrape. That
takes 33 µs a sample, and seconds a scrape of a thousand endpoints. Here a sample is added to plain numbers, and the
lines of an endpoint are rendered only after a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from monitor.config.model import MetricsDetail
from monitor.domain.status import Status
from monitor.metrics.exposition import BucketCounts, Family, gauge, label, number
from monitor.score.blame import BlameOverrides, blame_of
from monitor.scoreboard.row import Row
from probes._model import Endpoint, ErrorClass, Sample, Task

_TIMES_S = (0.001, 0.005, 0.01, 0.02, 0.03, 0.045, 0.065, 0.1, 0.14, 0.2, 0.28, 0.4, 0.55, 0.75, 1, 1.4, 2, 2.8, 4, 5.5,
            7.5, 10, 15, 30, 60, 120)  # fmt: skip
"""Steps of about 1.4 in the usual range of latencies, so that the error of a quantile is at most a fifth."""
_GAPS_S = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_FEW_TIMES_S = (0.2, 0.5, 1, 2.5, 10)
_STALL_S = 1.0
"""A reader notices a stream that stands still for this long."""
_PHASES = ("dns", "connect", "tls", "headers", "ttft", "e2e")
_FEW_WINDOWS = frozenset({"1d", "30d"})
_DIRECTIONS = {
    "prompt_tokens": "prompt",
    "output_tokens": "completion",
    "reasoning_tokens": "reasoning",
    "cached_tokens": "cached",
}
_COST_DIGITS = 9
_ALWAYS_SPENT = ("prompt", "completion")
_FULL = MetricsDetail.FULL

_INFO = Family(name="providerwatch_endpoint_info", kind="gauge", about="An endpoint's labels; always 1.")
_UP = Family(
    name="providerwatch_up",
    kind="gauge",
    about="1 usable, or only this account is refused; 0 down; absent while unknown.",
)
_STATUS = Family(name="providerwatch_status", kind="gauge", about="1 for the status that an endpoint has.")
_SCORE = Family(
    name="providerwatch_score", kind="gauge", about="Probability that the next request succeeds within SLO."
)
_UPTIME = Family(name="providerwatch_uptime_ratio", kind="gauge", about="Successes among counted probes.")
_REFUSED = Family(
    name="providerwatch_account_refused",
    kind="gauge",
    about="1 while the provider refuses this account, by error class; absent otherwise.",
)
_NEWEST = Family(
    name="providerwatch_last_sample_timestamp_seconds",
    kind="gauge",
    about="Unix time at which the newest probe began.",
)
_PROBES = Family(
    name="providerwatch_probes_total",
    kind="counter",
    about="Probes by result; error and blame are empty for a success.",
)
_DURATION = Family(name="providerwatch_probe_duration_seconds", kind="summary", about="Phases of successful probes.")
_TTFT = Family(name="providerwatch_ttft_seconds", kind="histogram", about="Time to first token.")
_E2E = Family(name="providerwatch_e2e_seconds", kind="histogram", about="Time to the end of the stream.")
_GAPS = Family(
    name="providerwatch_inter_token_seconds",
    kind="histogram",
    about="Median gap between content events of a probe.",
)
_STALL = Family(
    name="providerwatch_stall_seconds",
    kind="gauge",
    about="Longest gap between content events of the newest successful probe.",
)
_STALLS = Family(
    name="providerwatch_stalls_total",
    kind="counter",
    about="Successful probes whose stream stood still for a second or longer.",
)
_SPEED = Family(
    name="providerwatch_output_tokens_per_second",
    kind="gauge",
    about="Decode speed of the newest successful probe.",
)
_COST = Family(name="providerwatch_cost_usd_total", kind="counter", about="Cost of probes.")
_TOKENS = Family(name="providerwatch_tokens_total", kind="counter", about="Tokens of probes.")

_OF_ROW = (_INFO, _UP, _STATUS, _SCORE, _UPTIME, _REFUSED)
_OF_TASK = (_PROBES, _DURATION, _TTFT, _E2E, _GAPS, _STALL, _STALLS, _SPEED)
_OF_ENDPOINT = (*_OF_ROW, _NEWEST, *_OF_TASK)


class TaskFigures:
    """Figures of one task of an endpoint."""

    def __init__(self, detail: MetricsDetail) -> None:
        full = detail is _FULL
        self.outcomes: dict[tuple[str, str], int] = {("", ""): 0}
        """Probes by error and blame."""
        self._phases: dict[str, tuple[int, float]] | None = {} if full else None
        self._ttft = BucketCounts(_TIMES_S if full else _FEW_TIMES_S)
        self._e2e = BucketCounts(_TIMES_S if full else ())
        self._gaps = BucketCounts(_GAPS_S) if full else None
        self._stall_s: float | None = None
        self._stalls = 0 if full else None
        self._speed: float | None = None

    def in_detail(self, detail: MetricsDetail) -> TaskFigures:
        """Figures in another detail: counts and newest values are kept, and an error without a count loses its line."""
        figures = TaskFigures(detail)
        figures.outcomes |= {what: count for what, count in self.outcomes.items() if count}
        figures._stall_s, figures._speed = self._stall_s, self._speed
        return figures

    def observe(self, sample: Sample) -> None:
        """Count one sample."""
        what = (sample.error or "", sample.blame or "")
        self.outcomes[what] = self.outcomes.get(what, 0) + 1
        if sample.lag_s is None:
            return
        if sample.error is None:
            self._observe_success(sample)

    def _observe_success(self, sample: Sample) -> None:
        if self._phases is not None:  # of successes only, so that all phases are means of the same probes
            _add_phases(self._phases, sample)
        if sample.ttft_s is not None:
            self._ttft.observe(sample.ttft_s)
        if sample.e2e_s is not None:
            self._e2e.observe(sample.e2e_s)
        if sample.itl_p50_s is not None and self._gaps is not None:
            self._gaps.observe(sample.itl_p50_s)
        if sample.itl_max_s is not None:
            self._stall_s = sample.itl_max_s
            if self._stalls is not None:
                self._stalls += sample.itl_max_s >= _STALL_S
        if sample.output_tps is not None:
            self._speed = sample.output_tps

    def texts(self, endpoint: str, task: str) -> tuple[str, ...]:
        """The lines of each family in `_OF_TASK`, with these labels."""
        of = f"{endpoint},{task}"
        return (
            "".join(
                f"{_PROBES.name}{{{label('blame', blame)},{endpoint},{label('error', error)},{task}}} {count}\n"
                for (error, blame), count in self.outcomes.items()
            ),
            "".join(
                f"{_DURATION.name}_count{{{endpoint},{label('phase', phase)},{task}}} {count}\n"
                f"{_DURATION.name}_sum{{{endpoint},{label('phase', phase)},{task}}} {number(total_s)}\n"
                for phase, (count, total_s) in (self._phases or {}).items()
            ),
            self._ttft.lines(_TTFT.name, endpoint, task),
            self._e2e.lines(_E2E.name, endpoint, task),
            "" if self._gaps is None else self._gaps.lines(_GAPS.name, endpoint, task),
            gauge(_STALL.name, of, self._stall_s),
            "" if self._stalls is None else f"{_STALLS.name}{{{of}}} {self._stalls}\n",
            gauge(_SPEED.name, of, self._speed),
        )


def _add_phases(phases: dict[str, tuple[int, float]], sample: Sample) -> None:
    for phase in _PHASES:
        seconds = getattr(sample, f"{phase}_s")
        if seconds is not None:
            count, total_s = phases.get(phase, (0, 0.0))
            phases[phase] = count + 1, total_s + seconds


class EndpointFigures:
    """The figures of an endpoint, and its lines as last rendered."""

    def __init__(self, endpoint: str, detail: MetricsDetail) -> None:
        self._detail = detail
        self._label = label("endpoint", endpoint)
        self._tasks: dict[Task, TaskFigures] = {}
        self._newest_s: float | None = None
        self._row: Row | None = None
        self._changed = True
        self.texts: Sequence[str] = ()
        """The lines of each family in `_OF_ENDPOINT`."""

    def apply(self, detail: MetricsDetail) -> None:
        """Keep figures in another detail from now on. Histograms and phases begin anew, since their buckets differ."""
        self._detail = detail
        self._tasks = {task: figures.in_detail(detail) for task, figures in self._tasks.items()}
        self._changed = True

    def task(self, task: Task) -> TaskFigures:
        """The figures of a task, for a change. Marks the lines as outdated."""
        self._changed = True
        found = self._tasks.get(task)
        if found is None:
            found = self._tasks[task] = TaskFigures(self._detail)
        return found

    def observe(self, sample: Sample) -> None:
        """Count one sample."""
        self.task(sample.task).observe(sample)
        if sample.lag_s is not None:
            self._newest_s = sample.started_at.timestamp()  # may be earlier than before, after a clock step

    def renew(self, row: Row, vantage: str) -> bool:
        """Render the lines again; False if nothing changed."""
        if not self._changed and row is self._row:
            return False
        of_tasks = [figures.texts(self._label, label("task", task)) for task, figures in self._tasks.items()]
        self.texts = (
            *_row_texts(row, self._label, vantage, self._detail),
            self._newest(row),
            *("".join(lines) for lines in zip(*of_tasks, strict=True)),
            *([] if of_tasks else [""] * len(_OF_TASK)),
        )
        self._row, self._changed = row, False
        return True

    def _newest(self, row: Row) -> str:
        """The time of the newest probe. Before the first probe of this run: the row's time, which includes traffic."""
        known_s = row.endpoint.measured_at.timestamp() if row.endpoint and row.endpoint.measured_at else None
        found_s = known_s if self._newest_s is None else self._newest_s
        return "" if found_s is None else f"{_NEWEST.name}{{{self._label}}} {found_s:.3f}\n"


def _row_texts(row: Row, of: str, vantage: str, detail: MetricsDetail) -> tuple[str, ...]:
    """The lines of each family in `_OF_ROW`."""
    what = f"{label('model', row.model)},{label('provider', row.provider)},{label('vantage', vantage)}"
    statuses = Status if detail is _FULL else (row.status,)
    uptime = {name: ratio for name, ratio in row.uptime.items() if detail is _FULL or name in _FEW_WINDOWS}
    refused = "" if row.account is None else gauge(_REFUSED.name, f"{label('class', row.account)},{of}", 1)
    return (
        gauge(_INFO.name, f"{label('api', row.api)},{of},{what}", 1),
        gauge(_UP.name, of, _usable(row)),
        "".join(gauge(_STATUS.name, f"{of},{label('status', status)}", status is row.status) for status in statuses),
        gauge(_SCORE.name, of, row.score),
        "".join(gauge(_UPTIME.name, f"{of},{label('window', name)}", ratio) for name, ratio in uptime.items()),
        refused,
    )


def _usable(row: Row) -> bool | None:
    """A provider that refuses this account answers, so it is not down. Another metric shows the refusal."""
    return True if row.status is Status.UNKNOWN and row.account is not None else row.status.usable


class ProviderFigures:
    """The figures of a provider, summed over its endpoints."""

    def __init__(self, provider: str) -> None:
        self._label = label("provider", provider)
        self.cost_usd: float | None = None
        self.tokens: dict[str, int] = dict.fromkeys(_ALWAYS_SPENT, 0)

    def observe(self, sample: Sample) -> None:
        """Count one sample."""
        if sample.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + sample.cost_usd
        for field, direction in _DIRECTIONS.items():
            tokens = getattr(sample, field)
            if tokens is not None:
                self.tokens[direction] = self.tokens.get(direction, 0) + tokens

    def cost(self) -> str:
        """The cost line; empty if no cost is known."""
        return "" if self.cost_usd is None else f"{_COST.name}{{{self._label}}} {number(self.cost_usd, _COST_DIGITS)}\n"

    def token_lines(self) -> str:
        """The token lines, one for each direction."""
        return "".join(
            f"{_TOKENS.name}{{{label('direction', direction)},{self._label}}} {count}\n"
            for direction, count in self.tokens.items()
        )


class EndpointMetrics:
    """All figures of endpoints and providers."""

    def __init__(self, detail: MetricsDetail) -> None:
        self._detail = detail
        self._endpoints: dict[str, EndpointFigures] = {}
        self._providers: dict[str, ProviderFigures] = {}

    @property
    def detail(self) -> MetricsDetail:
        """The detail of the series."""
        return self._detail

    def apply_in_steps(self, detail: MetricsDetail) -> Iterator[None]:
        """Keep all figures in another detail from now on: one endpoint a step, since all of them take long."""
        self._detail = detail
        for figures in [*self._endpoints.values()]:
            figures.apply(detail)
            yield

    def expect(self, endpoint: Endpoint, task: Task, overrides: BlameOverrides) -> None:
        """Start an endpoint's counters at zero: a rate misses the first increase of a counter that starts at one.

        With full detail this includes the counters of all errors; otherwise an error has no line before it occurs.
        """
        outcomes = self._endpoint(endpoint.id).task(task).outcomes
        provider = self._provider(endpoint.provider)
        if endpoint.pricing is not None and provider.cost_usd is None:
            provider.cost_usd = 0.0
        if self._detail is _FULL:
            for error in ErrorClass:
                outcomes.setdefault((error, blame_of(error, overrides)), 0)
            for direction in _DIRECTIONS.values():
                provider.tokens.setdefault(direction, 0)

    def observe(self, sample: Sample, provider: str) -> None:
        """Count one sample."""
        self._endpoint(sample.endpoint).observe(sample)
        if sample.lag_s is not None:
            self._provider(provider).observe(sample)

    def renew(self, row: Row, vantage: str) -> bool:
        """Render an endpoint's lines again if they changed. Returns whether they did."""
        return self._endpoint(row.id).renew(row, vantage)

    def parts(self, rows: Iterable[str], *, openmetrics: bool) -> Iterator[bytes]:
        """The metric families of these endpoints and of all providers. `renew` has to be called for each one first."""
        for family, lines in chain(self._of_endpoints(rows), self._of_providers()):
            yield (family.head(openmetrics=openmetrics) + "".join(lines)).encode()

    def _of_endpoints(self, rows: Iterable[str]) -> Iterator[tuple[Family, Iterable[str]]]:
        texts = [self._endpoints[name].texts for name in rows]
        columns = zip(*texts, strict=True) if texts else ([] for _ in _OF_ENDPOINT)
        yield from zip(_OF_ENDPOINT, columns, strict=True)

    def _of_providers(self) -> Iterator[tuple[Family, Iterable[str]]]:
        yield _COST, [provider.cost() for provider in self._providers.values()]
        yield _TOKENS, [provider.token_lines() for provider in self._providers.values()]

    def _endpoint(self, name: str) -> EndpointFigures:
        found = self._endpoints.get(name)
        if found is None:
            found = self._endpoints[name] = EndpointFigures(name, self._detail)
        return found

    def _provider(self, name: str) -> ProviderFigures:
        found = self._providers.get(name)
        if found is None:
            found = self._providers[name] = ProviderFigures(name)
        return found
