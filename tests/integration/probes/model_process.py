"""The demo's real model as a process that can be stopped and killed, and a probe with a long answer."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from monitor.demo.children import environment, python
from monitor.demo.model_server import MODEL_NAME
from probes._model import Prompt, Run
from probes._socket import StampingSocket
from tests.integration.probes.asking import AMPLE_S, run_to
from tests.integration.probes.watching import until

_STREAMING_BYTES = 1500
"""Of a body: several tokens have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProcess:
    """A running llama.cpp server."""

    process: subprocess.Popen[bytes]
    address: str

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def send(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)
        if number is signal.SIGKILL:
            self.process.wait()


@contextmanager
def model_process() -> Iterator[ModelProcess]:
    """A model of one's own; it is killed at the end, in whatever state it is."""
    with subprocess.Popen(
        python("monitor.demo.model_server"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as process:
        try:
            assert process.stdout is not None
            yield ModelProcess(process=process, address=json.loads(process.stdout.readline())["address"])
        finally:
            process.kill()


def story_of(model: ModelProcess, *, words: int = 1, ttft_s: float = AMPLE_S, total_s: float = AMPLE_S) -> Run:
    """A question whose answer takes many seconds; with more words it takes longer until the answer begins."""
    asked = run_to(f"{model.address}/v1", ttft_s=ttft_s, total_s=total_s, model=MODEL_NAME, api_key=None)
    text = "Write a very long story about a river. " + "river " * words
    return replace(asked, prompt=Prompt(text=text, max_tokens=900))


async def until_streaming() -> None:
    """Until tokens of the only probe's answer have come."""
    await until(lambda: _body_bytes() > _STREAMING_BYTES)


async def until_head() -> None:
    """Until the head of the only probe's answer has come."""
    await until(lambda: _body_bytes() >= 0)


def _body_bytes() -> int:
    """How much of the body has come; negative before the head has."""
    opened = [found.log.body for found in gc.get_objects() if isinstance(found, StampingSocket) and found.fileno() >= 0]
    return max((body.total_bytes for body in opened if body is not None), default=-1)
