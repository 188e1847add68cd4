"""How long HAProxy, Envoy and Traefik take to follow a change of status.

    python benchmarks/routers/router_delay.py [--flips 20]          # a minute; needs what `make routers` installs

Runs each router as its page in `docs/routers/` says, publishes snapshots in which one of two endpoints is down, then up
again, at random times, and asks the router until it has followed. Prints a table and writes it to `results/`. Figures
are reported, never asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.machine import machine
from benchmarks.common.results import add_result_options
from monitor.config.model import Listen
from monitor.domain.status import Status
from monitor.routing.file_writer import FileWriter
from monitor.routing.formats.envoy_eds import EnvoyEdsFormat
from monitor.routing.formats.traefik import TraefikFormat
from monitor.routing.haproxy_agent import HaproxyAgent, serving
from monitor.routing.router_format import RouterFormat
from monitor.scoreboard.snapshot import Snapshot
from tests.routers.envoy import envoy
from tests.routers.gates import Gate
from tests.routers.haproxy import haproxy
from tests.routers.traefik import traefik
from tests.support.daemon import free_port
from tests.support.rows import make_row
from tests.unit.score.values import START

_POLL_S = 0.005
_PATIENCE_S = 30.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A measured router."""

    name: str
    offer: Callable[[Snapshot], None]
    is_used: Callable[[], bool]
    """Whether the router sends requests to the endpoint whose status changes. Asks the router."""


def _snapshot(gates: Sequence[Gate], status: Status) -> Snapshot:
    names = ("near", "far")
    rows = [
        make_row(
            f"{name}:m",
            item,
            0.0 if item is Status.DOWN else 1.0,
            router_ids={
                "haproxy": f"llama/{name}",
                "envoy": f"llama/{gate.address}",
                "traefik": f"llama/{name}",
            },
        )
        for name, gate, item in zip(names, gates, (status, Status.UP), strict=True)
    ]
    return Snapshot(generated_at=START, vantage="", rows={row.id: row for row in rows}, body=b"", etag="")


@asynccontextmanager
async def _written(file: RouterFormat, first: Snapshot) -> AsyncIterator[Callable[[Snapshot], None]]:
    """A file that follows the snapshots; yields the function that publishes a snapshot."""
    writer, newest = FileWriter([file]), [first]

    async def read() -> Snapshot:
        return newest[0]

    def offer(snapshot: Snapshot) -> None:
        newest[0] = snapshot
        writer.wake()

    writer.write(first)
    task = asyncio.create_task(writer.run(read))
    try:
        yield offer
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _haproxy(directory: Path, gates: Sequence[Gate]) -> AsyncIterator[Followed]:
    newest = [_snapshot(gates, Status.UP)]

    def offer(snapshot: Snapshot) -> None:
        newest[0] = snapshot

    async with serving(HaproxyAgent(lambda: newest[0], lambda: None), Listen(port=0)) as (_, port):
        with haproxy(directory, gates, port) as router:
            yield Followed(
                name="HAProxy, agent-inter 1s",
                offer=offer,
                is_used=lambda: router.servers()["near"]["status"] == "no check",
            )


@asynccontextmanager
async def _envoy(directory: Path, gates: Sequence[Gate]) -> AsyncIterator[Followed]:
    file = EnvoyEdsFormat.model_validate({"format": "envoy-eds", "path": str(directory / "llama.json")})
    async with _written(file, _snapshot(gates, Status.UP)) as offer:
        with envoy(directory) as router:
            yield Followed(name="Envoy", offer=offer, is_used=lambda: router.health()[0] == "HEALTHY")


@asynccontextmanager
async def _traefik(directory: Path, gates: Sequence[Gate]) -> AsyncIterator[Followed]:
    (directory / "dynamic").mkdir()
    path, port = directory / "dynamic" / "providerwatch.yaml", free_port()
    file = TraefikFormat.model_validate({"format": "traefik", "path": str(path)})
    async with _written(file, _snapshot(gates, Status.UP)) as offer:
        with traefik(directory, gates, port):
            yield Followed(name="Traefik, providersThrottleDuration 1s", offer=offer, is_used=lambda: _weight(port) > 0)


def _weight(port: int) -> int:
    try:
        with _OPENER.open(f"http://127.0.0.1:{port}/api/http/services/llama@file", timeout=10) as response:
            services = json.loads(response.read())["weighted"]["services"]
    except urllib.error.HTTPError as refused:  # the file is not read yet
        refused.close()
        return 0
    return next(int(item.get("weight", 1)) for item in services if item["name"].startswith("near"))


async def _measure(router: Followed, gates: Sequence[Gate], flips: int) -> Mapping[str, list[float]]:
    """Seconds from a published snapshot until the router follows it."""
    found: dict[str, list[float]] = {"out": [], "back": []}
    await _until(router, wanted=True)
    for _ in range(flips):
        for way, status in (("out", Status.DOWN), ("back", Status.UP)):
            await asyncio.sleep(random.uniform(1.2, 2.2))
            begin_s = time.monotonic()
            router.offer(_snapshot(gates, status))
            await _until(router, wanted=status is Status.UP)
            found[way].append(time.monotonic() - begin_s)
    return found


async def _until(router: Followed, *, wanted: bool) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        while await asyncio.to_thread(router.is_used) is not wanted:  # noqa: ASYNC110  # routers give no sign
            await asyncio.sleep(_POLL_S)


async def _all(flips: int) -> dict[str, Mapping[str, list[float]]]:
    found = {}
    for stage in (_haproxy, _envoy, _traefik):
        with tempfile.TemporaryDirectory() as folder:
            gates = [Gate("http://127.0.0.1:9") for _ in range(2)]
            async with stage(Path(folder), gates) as router:
                found[router.name] = await _measure(router, gates, flips)
    return found


def _table(found: Mapping[str, Mapping[str, list[float]]]) -> str:
    lines = [
        "| router | taken out: median | longest | put back: median | longest |",
        "|---|---|---|---|---|",
    ]
    for name, ways in found.items():
        figures = [f"{statistics.median(ways[way]):.3f} s | {max(ways[way]):.3f} s" for way in ("out", "back")]
        lines.append(f"| {name} | {' | '.join(figures)} |")
    return "\n".join(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=20, help="times that the endpoint goes down and comes back (20)")
    add_result_options(parser, "router_delay")
    arguments = parser.parse_args()
    found = asyncio.run(_all(arguments.flips))
    table = _table(found)
    print(table)
    facts = machine("")
    where = ", ".join(facts[name] for name in ("cpu", "kernel")) + f", Python {facts['python']}"
    head = (
        f"# From a change of status to the router that follows it\n\n{arguments.flips} times out and back each. {where}"
    )
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / f"{arguments.name}.md").write_text(f"{head}\n\n{table}\n")
    (arguments.out / f"{arguments.name}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
