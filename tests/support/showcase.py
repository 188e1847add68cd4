"""A board and a store with an endpoint in every state, for tests of pages: a day of samples that end at a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from monitor.config.listing import Listing, ProviderCard
from monitor.config.model import Config, EndpointSpec
from monitor.domain.budget_unit import BudgetUnit
from monitor.domain.maintenance import MaintenanceWindow
from monitor.scheduler.budget import ProviderSpending
from monitor.scheduler.jobs import Job, enabled_jobs, tick_at
from monitor.scoreboard.board import Board
from monitor.web.context import Context, MonitorState, PagesContext, history_context
from monitor.web.store_reads import StoreReads
from probes._model import ErrorClass, Sample
from tests.support.board_values import make_config, make_spec, sample_at
from tests.support.memory_store import MemoryStore
from tests.unit.score.values import START

NOW = START + timedelta(days=1, minutes=20, seconds=30)
MINUTE = timedelta(minutes=1)
RECENT = timedelta(minutes=40)
LLAMA, CLAUDE, SMOL = "meta-llama/llama-3.3-70b-instruct", "anthropic/claude-sonnet", "huggingfacetb/smollm2-135m"
NAMES = {LLAMA: "Llama 3.3 70B Instruct", CLAUDE: "Claude Sonnet", SMOL: "SmolLM2 135M"}
HOSTILE = "<script>alert(1)</script>\"'&amp;\u202egnp.exe\u0007{{7*7}}"
LONG = "a-very-long-provider-name-without-any-break-" * 3
ARABIC = "نموذج اللغة العربية الكبير"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What the samples of an endpoint are like."""

    spec: EndpointSpec
    ttft_s: float = 0.3
    speed_tps: float = 60.0
    errors: Mapping[int, ErrorClass] = field(default_factory=dict)
    """By minutes before the end: failures of all samples that are at most so old; the smallest key counts."""
    every: int = 0
    """Each so-many-th sample is overloaded; 0: none."""
    begins: timedelta = timedelta(days=1)
    """How long before the end the first sample is."""
    ends: timedelta = timedelta()


def spec_of(name: str, model: str, provider: str, **fields: Any) -> EndpointSpec:
    """An endpoint with names for people."""
    plain = make_spec(name, model=model, model_name=NAMES.get(model))
    listing = Listing(provider=ProviderCard(name=provider))
    return replace(plain, **{"listing": listing, **fields})


def every_state() -> Sequence[Behaviour]:
    """An endpoint of each status, and of each reason that a page words."""
    maintenance = (MaintenanceWindow(begin=NOW - timedelta(hours=2), end=NOW + timedelta(hours=2)),)
    coming = (MaintenanceWindow(begin=NOW + timedelta(hours=3), end=NOW + timedelta(hours=5)),)
    return (
        Behaviour(spec=spec_of("groq:llama", LLAMA, "Groq"), ttft_s=0.21, errors={12: ErrorClass.OVERLOADED}),
        Behaviour(spec=spec_of("fireworks:llama", LLAMA, "Fireworks"), ttft_s=0.31, speed_tps=118),
        Behaviour(spec=spec_of("together:llama", LLAMA, "Together"), ttft_s=3.4, speed_tps=74, every=9),
        Behaviour(spec=spec_of("deepinfra:llama", LLAMA, "DeepInfra", maintenance=coming), ttft_s=0.42),
        Behaviour(spec=spec_of("anthropic:sonnet", CLAUDE, "Anthropic"), errors={200: ErrorClass.RATE_LIMITED}),
        Behaviour(spec=spec_of("bedrock:sonnet", CLAUDE, "Bedrock"), errors={30: ErrorClass.AUTH}),
        Behaviour(spec=spec_of("vertex:sonnet", CLAUDE, "Vertex", maintenance=maintenance), ends=timedelta(hours=2)),
        Behaviour(spec=spec_of("old:sonnet", CLAUDE, "Old", enabled=False), ends=timedelta(hours=3)),
        Behaviour(spec=spec_of("my-vllm:smol", SMOL, "my-vllm"), begins=6 * MINUTE, ttft_s=0.052, speed_tps=410),
        Behaviour(spec=spec_of("spare:smol", SMOL, "Spare"), begins=timedelta()),
        Behaviour(spec=spec_of("gone:smol", SMOL, "Gone"), ends=timedelta(minutes=30)),
        Behaviour(spec=spec_of("home:smol", SMOL, "Home"), errors={300: ErrorClass.VANTAGE_OFFLINE}, ends=2 * MINUTE),
    )


def hostile() -> Sequence[Behaviour]:
    """Names that try to break a page."""
    return (
        Behaviour(spec=spec_of(f"evil:{HOSTILE}", f"evil/{HOSTILE}", HOSTILE, model_name=HOSTILE)),
        Behaviour(spec=spec_of(f"long:{LONG}", f"long/{LONG}", LONG), errors={40: ErrorClass.CONNECT}),
        Behaviour(spec=spec_of("arabic:نموذج", f"عربي/{ARABIC}", ARABIC, model_name=ARABIC)),
        Behaviour(
            spec=spec_of('p:50%/a?b#c "é日', 'odd/50%?x=1#y "é日', "日本語のプロバイダー", labels={HOSTILE: HOSTILE})
        ),
    )


def many(count: int) -> Sequence[Behaviour]:
    """Endpoints of many models, most of them well."""
    providers = ("Groq", "Fireworks", "Together", "DeepInfra", "Novita", "Lambda", "Nebius", "Parasail", "Cloud", "Own")
    return [
        Behaviour(
            spec=spec_of(f"{provider.lower()}:m{number // 10}", f"author/model-{number // 10}", provider),
            ttft_s=0.2 + number % 7 / 10,
            speed_tps=40 + number % 11 * 9,
            every=7 if number % 23 == 5 else 0,
            errors={15: ErrorClass.SERVER_ERROR} if number % 31 == 7 else {},
        )
        for number in range(count)
        for provider in [providers[number % 10]]
    ]


class Showcase:
    """A filled board, a filled store, and the context of pages over them."""

    def __init__(self, behaviours: Sequence[Behaviour], now: datetime = NOW, sparse: timedelta = 10 * MINUTE) -> None:
        self.now = now
        self.sparse = sparse
        self.behaviours = behaviours
        self.config: Config = make_config(*(item.spec for item in behaviours), vantage="fra1")
        self.jobs = enabled_jobs(self.config)
        self.board = Board(self.config, self.jobs, now - timedelta(days=1))
        self.store = MemoryStore()
        self.monitor = MonitorState()
        self.is_on = True
        self.spending: Sequence[ProviderSpending] = (
            ProviderSpending(
                provider="groq", spent={BudgetUnit.USD: 0.34, BudgetUnit.TOKENS: 120_000}, caps={BudgetUnit.USD: 0.5}
            ),
        )

    async def fill(self) -> None:
        """Judge and store all samples."""
        samples = sorted(self._samples(), key=lambda sample: sample.started_at)
        for start in range(0, len(samples), 500):
            part = samples[start : start + 500]
            absorbed = self.board.absorb(part)
            await self.store.append(part, absorbed.states, absorbed.incidents)
        self.board.publish(self.now, sweep=True)

    def _samples(self) -> Iterator[Sample]:
        for number, item in enumerate(self.behaviours):
            for place, tick in enumerate(self._ticks(item)):
                yield replace(self._sample(item, place, tick), id=f"{number:06x}{place:010x}")

    def _ticks(self, item: Behaviour) -> Iterator[datetime]:
        job = next((job for job in self.jobs if job.spec.endpoint.id == item.spec.endpoint.id), None)
        tick = self.now - timedelta(seconds=20) if job is None else tick_at(job, self.now)
        end, first = self.now - item.ends, self.now - item.begins
        while tick > first:
            if tick < end:
                yield tick
            tick -= MINUTE if self.now - tick < RECENT + item.ends else self.sparse

    def _sample(self, item: Behaviour, place: int, tick: datetime) -> Sample:
        name, age = item.spec.endpoint.id, self.now - tick
        for minutes, error in sorted(item.errors.items()):
            if age <= timedelta(minutes=minutes):
                return sample_at(tick, error, name, status_code=529, blame=error.blame)
        if item.every and place % item.every == 1:
            return sample_at(tick, ErrorClass.OVERLOADED, name, status_code=529)
        ttft_s = item.ttft_s * (1 + place % 5 / 10)
        return sample_at(tick, None, name, ttft_s=ttft_s, e2e_s=ttft_s + 1, output_tps=item.speed_tps + place % 7)

    def pages(self, **changes: Any) -> PagesContext:
        """What pages show besides the snapshot."""
        plain = PagesContext(
            is_on=lambda: self.is_on,
            now=lambda: self.now,
            monitor=lambda: self.monitor,
            jobs=lambda: self.jobs,
            incidents=lambda: self.board.open_incidents,
            spending=lambda: self.spending,
        )
        return replace(plain, **changes)

    def context(self) -> Context:
        """The context of a server."""
        history = replace(
            history_context(lambda: self.config, self.store), now=lambda: self.now, store_reads=StoreReads()
        )
        return Context(snapshot=lambda: self.board.snapshot, problems=tuple, pages=self.pages(), history=history)

    def job(self, name: str) -> Job:
        """The first job of an endpoint."""
        return next(job for job in self.jobs if job.spec.endpoint.id == name)
