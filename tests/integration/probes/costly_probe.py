"""Runs probes in a separate process and measures their cost: one run per line of stdin, one report per line.

A report is `{"sample", "grown_mib", "turn_s"}`: how far the process' memory rose at most, and the most processor time
that the event loop took between two turns of anything else on it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from probes._driver import measure
from probes._loader import codec
from probes._serialize import run_from_plain, sample_to_plain
from probes._socket import keep_stamping
from probes._tokens import count_tokens

_WATCH_S = 0.001


class Watch:
    """The longest turn of the loop, by the thread's own processor time, which other programs do not take."""

    longest_s = 0.0

    async def keep(self) -> None:
        last_s = time.thread_time()
        while True:
            await asyncio.sleep(_WATCH_S)
            now_s = time.thread_time()
            self.longest_s = max(self.longest_s, now_s - last_s)
            last_s = now_s


def resident_mib(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


async def report(line: str) -> dict[str, object]:
    run = run_from_plain(json.loads(line))
    Path("/proc/self/clear_refs").write_text("5")  # lets the peak begin anew
    before_mib = resident_mib("VmRSS")
    watch = Watch()
    watching = asyncio.create_task(watch.keep())
    sample = await measure(run, codec(run.endpoint.api, run.endpoint.options))
    await asyncio.sleep(3 * _WATCH_S)
    watching.cancel()
    grown_mib = resident_mib("VmHWM") - before_mib
    return {"sample": sample_to_plain(sample), "grown_mib": grown_mib, "turn_s": watch.longest_s}


async def report_all() -> None:
    count_tokens("")  # the tables are no provider's doing
    with keep_stamping():
        for line in sys.stdin:
            print(json.dumps(await report(line)), flush=True)


if __name__ == "__main__":
    asyncio.run(report_all())
