"""Runs probes on a machine with too few resources: one run per line of stdin, its sample on stdout.

The arguments say of what. `descriptors N`: so many more may be opened. Else a system call (`socket`, `connect`,
`clone`) and the error that a seccomp filter answers it with from now on.
"""

from __future__ import annotations

import asyncio
import json
import platform
import resource
import sys
from pathlib import Path

from probes._driver import measure
from probes._serialize import run_from_plain, sample_to_plain
from probes._socket import keep_stamping
from tests.integration.probes.asking import CODEC
from tests.integration.probes.deaf_kernel import answer_call

_CALLS = {
    "x86_64": {"socket": (41,), "connect": (42,), "clone": (56, 435)},
    "aarch64": {"socket": (198,), "connect": (203,), "clone": (220, 435)},
}


def become_short(of: str, value: str) -> None:
    if of == "descriptors":
        used = len(list(Path("/proc/self/fd").iterdir())) - 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + int(value), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        return
    for number in _CALLS[platform.machine()][of]:
        answer_call(number, value)


async def measure_all() -> None:
    runs = [run_from_plain(json.loads(line)) for line in sys.stdin.readlines()]
    with keep_stamping():
        become_short(*sys.argv[1:])
        for run in runs:
            print(json.dumps(sample_to_plain(await measure(run, CODEC))), flush=True)


if __name__ == "__main__":
    # Not `asyncio.run`, which ends with a thread that may not start.
    asyncio.new_event_loop().run_until_complete(measure_all())
