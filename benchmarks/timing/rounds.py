"""Rounds: the same streams asked of every client in turn, so that all share whatever noise the machine has."""

from __future__ import annotations

import asyncio
import gc
import itertools
import math
import random
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import aiohttp

from benchmarks.common.stamping import Wish
from benchmarks.timing.clients import Ask, Client, Reading

PROBES_PER_STREAM = 5
"""Counted probes that each stream makes in one round."""
TTFT_US = (20_000, 200_000)
"""Times to first token are drawn from here, so that parallel streams do not march in step."""
GAP_US = 5_000
JITTER_US = 1_000
TOKENS = 64
_DEADLINE_S = 20.0
_WARM_UP = "warm-"


@dataclass(slots=True)
class Tally:
    """What one client has measured so far, and the CPU time that its process took."""

    readings: list[Reading] = field(default_factory=list)
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is to be measured."""

    streams: int
    probes: int
    seed: int

    @property
    def rounds(self) -> int:
        """Counted rounds of each client."""
        return math.ceil(self.probes / (self.streams * PROBES_PER_STREAM))


def measure(clients: Sequence[Client], port: int, plan: Plan, on_turn: Callable[[], None]) -> dict[str, Tally]:
    """Let the clients take turns, in rotated order; the first round warms up and does not count."""
    tallies = {client.name: Tally() for client in clients}
    with ExitStack() as stack:
        runners = {client.name: stack.enter_context(asyncio.Runner(loop_factory=client.loop)) for client in clients}
        for number in range(plan.rounds + 1):
            for turn in range(len(clients)):
                client = clients[(number + turn) % len(clients)]
                tally = tallies[client.name] if number else Tally()
                probes = _round(client, port, _wishes(client, number, plan), plan.streams)
                _turn(runners[client.name], probes, tally)
                on_turn()
    return tallies


def random_wishes(seed: str, prefix: str) -> Iterator[Wish]:
    """Endless wishes that differ in their time to first token alone; the same for the same seed."""
    chance = random.Random(seed)
    for number in itertools.count():
        ttft_us = chance.randint(*TTFT_US)
        yield Wish(id=f"{prefix}{number}", ttft_us=ttft_us, gap_us=GAP_US, jitter_us=JITTER_US, tokens=TOKENS)


async def answered(ask: Ask, base_url: str, probe_id: str) -> Reading:
    """A probe with a deadline; a client that breaks counts as failed and stops nobody."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await ask(base_url, probe_id)
    except (OSError, TimeoutError, aiohttp.ClientError) as error:
        return Reading(id=probe_id, error=type(error).__name__)


def _wishes(client: Client, number: int, plan: Plan) -> Iterator[Wish]:
    """A round's streams in the order in which they start; the first of each stream warm up and do not count."""
    name = f"{client.word}-{number}-"
    seed = f"{plan.seed}/{number}"
    yield from itertools.islice(random_wishes(f"{seed}/warm", _WARM_UP + name), plan.streams)
    yield from itertools.islice(random_wishes(seed, name), plan.streams * PROBES_PER_STREAM)


def _turn(runner: asyncio.Runner, probes: Coroutine[None, None, list[Reading]], tally: Tally) -> None:
    """One client's turn, with what exists frozen out of the collector's sight for all of them alike."""
    gc.collect()
    gc.freeze()
    cpu_s = time.process_time()
    readings = runner.run(probes)
    cpu_s = time.process_time() - cpu_s
    counted = [reading for reading in readings if not reading.id.startswith(_WARM_UP)]
    tally.readings += counted
    tally.cpu_s += cpu_s * len(counted) / len(readings)


async def _round(client: Client, port: int, wishes: Iterator[Wish], streams: int) -> list[Reading]:
    """Make every wish come true, `streams` at a time until none is left."""
    readings: list[Reading] = []
    async with client.open() as ask:

        async def stream() -> None:
            await asyncio.sleep(random.uniform(0, TTFT_US[1] * 1e-6))  # not all at once
            readings.extend([await answered(ask, wish.base_url(port), wish.id) for wish in wishes])

        async with asyncio.TaskGroup() as group:
            for number in range(streams):
                group.create_task(stream(), name=f"stream {number}")
    return readings
