"""The daemon's parts together: the real board behind the real budgets and the attribution of local network failures.

It comes to the same figures and statuses as `ScoreDetector`, which a test holds, and it is slower.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.scoring.detectors import OURS, PROMPT_TOKENS, START, endpoint_name, moment, sample_of, seconds
from benchmarks.scoring.flags import Flag, Flags
from benchmarks.scoring.simulation import Due, FinishedProbe, ProbeSchedule
from benchmarks.scoring.world import World
from monitor.config.model import Canary, Config, EndpointSpec, ProbeSpec, Slo
from monitor.domain.budget_unit import BudgetUnit
from monitor.domain.status import Status
from monitor.scheduler.budget import Budgets
from monitor.scheduler.jobs import enabled_jobs, run_for
from monitor.scoreboard.board import Board
from monitor.vantage.attribution import Vantage
from monitor.vantage.evidence import CheckResult, OriginCheck
from monitor.vantage.origin import Origin, canary_origins, origin_of
from probes._model import Endpoint, Run, Sample, Task

_MAX_TOKENS: Final = 64
_SILENT_S, _HEARD_S = 5.0, 0.1
"""How long a TCP check takes that gets no answer, or an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The daemon's configuration without its endpoints."""

    schedule: ProbeSchedule
    canaries: tuple[Canary, ...] = ()
    tokens_per_day: float | None = None
    """Cap of each provider."""
    checks_network: bool = True
    """Whether it attributes failures to the local network; if not, samples reach the board at once and unchanged."""


class DaemonDetector:
    """Budgets, attribution and board, without I/O."""

    names = (OURS,)

    def __init__(self, world: World, setting: Setting, seed: str) -> None:
        config = configuration(world, setting)
        self._world, self._chance = world, random.Random(f"{seed}/costs")
        self._ids = [spec.endpoint.id for spec in config.endpoints]
        self._numbers = {name: number for number, name in enumerate(self._ids)}
        jobs = enabled_jobs(config)
        self._jobs = {job.spec.endpoint.id: job for job in jobs}
        self.board = Board(config, jobs, START)
        self.flags = Flags(self.names, len(world.endpoints))
        origins = {spec.endpoint.id: origin_of(spec.endpoint) for spec in config.endpoints}
        watched = {name: origin for name, origin in origins.items() if origin is not None and setting.checks_network}
        self._vantage = Vantage(watched, canary_origins(config.canaries))
        providers = {spec.endpoint.id: spec.endpoint.provider for spec in config.endpoints}
        caps = {} if setting.tokens_per_day is None else {BudgetUnit.TOKENS: setting.tokens_per_day}
        self._budgets = Budgets({name: caps for name in set(providers.values()) if caps}, providers)
        self._running: dict[int, Run] = {}
        self._replies: tuple[float, list[OriginCheck]] | None = None
        self._now_s = 0.0
        self.spent: dict[tuple[int, int], float] = {}
        """Tokens by provider and day."""
        self.most_expensive = 0.0
        """Tokens of the most expensive probe."""
        self.refused = 0
        """Probes that the budget did not allow."""

    @property
    def wake_at_s(self) -> float | None:
        """Once a second while TCP checks run or are due."""
        busy = self._replies is not None or self._vantage.is_due(moment(self._now_s))
        return self._now_s + 1.0 if busy else None

    def admit(self, number: int, at_s: float) -> bool:
        """Whether the provider's budget allows the probe."""
        job = self._jobs[self._ids[number]]
        run = run_for(job, moment(at_s))
        if self._budgets.claim(run, job.probe.every_s, moment(at_s)) is not None:
            self.refused += 1
            return False
        self._running[number] = run
        return True

    def observe(self, number: int, finished: FinishedProbe) -> Due:
        """A sample arrives; attribution passes it on at once or holds it back."""
        self._now_s = finished.ended_s
        sample = sample_of(self._ids[number], finished, tokens=self._tokens(finished))
        self._charge(number, sample, finished)
        return self._absorb(self._vantage.take(sample, moment(finished.ended_s)))

    def wake(self, at_s: float) -> Due:
        """Hands over replies of TCP checks, advances the time and starts the checks that are due."""
        self._now_s, at = at_s, moment(at_s)
        released: list[Sample] = []
        if self._replies is not None and self._replies[0] <= at_s:
            replies, self._replies = self._replies[1], None
            released += self._vantage.take_checks(replies)
        released += self._vantage.tick(at)
        if self._replies is None and self._vantage.is_due(at):
            origins = self._vantage.origins_to_check(at)
            replies = [OriginCheck(origin=item, result=self._answer(item, at_s)) for item in origins]
            silent = any(reply.result is CheckResult.SILENT for reply in replies)
            self._replies = (at_s + (_SILENT_S if silent else _HEARD_S), replies)
        return self._absorb(released)

    def figures(self, number: int, at_s: float) -> Sequence[float]:
        """The score, as it is before it is rounded for the document."""
        endpoint = self.board.publish(moment(at_s), sweep=True).rows[self._ids[number]].endpoint
        return (1.0 if endpoint is None or endpoint.score is None else endpoint.score,)

    def _answer(self, origin: Origin, at_s: float) -> CheckResult:
        """The reply of a canary or of a provider's host, which accepts connections even when its models fail."""
        return CheckResult.SILENT if any(self._world.offline.under_way(at_s)) else CheckResult.HEARD

    def _absorb(self, samples: Sequence[Sample]) -> Due:
        if not samples:
            return {}
        absorbed = self.board.absorb(samples)
        self.board.commit(moment(self._now_s))
        for name, text in absorbed.states.items():
            status = Status(json.loads(text)["status"])
            number = self._numbers[name]
            self.flags.note(OURS, number, self._now_s, Flag.DOWN, up=status is Status.DOWN)
            self.flags.note(OURS, number, self._now_s, Flag.RAISED, up=status in {Status.DOWN, Status.DEGRADED})
        return {self._numbers[name]: seconds(at) for name, at in absorbed.due.items()}

    def _tokens(self, finished: FinishedProbe) -> int | None:
        """At most the limit in 99 % of probes, else twice the limit: some reasoning models exceed it."""
        if finished.error is not None:
            return None
        return 2 * _MAX_TOKENS if self._chance.random() < 0.01 else self._chance.randint(10, _MAX_TOKENS)

    def _charge(self, number: int, sample: Sample, finished: FinishedProbe) -> None:
        self._budgets.charge(sample)
        self._budgets.release(self._running.pop(number))
        tokens = (sample.prompt_tokens or 0) + (sample.output_tokens or 0)
        key = (self._world.endpoints[number].provider, int(finished.began_s // 86_400))
        self.spent[key] = self.spent.get(key, 0.0) + tokens
        self.most_expensive = max(self.most_expensive, tokens)


def configuration(world: World, setting: Setting) -> Config:
    """The configuration of a daemon that probes a world."""
    probe = ProbeSpec(
        name="chat",
        task=Task.CHAT,
        every_s=setting.schedule.every_s,
        closest_s=setting.schedule.least_s,
        prompt_tokens=PROMPT_TOKENS,
        max_tokens=_MAX_TOKENS,
        slo=Slo(ttft_s=3.0),
    )
    return Config(
        canaries=setting.canaries,
        providers={},
        probes={probe.name: probe},
        endpoints=tuple(
            EndpointSpec(
                endpoint=Endpoint(
                    id=endpoint_name(item.provider, item.model),
                    provider=f"provider-{item.provider}",
                    model=f"model-{item.model}",
                    api="openai_chat",
                    base_url=f"https://provider-{item.provider}.example/v1",
                ),
                model=f"author/model-{item.model}",
                probes=(probe.name,),
            )
            for item in world.endpoints
        ),
    )
