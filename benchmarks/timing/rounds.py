"""Rounds: all clients receive the same streams in turn, so that they share the machine's noise."""

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

from benchmarks.common.stamping import StreamSpec
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
    """Readings of one client so far, and the CPU time of its process."""

    readings: list[Reading] = field(default_factory=list)
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Amount of measurements."""

    streams: int
    probes: int
    seed: int

    @property
    def rounds(self) -> int:
        """Counted rounds of each client."""
        return math.ceil(self.probes / (self.streams * PROBES_PER_STREAM))


def measure(clients: Sequence[Client], port: int, plan: Plan, on_turn: Callable[[], None]) -> dict[str, Tally]:
    """Lets the clients take turns in rotated order; the first round is for warm-up and does not count."""
    tallies = {client.name: Tally() for client in clients}
    with ExitStack() as stack:
        runners = {client.name: stack.enter_context(asyncio.Runner(loop_factory=client.loop)) for client in clients}
        for number in range(plan.rounds + 1):
            for turn in range(len(clients)):
                client = clients[(number + turn) % len(clients)]
                tally = tallies[client.name] if number else Tally()
                probes = _round(client, port, _specs(client, number, plan), plan.streams)
                _turn(runners[client.name], probes, tally)
                on_turn()
    return tallies


def random_specs(seed: str, prefix: str) -> Iterator[StreamSpec]:
    """Endless streams that differ only in their time to first token; equal seeds give equal streams."""
    chance = random.Random(seed)
    for number in itertools.count():
        ttft_us = chance.randint(*TTFT_US)
        yield StreamSpec(id=f"{prefix}{number}", ttft_us=ttft_us, gap_us=GAP_US, jitter_us=JITTER_US, tokens=TOKENS)


async def answered(ask: Ask, base_url: str, probe_id: str) -> Reading:
    """A probe with a deadline; an error of the client counts as a failure and does not stop the run."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await ask(base_url, probe_id)
    except (OSError, TimeoutError, aiohttp.ClientError) as error:
        return Reading(id=probe_id, error=type(error).__name__)


def _specs(client: Client, number: int, plan: Plan) -> Iterator[StreamSpec]:
    """The streams of a round in starting order; the first of each parallel stream is for warm-up and does not count."""
    name = f"{client.option}-{number}-"
    seed = f"{plan.seed}/{number}"
    yield from itertools.islice(random_specs(f"{seed}/warm", _WARM_UP + name), plan.streams)
    yield from itertools.islice(random_specs(seed, name), plan.streams * PROBES_PER_STREAM)


def _turn(runner: asyncio.Runner, probes: Coroutine[None, None, list[Reading]], tally: Tally) -> None:
    """One client's turn; the garbage collector skips the objects that exist before it."""
    gc.collect()
    gc.freeze()
    cpu_s = time.process_time()
    readings = runner.run(probes)
    cpu_s = time.process_time() - cpu_s
    counted = [reading for reading in readings if not reading.id.startswith(_WARM_UP)]
    tally.readings += counted
    tally.cpu_s += cpu_s * len(counted) / len(readings)


async def _round(client: Client, port: int, specs: Iterator[StreamSpec], streams: int) -> list[Reading]:
    """Requests all streams, `streams` of them in parallel."""
    readings: list[Reading] = []
    async with client.open() as ask:

        async def stream() -> None:
            await asyncio.sleep(random.uniform(0, TTFT_US[1] * 1e-6))  # not all at once
            readings.extend([await answered(ask, spec.base_url(port), spec.id) for spec in specs])

        async with asyncio.TaskGroup() as group:
            for number in range(streams):
                group.create_task(stream(), name=f"stream {number}")
    return readings
