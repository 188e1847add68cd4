"""Runs probes in a separate process: one run per line of stdin, its sample on stdout."""

from __future__ import annotations

import asyncio
import json
import sys

from monitor.workers.worker import LocalProber
from probes._serialize import run_from_plain, sample_to_plain
from probes._socket import keep_stamping


async def measure_all() -> None:
    prober = LocalProber()
    with keep_stamping():
        for line in sys.stdin.readlines():
            sample = await prober.measure(run_from_plain(json.loads(line)))
            print(json.dumps(sample_to_plain(sample)), flush=True)


if __name__ == "__main__":
    asyncio.run(measure_all())
