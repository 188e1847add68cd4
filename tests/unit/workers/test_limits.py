"""Concurrency limits: waiting and admitted probes, and changed limits while probes run."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from monitor.workers.limits import ConcurrencyLimits


class Crowd:
    """Probes that stay until they are let go."""

    def __init__(self, limits: ConcurrencyLimits) -> None:
        self.limits = limits
        self.inside: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._leave = asyncio.Event()

    async def come(self, *providers: str) -> None:
        self._tasks += [asyncio.create_task(self._probe(provider)) for provider in providers]
        await breathe()

    async def leave(self, provider: str) -> None:
        """One probe of a provider ends."""
        task = next(task for task in self._tasks if task.get_name() == f"in-{provider}" and not task.done())
        task.cancel()
        await breathe()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _probe(self, provider: str) -> None:
        async with AsyncExitStack() as stack:
            await self.limits.take(provider, stack)
            task = asyncio.current_task()
            assert task is not None
            task.set_name(f"in-{provider}")
            self.inside.append(provider)
            try:
                await self._leave.wait()
            finally:
                self.inside.remove(provider)


async def breathe() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def crowd(total: int, by_provider: Mapping[str, int]) -> AsyncIterator[Crowd]:
    made = Crowd(ConcurrencyLimits(total, by_provider))
    yield made
    await made.end()


async def test_no_more_than_the_limit_are_inside_and_the_first_to_come_is_next() -> None:
    async with crowd(9, {"a": 2}) as probes:
        await probes.come("a", "a", "a", "b")
        assert probes.inside == ["a", "a", "b"]
        await probes.leave("a")
        assert probes.inside == ["a", "b", "a"]


async def test_a_raised_limit_lets_in_who_waits() -> None:
    async with crowd(9, {"a": 1}) as probes:
        await probes.come("a", "a", "a")
        probes.limits.apply(9, {"a": 2})
        await breathe()
        assert probes.inside == ["a", "a"]


async def test_a_raised_total_lets_in_who_waits() -> None:
    async with crowd(1, {"a": 5}) as probes:
        await probes.come("a", "a", "a")
        assert probes.inside == ["a"]
        probes.limits.apply(3, {"a": 5})
        await breathe()
        assert probes.inside == ["a", "a", "a"]


async def test_under_a_lowered_limit_those_that_run_end_first() -> None:
    async with crowd(9, {"a": 3}) as probes:
        await probes.come("a", "a", "a")
        probes.limits.apply(9, {"a": 1})
        await probes.come("a")
        await probes.leave("a")
        await probes.leave("a")
        assert probes.inside == ["a"]
        await probes.leave("a")
        assert probes.inside == ["a"]


async def test_a_limit_may_be_taken_away_and_set_anew() -> None:
    async with crowd(9, {"a": 1}) as probes:
        await probes.come("a", "a")
        probes.limits.apply(9, {})
        await probes.come("a")
        assert probes.inside == ["a", "a", "a"]
        probes.limits.apply(9, {"a": 1, "b": 1})
        await probes.come("a", "a", "b", "b")
        assert Counter(probes.inside) == {"a": 4, "b": 1}, "those from before the limit do not count against it"


async def test_who_stops_waiting_takes_no_place() -> None:
    limits = ConcurrencyLimits(1, {})
    async with AsyncExitStack() as first:
        await limits.take("a", first)
        waiting = [asyncio.create_task(_pass(limits)) for _ in range(3)]
        await breathe()
        waiting[0].cancel()
        await breathe()
    waiting[1].cancel()  # in the turn in which it is admitted
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [task.cancelled() for task in waiting] == [True, True, False]
    await asyncio.wait_for(_pass(limits), 10)


async def _pass(limits: ConcurrencyLimits) -> None:
    async with AsyncExitStack() as stack:
        await limits.take("a", stack)


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_comes_and_goes_no_place_is_lost_or_made(seed: int) -> None:
    chance = random.Random(seed)
    async with crowd(3, {"a": 2}) as probes:
        for _ in range(60):
            step = chance.random()
            if step < 0.5:
                await probes.come(chance.choice(["a", "b"]))
            elif step < 0.8 and probes.inside:
                await probes.leave(chance.choice(probes.inside))
            else:
                probes.limits.apply(chance.randint(1, 5), {"a": chance.randint(1, 3)})
        await probes.end()
        probes.limits.apply(3, {"a": 2})
        await probes.come("a", "a", "a", "b", "b")
        assert Counter(probes.inside) == {"a": 2, "b": 1}
