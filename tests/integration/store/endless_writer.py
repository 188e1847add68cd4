"""A program that appends and tidies until it is killed, and prints the ids of a batch once it is committed.

Called with a store's URL. Batch `b` of run `r` holds up to 20 samples, the state `r b` and an incident that grew.
Samples lie up to two days back, so that housekeeping rolls up and seals new samples.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from datetime import timedelta
from itertools import count

from monitor.domain.incident import Incident, incident_id
from monitor.domain.status import Status
from monitor.store import Retention, Store, create_store
from probes._model import Sample
from tests.unit.store.samples import START, make_sample

RETENTION = Retention(raw=timedelta(days=300))
ENDPOINTS = ("steady:smollm2", "slow:smollm2")


def batch_of(run: int, batch: int) -> list[Sample]:
    """Samples of a batch; their ids tell run, batch and place."""
    numbers = [run << 32 | batch << 8 | place for place in range(1 + batch % 20)]
    return [
        make_sample(
            -random.Random(number).randrange(48) * 3_600,
            id=f"{number:016x}",
            endpoint=ENDPOINTS[number % 2],
            ttft_s=0.1,
        )
        for number in numbers
    ]


def incident_of(run: int, batch: int) -> Incident:
    """The one incident of all runs, as it is after a batch."""
    return Incident(
        id=incident_id(ENDPOINTS[1], START),
        endpoint=ENDPOINTS[1],
        worst=Status.DOWN,
        began_at=START,
        last_at=START + timedelta(seconds=batch),
        causes={"connect": run + 1, "slo": batch + 1},
    )


async def write(url: str, run: int) -> None:
    store = create_store(url)
    await store.open()
    say("open")
    async with asyncio.TaskGroup() as both:
        both.create_task(_append(store, run))
        both.create_task(_tidy(store))


async def _append(store: Store, run: int) -> None:
    for batch in count():
        samples = batch_of(run, batch)
        await store.append(samples, {"steady:smollm2": f"{run} {batch}"}, [incident_of(run, batch)])
        say(*(sample.id for sample in samples))


async def _tidy(store: Store) -> None:
    while True:
        await store.upkeep(START + timedelta(hours=3), RETENTION)
        await asyncio.sleep(0)


def say(*words: str) -> None:
    """A line in one piece: `print` may write word by word, and be killed in between."""
    os.write(sys.stdout.fileno(), f"{' '.join(words)}\n".encode())


def main(url: str) -> None:
    """Fork a writer for each run that a line of standard input asks for: imports take longer than a run."""
    for line in sys.stdin:
        writer = os.fork()
        if writer == 0:
            try:
                # Said by the writer itself: its parent could come to say so only after "open".
                say("begun", str(os.getpid()))
                asyncio.run(write(url, int(line)))
            finally:
                os._exit(1)
        os.waitpid(writer, 0)
        say("ended")


if __name__ == "__main__":
    main(sys.argv[1])
