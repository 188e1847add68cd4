"""The runner: it respects the limits, and emits exactly one sample per run."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.workers.limits import ConcurrencyLimits
from monitor.workers.runner import Runner
from probes._model import Blame, ErrorClass, Run, Sample
from probes._sample import unmeasured
from tests.integration.probes.asking import KEY, run_to


def run_of(provider: str, number: int = 0, *, total_s: float = 20.0) -> Run:
    run = run_to("http://127.0.0.1:9/v1", ttft_s=total_s, total_s=total_s, provider=provider)
    return replace(run, id=f"{provider}-{number}")


class Turnstile:
    """A prober that counts running probes, and holds all probes of a closed provider."""

    def __init__(self, *closed: str) -> None:
        self._inside: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.most_at_all = 0
        self.gates = {provider: asyncio.Event() for provider in closed}

    async def measure(self, run: Run) -> Sample:
        provider = run.endpoint.provider
        self._inside[provider] += 1
        self.most[provider] = max(self.most[provider], self._inside[provider])
        self.most_at_all = max(self.most_at_all, self._inside.total())
        try:
            await asyncio.sleep(0.001)
            if provider in self.gates:
                await self.gates[provider].wait()
        finally:
            self._inside[provider] -= 1
        return good(run)


class Thrower:
    """A prober that raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def measure(self, run: Run) -> Sample:
        raise self._error


class Hanger:
    """A prober that never answers."""

    async def measure(self, run: Run) -> Sample:
        await asyncio.Event().wait()
        return good(run)


def good(run: Run) -> Sample:
    return replace(unmeasured(run, ErrorClass.INTERNAL, "", datetime.now(UTC)), error=None, blame=None, detail=None)


def limits(total: int, limits: Mapping[str, int] | None = None) -> ConcurrencyLimits:
    return ConcurrencyLimits(total, limits or {})


async def test_no_more_run_at_once_than_there_are_places_in_all() -> None:
    prober, emitted = Turnstile(), list[Sample]()
    runner = Runner(prober, limits(3), emitted.append)
    runs = [run_of(f"p{number % 4}", number) for number in range(20)]
    returned = await asyncio.gather(*map(runner.run, runs))
    assert prober.most_at_all == 3
    assert sorted(sample.id for sample in emitted) == sorted(run.id for run in runs)
    assert [sample.id for sample in returned] == [run.id for run in runs]
    assert {sample.error for sample in emitted} == {None}


async def test_no_more_run_at_once_than_a_provider_allows() -> None:
    prober, emitted = Turnstile(), list[Sample]()
    runner = Runner(prober, limits(10, {"a": 1, "b": 2}), emitted.append)
    await asyncio.gather(*(runner.run(run_of(name, number)) for number in range(8) for name in ("a", "b", "c")))
    assert (prober.most["a"], prober.most["b"]) == (1, 2)
    assert prober.most["c"] > 2, "one without a limit has none but the total"
    assert prober.most_at_all <= 10
    assert len(emitted) == 24


async def test_a_slow_provider_keeps_no_other_waiting() -> None:
    prober, emitted = Turnstile("slow"), list[Sample]()
    runner = Runner(prober, limits(3, {"slow": 2}), emitted.append)
    slow = [asyncio.create_task(runner.run(run_of("slow", number))) for number in range(50)]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(10):
        await asyncio.gather(*(runner.run(run_of("quick", number)) for number in range(20)))
    assert {sample.endpoint for sample in emitted} == {"scripted:tiny"}
    assert {sample.id.split("-")[0] for sample in emitted} == {"quick"}
    assert len(runner.running_until_s) == 2
    assert len(runner.waiting_since_s) == 48
    prober.gates["slow"].set()
    await asyncio.gather(*slow)
    assert len(emitted) == 70
    assert (runner.running_until_s, runner.waiting_since_s) == ({}, {})


async def test_who_waits_and_who_runs_can_be_seen_with_times() -> None:
    clock = asyncio.get_running_loop().time
    before_s = clock()
    prober, emitted = Turnstile("slow"), list[Sample]()
    runner = Runner(prober, limits(1), emitted.append)
    tasks = [asyncio.create_task(runner.run(run_of("slow", number, total_s=7))) for number in range(2)]
    await asyncio.sleep(0.01)
    assert set(runner.running_until_s) == {"slow-0"}
    assert set(runner.waiting_since_s) == {"slow-1"}
    assert before_s + 14 <= runner.running_until_s["slow-0"] <= clock() + 14
    assert before_s <= runner.waiting_since_s["slow-1"] <= clock()
    prober.gates["slow"].set()
    await asyncio.gather(*tasks)


async def test_a_run_that_is_cancelled_is_recorded_as_that_and_gives_its_place_back() -> None:
    prober, emitted = Turnstile("slow"), list[Sample]()
    runner = Runner(prober, limits(1, {"slow": 1}), emitted.append)
    running, waiting = (asyncio.create_task(runner.run(run_of("slow", number))) for number in range(2))
    await asyncio.sleep(0.01)
    for task in (waiting, running):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [(sample.id, sample.error, sample.blame) for sample in emitted] == [
        ("slow-1", ErrorClass.CANCELLED, Blame.MONITOR),
        ("slow-0", ErrorClass.CANCELLED, Blame.MONITOR),
    ]
    assert (runner.running_until_s, runner.waiting_since_s) == ({}, {})
    prober.gates["slow"].set()
    await runner.run(run_of("slow", 2))
    assert emitted[-1].error is None


async def test_a_run_that_is_cancelled_before_it_began_leaves_nothing_waiting() -> None:
    emitted = list[Sample]()
    runner = Runner(Turnstile(), limits(1), emitted.append)
    task = asyncio.create_task(runner.run(run_of("a")))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (emitted, runner.running_until_s, runner.waiting_since_s) == ([], {}, {})


@pytest.mark.parametrize("error", [ValueError(f"bad {KEY}"), OSError(5, "no"), RuntimeError(), TimeoutError()])
async def test_a_prober_that_raises_is_the_monitors_fault(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    emitted = list[Sample]()
    runner = Runner(Thrower(error), limits(1), emitted.append)
    for number in range(2):
        await runner.run(run_of("a", number))
    assert [(sample.error, sample.blame) for sample in emitted] == [(ErrorClass.INTERNAL, Blame.MONITOR)] * 2
    assert KEY not in repr(emitted)
    assert runner.running_until_s == {}


async def test_a_prober_that_hangs_is_given_up_and_is_the_monitors_fault() -> None:
    emitted = list[Sample]()
    runner = Runner(Hanger(), limits(1), emitted.append, margin_s=0.1)
    async with asyncio.timeout(10):
        for number in range(2):
            await runner.run(run_of("a", number, total_s=0.05))
    assert [(sample.error, sample.blame) for sample in emitted] == [(ErrorClass.INTERNAL, Blame.MONITOR)] * 2
    assert {sample.detail for sample in emitted} == {"the worker did not answer in time"}


class AnswersAtLast:
    """A prober that answers from some time on."""

    def __init__(self) -> None:
        self.answers = False

    async def measure(self, run: Run) -> Sample:
        if not self.answers:
            await asyncio.Event().wait()
        return good(run)


async def test_of_given_up_runs_the_first_deadline_is_kept_until_the_prober_answers() -> None:
    prober = AnswersAtLast()
    runner = Runner(prober, limits(10), lambda _: None, margin_s=0.1)
    runs = [run_of("a", number, total_s=total_s) for number, total_s in enumerate((0.9, 0.3, 0.6))]
    running = [asyncio.create_task(runner.run(run)) for run in runs]
    for _ in range(5):
        await asyncio.sleep(0)
    first_s = runner.running_until_s["a-1"]
    assert first_s == min(runner.running_until_s.values())
    await asyncio.gather(*running)
    assert runner.first_given_up_s == first_s
    prober.answers = True
    await runner.run(run_of("a", 3))
    assert runner.first_given_up_s is None


async def test_a_recorder_that_raises_keeps_no_place() -> None:
    def refuse(_: Sample) -> None:
        raise OSError("full")

    runner = Runner(Turnstile(), limits(1), refuse)
    for number in range(2):
        with pytest.raises(OSError, match="full"):
            await runner.run(run_of("a", number))
    assert (runner.running_until_s, runner.waiting_since_s) == ({}, {})
