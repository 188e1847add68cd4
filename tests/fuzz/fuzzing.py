"""Fuzzing by coverage with atheris (libFuzzer); if atheris is not installed, with random changes to the same seeds.

A target raises on a broken promise. Arguments are libFuzzer's: a folder for what is found to be worth trying, and
`-runs=20000` or `-max_total_time=300`; or a file that it left behind, to be tried again.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Target = Callable[[bytes], None]

atheris: Any = importlib.import_module("atheris") if importlib.util.find_spec("atheris") else None
"""It has no wheels yet for the newest Python."""
LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=20000", "-print_final_stats=1")
"""Bytes that take 10 s are a finding too: nothing that a provider sends may cost that."""


@contextmanager
def instrumented() -> Iterator[None]:
    """Imports of the probes under this are followed branch by branch."""
    if atheris is None:
        yield
        return
    with atheris.instrument_imports(include=["probes"]):
        yield


def fuzz(target: Target, seeds: Iterable[bytes]) -> None:
    """Run the target on ever new bytes that begin with the seeds; ends the process as libFuzzer does."""
    folders = [Path(argument) for argument in sys.argv[1:] if Path(argument).is_dir()]
    if atheris is None:
        _by_chance(target, list(seeds))
        return
    for folder in folders[:1]:
        for number, seed in enumerate(seeds):
            (folder / f"seed-{number}").write_bytes(seed)
    left_behind = [f"-artifact_prefix={folder}/" for folder in folders[:1]]
    atheris.Setup([*sys.argv, *LIMITS, *left_behind], target)
    atheris.Fuzz()


def _by_chance(target: Target, seeds: list[bytes]) -> None:
    """The same promise from random changes to the seeds."""
    told = dict(argument.lstrip("-").split("=", 1) for argument in sys.argv[1:] if "=" in argument)
    runs, until_s = int(told.get("runs", "-1")), time.monotonic() + float(told.get("max_total_time", "inf"))
    chance = random.Random(0)
    for seed in seeds:
        target(seed)
    while runs != 0 and time.monotonic() < until_s:
        runs -= 1
        target(_changed(chance.choice(seeds), seeds, chance))


def _changed(seed: bytes, seeds: list[bytes], chance: random.Random) -> bytes:
    changed = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(changed))
        other = chance.choice(seeds)
        begin = chance.randint(0, len(other))
        piece = chance.choice((os.urandom(chance.randint(0, 4)), other[begin : begin + chance.randint(0, 40)]))
        changed[at : at + chance.randint(0, 8)] = piece
    return bytes(changed)
