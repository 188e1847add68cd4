"""A program that appends until it is killed, and prints the ids of a batch once it is committed.

Called with a store's URL. Batch `b` of run `r` holds up to 20 samples and the state `r b`.
"""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count

from monitor.store import create_store
from tests.unit.store.samples import make_sample


async def write(url: str, run: int) -> None:
    store = create_store(url)
    await store.open()
    for batch in count():
        numbers = [run << 32 | batch << 8 | place for place in range(1 + batch % 20)]
        samples = [make_sample(place, id=f"{number:016x}") for place, number in enumerate(numbers)]
        await store.append(samples, {"steady:smollm2": f"{run} {batch}"})
        print(*(sample.id for sample in samples), flush=True)


def main(url: str) -> None:
    """Fork a writer for each run that a line of standard input asks for: imports take longer than a run."""
    for line in sys.stdin:
        writer = os.fork()
        if writer == 0:
            asyncio.run(write(url, int(line)))
        print("begun", writer, flush=True)
        os.waitpid(writer, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
