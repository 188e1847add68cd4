"""`providerwatch probe` on real sockets: every task in its own words, and samples for programs."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from monitor.cli.probe import Result, choose, probe_now, show_transcript, show_waterfall
from monitor.config import load
from monitor.config.model import Config
from probes._model import Blame, ErrorClass, Task
from tests.integration.all_tasks import SIZE, serving_all_tasks

TASKS = {"chat": "chat", "tools": "tool_call", "json": "structured_output", "vector": "embedding", "reach": "reach"}
MOST_S = 60
"""A safety net: how long a busy machine may take to start a program."""


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with serving_all_tasks() as url:
        yield url


def written(folder: Path, address: str) -> Path:
    """A configuration of endpoints for every task."""
    plain: dict[str, Any] = {
        "providers": {
            "acme": {"api": "openai_chat", "base_url": f"{address}/v1"},
            "vectors": {"api": "openai_embeddings", "base_url": f"{address}/v1"},
            "ollama": {"api": "ollama_chat", "base_url": address},
            "poor": {"api": "openai_chat", "base_url": f"{address}/poor"},
        },
        "models": {
            "acme/tiny": {
                "dimensions": SIZE,
                "endpoints": [
                    {"provider": "acme", "model": "tiny", "probes": ["chat", "tools", "json", "reach"]},
                    {"provider": "vectors", "model": "tiny", "probes": ["vector"]},
                    {"provider": "ollama", "model": "tiny", "probes": ["chat"]},
                    {"provider": "poor", "model": "tiny", "probes": ["chat"], "enabled": False},
                ],
            }
        },
        "probes": {name: {"task": task} for name, task in TASKS.items()},
        "scoring": {"blame": {"payment": "provider"}},
    }
    file = folder / "providerwatch.yaml"
    file.write_text(json.dumps(plain))
    return file


@pytest.fixture
def config(tmp_path: Path, address: str) -> Config:
    return load(written(tmp_path, address), {})


async def probed(config: Config, *ids: str, task: str | None = None) -> dict[tuple[str, Task], Result]:
    found: list[Result] = []
    await probe_now(config, choose(config, ids, task), 1, found.append)
    return {(result.sample.endpoint, result.sample.task): result for result in found}


async def test_every_task_is_asked_answered_and_judged(config: Config) -> None:
    found = await probed(config)
    assert {task for _, task in found} == set(Task)
    assert {result.sample.error for result in found.values()} == {None}
    assert [result.sample.answer_ok for (_, task), result in found.items() if task is not Task.REACH] == [True] * 5
    vector = found["vectors:tiny", Task.EMBEDDING].vector
    assert vector is not None
    assert (vector.size, vector.finite) == (SIZE, True)
    assert found["acme:tiny", Task.CHAT].vector is None


async def test_a_task_chooses_its_probes_alone(config: Config) -> None:
    assert set(await probed(config, task="tool_call")) == {("acme:tiny", Task.TOOL_CALL)}


async def test_a_blame_that_the_configuration_moved_is_in_the_sample(config: Config) -> None:
    ((_, result),) = (await probed(config, "poor:tiny")).items()
    assert (result.sample.error, result.sample.blame) == (ErrorClass.PAYMENT, Blame.PROVIDER)
    assert result.vector is None


async def test_each_task_is_shown_in_its_own_words(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert await probe_now(config, choose(config, [], None), 1, show_waterfall) is True
    shown = capsys.readouterr()
    assert shown.err == ""
    for words in (
        "acme:tiny  chat  ok  first token",
        "acme:tiny  tool_call  ok  first token",
        "acme:tiny  reach  ok  answers with HTTP 200",
        f"vectors:tiny  embedding  ok  vector of {SIZE}, done",
        "~7 tokens out, counted",
        "40 tokens in, 7 tokens out",
    ):
        assert words in shown.out


@pytest.mark.parametrize(
    ("endpoint", "task", "last"),
    [
        ("acme:tiny", "chat", "[DONE]"),
        ("acme:tiny", "reach", '"id": "tiny"'),
        ("ollama:tiny", "chat", '"eval_count": 7'),
        ("vectors:tiny", "embedding", "characters)"),
    ],
)
async def test_a_transcript_shows_the_frames_of_every_framing(
    config: Config, capsys: pytest.CaptureFixture[str], endpoint: str, task: str, last: str
) -> None:
    await probe_now(config, choose(config, [endpoint], task), 1, show_transcript)
    shown = capsys.readouterr().out
    lines = [line for line in shown.splitlines() if line]
    assert last in lines[-1]
    assert all(len(line) < 4_100 for line in lines)


async def test_samples_go_to_stdout_and_the_progress_to_the_terminal(tmp_path: Path, address: str) -> None:
    """As in `providerwatch probe --json | jq` by hand: rich would send the lines to the screen with its bar."""
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "monitor.cli.main", "probe", "-n", "3", "--json"]
    process = await asyncio.create_subprocess_exec(
        *command,
        "-c",
        str(written(tmp_path, address)),
        stdout=asyncio.subprocess.PIPE,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(terminal)
    shown = asyncio.create_task(asyncio.to_thread(everything, screen))
    said, _ = await asyncio.wait_for(process.communicate(), MOST_S)
    picture = await shown
    samples = [json.loads(line) for line in said.splitlines()]
    assert len(samples) == 18
    assert {sample["error"] for sample in samples} <= {None, "tainted"}, "this machine may be too slow for them"
    assert b"probing" in picture
    assert b'"endpoint"' not in picture


@pytest.mark.parametrize("arguments", [("--version",), ("probe", "-n", "2", "--json", "-c")])
async def test_a_reader_who_leaves_ends_a_command_without_a_traceback(
    tmp_path: Path, address: str, arguments: tuple[str, ...]
) -> None:
    """As in `providerwatch probe | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    file = [str(written(tmp_path, address))] if arguments[-1] == "-c" else []
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "monitor.cli", *arguments, *file], stdout=writing, stderr=asyncio.subprocess.PIPE
    )
    os.close(writing)
    _, said = await asyncio.wait_for(process.communicate(), MOST_S)
    assert (process.returncode, said) == (1, b"")


def everything(screen: int) -> bytes:
    """The output to a terminal until no process has the terminal open any more."""
    found = b""
    while True:
        try:
            piece = os.read(screen, 4096)
        except OSError:
            piece = b""
        if not piece:
            os.close(screen)
            return found
        found += piece
