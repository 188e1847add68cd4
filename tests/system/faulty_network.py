"""Faults of a network, made by the kernel's own packet filter; run in a network namespace of its own.

    unshare --net --mount python -m tests.system.faulty_network SCENARIO

makes one probe and prints its sample as JSON. Namespace, filter and mounts end with the process, however it ends.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping

from probes._driver import measure
from probes._model import Sample
from probes._serialize import sample_to_plain
from probes._socket import keep_stamping
from tests.integration.probes.asking import CODEC, probe
from tests.integration.probes.model_process import model_process, story_of, until_streaming
from tests.integration.probes.provider import ANSWER, DONE, STOP, Act, head, serving

SHORT_S = 1.0
STORY_S = 8.0
"""Until the end of a probe whose stream falls silent in its first half."""
_TABLE = "inet providerwatch"


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def packets(port: int, verdict: str, *, protocol: str = "tcp") -> None:
    """From now on this is what becomes of packets to a port of loopback."""
    run("nft", f"add rule {_TABLE} incoming {protocol} dport {port} {verdict}")


def silence(port: int) -> None:
    """From now on nothing comes through to a port or from it."""
    packets(port, "drop")
    run("nft", f"add rule {_TABLE} incoming tcp sport {port} drop")


class Port:
    """The port of a provider, for a script that is written before it is known."""

    number = 0

    def silence(self) -> None:
        silence(self.number)


async def at_connect(verdict: str) -> Sample:
    with serving(Act.ASKED, head(), ANSWER, STOP + DONE) as provider:
        packets(provider.port, verdict)
        return await probe(provider.base_url, ttft_s=SHORT_S)


async def after_the_request() -> Sample:
    port = Port()
    with serving(Act.ASKED, port.silence, head(), ANSWER, Act.LEFT) as provider:
        port.number = provider.port
        return await probe(provider.base_url, ttft_s=SHORT_S)


async def in_the_handshake() -> Sample:
    port = Port()
    with serving(port.silence, Act.LEFT) as provider:
        port.number = provider.port
        return await probe(provider.base_url.replace("http:", "https:"), ttft_s=SHORT_S)


async def in_the_middle_of_a_story(strike: Callable[[int], None]) -> Sample:
    """A probe of a real model, with a network fault on its port after the first token."""
    with model_process() as model:
        probing = asyncio.create_task(measure(story_of(model, total_s=STORY_S), CODEC))
        await until_streaming()
        strike(model.port)
        return await probing


async def of_a_name(rule: str | None) -> Sample:
    """A probe of a name that a name server is asked for, which this rule strikes."""
    with tempfile.NamedTemporaryFile("w") as servers:
        servers.write("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
        servers.flush()
        run("mount", "--bind", servers.name, "/etc/resolv.conf")
        if rule is not None:
            packets(53, rule, protocol="udp")
        return await probe("http://provider.example/v1", ttft_s=SHORT_S)


SCENARIOS: Mapping[str, Callable[[], Awaitable[Sample]]] = {
    "drop at connect": lambda: at_connect("drop"),
    "reset at connect": lambda: at_connect("reject with tcp reset"),
    "no route at connect": lambda: at_connect("reject with icmp type host-unreachable"),
    "drop in the handshake": in_the_handshake,
    "drop after the request": after_the_request,
    "drop in the stream": lambda: in_the_middle_of_a_story(silence),
    "reset in the stream": lambda: in_the_middle_of_a_story(lambda port: packets(port, "reject with tcp reset")),
    "silent name server": lambda: of_a_name("drop"),
    "no name server": lambda: of_a_name(None),
}


def main() -> None:
    run("ip", "link", "set", "lo", "up")
    run("nft", f"add table {_TABLE}")
    run("nft", f"add chain {_TABLE} incoming {{ type filter hook input priority 0; }}")
    with keep_stamping():
        sample = asyncio.run(_made(sys.argv[1]))
    print(json.dumps(sample_to_plain(sample)))


async def _made(scenario: str) -> Sample:
    return await SCENARIOS[scenario]()


if __name__ == "__main__":
    main()
