"""A router between callers and gates, watched by a daemon that runs as the router's page says."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.routers.gates import Gate
from tests.routers.pages import block, put
from tests.support.daemon import PATIENCE_S, Daemon, quick_probes

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def settings(page: str, directory: Path, gates: Sequence[Gate], places: Mapping[str, object]) -> dict[str, Any]:
    """The page's configuration, with gates in the place of its addresses and probes that come often."""
    text = put(block(page, "yaml", "models:"), {**addresses(gates), **places})
    plain: dict[str, Any] = yaml.safe_load(text)
    return {
        **plain,
        "store": f"sqlite:///{directory / 'samples.db'}",
        "probes": quick_probes(),
        "scoring": {"count_wrong_answers": False},
    }


def addresses(gates: Sequence[Gate]) -> dict[str, object]:
    """What stands for the pages' servers."""
    return {f"10.0.0.{number}:8000": gate.address for number, gate in enumerate(gates, start=1)}


@contextmanager
def process(log: Path, *command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs while the block does; what it says goes to a file."""
    with log.open("ab") as sink:
        running = subprocess.Popen([str(each) for each in command], stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def ask(url: str, times: int = 1) -> list[int]:
    """The status of each of some requests; 0: no answer."""
    return [_ask(url) for _ in range(times)]


def _ask(url: str) -> int:
    try:
        with _OPENER.open(f"{url}/v1/models", timeout=10) as response:
            response.read()
            return int(response.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    except OSError:
        return 0


def turns(url: str, gates: Sequence[Gate], times: int = 20) -> list[int]:
    """How many of some requests each gate got; all of them were answered."""
    before = [gate.asked for gate in gates]
    answers = ask(url, times)
    assert answers == [200] * times, answers
    return [gate.asked - earlier for gate, earlier in zip(gates, before, strict=True)]


def statuses(daemon: Daemon) -> list[str]:
    return [row["status"] for row in daemon.scores().values()]
