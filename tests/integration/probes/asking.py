"""Probes of the tests: their runs, and running them here or in a separate process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from probes._driver import measure
from probes._model import Deadlines, Endpoint, Prompt, Run, Sample, Secret, Task
from probes._serialize import run_to_plain, sample_from_plain
from probes.openai_chat import OpenAIChat

ROOT = Path(__file__).parents[3]
KEY = "sk-the-key-that-nobody-may-see"
PROMPT = Prompt(text="[nonce] Repeat these numbers: 1, 2, 3", max_tokens=64, expected=(1, 2, 3))
CODEC = OpenAIChat()
AMPLE_S = 20.0
"""A deadline that no test means to reach."""


def run_to(base_url: str, *, ttft_s: float = AMPLE_S, total_s: float = AMPLE_S, **endpoint: Any) -> Run:
    """One probe of a scripted provider; `endpoint` in place of what it would be."""
    asked = Endpoint(
        id="scripted:tiny",
        provider="scripted",
        model="tiny",
        api="openai_chat",
        base_url=base_url,
        api_key=Secret(KEY),
    )
    return Run(
        id="00000000000000aa",
        endpoint=replace(asked, **endpoint),
        vantage="here",
        probe="chat",
        task=Task.CHAT,
        prompt=PROMPT,
        deadlines=Deadlines(ttft_s=ttft_s, total_s=total_s),
        scheduled_at=datetime.now(UTC),
    )


async def probe(base_url: str, *, ttft_s: float = AMPLE_S, total_s: float = AMPLE_S, **endpoint: Any) -> Sample:
    """The sample of one probe, made on this event loop."""
    return await measure(run_to(base_url, ttft_s=ttft_s, total_s=total_s, **endpoint), CODEC)


def probe_elsewhere(
    *runs: Run, env: Mapping[str, str] | None = None, module: str = "lone_probe", arguments: Sequence[str] = ()
) -> list[Sample]:
    """The samples of probes made one after another in one process with this environment besides its own."""
    asked = "".join(json.dumps(run_to_plain(run)) + "\n" for run in runs)
    ended = subprocess.run(
        [sys.executable, "-m", f"tests.integration.probes.{module}", *arguments],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        input=asked,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return [sample_from_plain(json.loads(line)) for line in ended.stdout.splitlines()]
