"""Other people's emulators of providers, each in a process of its own on loopback, and one probe of them."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from probes._driver import measure
from probes._loader import codec
from probes._model import Deadlines, Endpoint, Run, Sample, Secret, Task
from probes._prompts import nonce, prompt_for
from tests.judges.installed import ROOT, aimock, environment, llmock, node

KEY = "sk-judged-0123456789abcdef"
AMPLE_S = 20.0
"""A deadline that no test means to reach."""
_PATIENCE_S = 60.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """One that is being served."""

    address: str

    def call(self, method: str, path: str, body: object = None) -> Any:
        """What its control API answers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        request = urllib.request.Request(self.address + path, data=data, headers=headers, method=method)
        with _OPENER.open(request, timeout=_PATIENCE_S) as response:
            return json.loads(response.read())


@contextmanager
def serving_aimock(fixtures: Sequence[Mapping[str, object]]) -> Iterator[Emulator]:
    """CopilotKit's aimock with these fixtures, which takes no key but ours."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fixtures.json"
        file.write_text(json.dumps({"fixtures": list(fixtures)}))
        command = [str(node()), str(aimock() / "dist" / "cli.js"), "--port", "0", "--fixtures", str(file)]
        with _serving([*command, "--validate-on-load"], {"AIMOCK_API_KEYS": KEY}) as address:
            yield Emulator(address=address)


@contextmanager
def serving_llmock(*arguments: str) -> Iterator[Emulator]:
    """Rabault's LLMock, with these arguments of its command line."""
    command = [str(llmock()), "serve", "--port", "0", *arguments]
    with _serving(command, {}) as address:
        yield Emulator(address=address)


@contextmanager
def _serving(command: Sequence[str], more: Mapping[str, str]) -> Iterator[str]:
    """A process that tells its address on stdout or stderr; killed when the block ends."""
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**environment(), **more}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        with process:
            try:
                yield _address(process, Path(log.name))
            finally:
                process.kill()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        found = re.search(r"(?:listening|running) on (http://[0-9.]+:[1-9]\d*)", log.read_text())
        if found is not None:
            return found[1]
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
        time.sleep(0.05)


async def probe(  # a probe's own words
    api: str,
    base_url: str,
    task: Task,
    *,
    model: str = "tiny",
    key: str = KEY,
    options: Mapping[str, object] | None = None,
    ttft_s: float = AMPLE_S,
    total_s: float = AMPLE_S,
    dimensions: int | None = None,
    max_tokens: int = 64,
) -> Sample:
    """The sample of one probe, with a prompt as the daemon would make it."""
    at = datetime.now(UTC)
    prompt = prompt_for(task, nonce(at.isoformat()), prompt_tokens=60, max_tokens=max_tokens, dimensions=dimensions)
    endpoint = Endpoint(
        id=f"judge:{model}", provider="judge", model=model, api=api, base_url=base_url, api_key=Secret(key)
    )
    run = Run(
        id="00000000000000aa",
        endpoint=endpoint,
        vantage="here",
        probe=task.value,
        task=task,
        prompt=prompt,
        deadlines=Deadlines(ttft_s=ttft_s, total_s=total_s),
        scheduled_at=at,
    )
    return await measure(run, codec(api, options or {}))
