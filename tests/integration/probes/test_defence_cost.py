"""The cost of the worst answers: memory and event loop time stay within bounds for any amount of data."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from probes._driver import MAX_STREAM_BYTES
from probes._framing import MAX_CONTAINERS, MAX_EVENT_BYTES
from probes._model import ErrorClass, Framing, Run, Sample, Task
from probes._prompts import FORM
from probes._serialize import run_to_plain, sample_from_plain
from tests.contract.aws import aws_event
from tests.integration.probes.asking import ROOT, run_to
from tests.integration.probes.provider import CHUNKED, DONE, STOP, Act, Step, again, head, serving

pytestmark = pytest.mark.alone

MOST_MIB = 64
"""The stream itself, a copy of it, and what it is read into."""
LONGEST_TURN_S = 0.25
"""Processor time of any machine that tests run on; about 0.03 are needed. What is not bounded takes seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    sample: Sample
    grown_mib: float
    turn_s: float


class CostlyProbes:
    """A process that runs probes in sequence and prints the cost of each. It runs without coverage, which is slow."""

    def __init__(self) -> None:
        command = (sys.executable, "-m", "tests.integration.probes.costly_probe")
        unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=unmeasured, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def make(self, run: Run) -> Cost:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(run_to_plain(run)) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        return Cost(sample=sample_from_plain(told["sample"]), grown_mib=told["grown_mib"], turn_s=told["turn_s"])


@pytest.fixture(scope="module")
def probes() -> Iterator[CostlyProbes]:
    started = CostlyProbes()
    with started.process:
        with serving(Act.ASKED, head(), STOP + DONE) as provider:
            started.make(run_to(provider.base_url))  # what is made once
        yield started
        assert started.process.stdin is not None
        started.process.stdin.close()


def filled(piece: bytes, size: int = MAX_STREAM_BYTES) -> bytes:
    return piece * (size // len(piece))


def sse(data: bytes) -> bytes:
    return filled(b"data: " + data + b"\n\n")


def chat(delta: bytes) -> bytes:
    return b'{"choices":[{"index":0,"delta":' + delta + b"}]}"


MOST = MAX_EVENT_BYTES - 1000
CALL = b'{"index":%d,"function":{"name":"report_numbers","arguments":"{\\"first\\":1,\\"second\\":2,\\"third\\":3}"}}'
CALLS = b",".join(CALL % number for number in range(MAX_CONTAINERS // 2 - 10))
WORST = {
    "tiny deltas": sse(chat(b'{"content":"x"}')),
    "deltas": sse(chat(b'{"content":"' + b"x " * 100 + b'"}')),
    "huge deltas": sse(chat(b'{"content":"' + b"x" * MOST + b'"}')),
    "huge reasoning": sse(chat(b'{"reasoning":"' + b"- " * (MOST // 2) + b'"}')),
    "escapes": sse(chat(b'{"content":"' + b"\\u0041" * (MOST // 6) + b'"}')),
    "usage and nothing else": sse(b'{"usage":{}}'),
    "empty choices": sse(b'{"choices":[' + b"{}," * (MAX_CONTAINERS - 3) + b"{}]}"),
    "a few empty choices": sse(b'{"choices":[{},{},{},{},{},{}]}'),
    "tool calls": sse(chat(b'{"tool_calls":[' + CALLS + b"]}")),
    "fractions": sse(b'{"a":[' + b"1e9," * (MOST // 4) + b"1]}"),
    "long numbers": sse(b'{"a":[' + (b"9" * 4299 + b",") * (MOST // 4300) + b"1]}"),
    "strings": sse(b'{"a":[' + b'"",' * (MOST // 3) + b"1]}"),
    "brackets in strings": sse(b'{"a":[' + b'"[",' * (MOST // 4) + b"1]}"),
    "quotes": sse(b"[" * 100 + b'"' + b'\\"' * (MOST // 2)),
    "blank lines and events": filled(b"\n" * MOST + b'data: {"usage":{}}\n\n'),
    "comments and events": filled(b":\n" * (MOST // 2) + b'data: {"usage":{}}\n\n'),
    "names and events": filled(b"event:\n" * (MOST // 7) + b'data: {"usage":{}}\n\n'),
    "lines of data": filled(b"data:\n" * (MOST // 6) + b'data: {"usage":{}}\n\n'),
    "blank lines": filled(b"\n"),
    "no line at all": filled(b"x"),
    "an error of known words": sse(b'{"error":{"message":"' + b"model at full " * (MOST // 14) + b'"}}'),
    "compressed zeros": filled(gzip.compress(bytes(50 << 20))),
}


def cost(probes: CostlyProbes, *script: Step, **changes: object) -> Cost:
    with serving(Act.ASKED, *script) as provider:
        run = replace(run_to(provider.base_url), **changes)  # type: ignore[arg-type]
        if "endpoint" in changes:
            run = replace(run, endpoint=replace(run_to(provider.base_url).endpoint, api=str(changes["endpoint"])))
        return probes.make(run)


def within_bounds(seen: Cost) -> bool:
    assert seen.grown_mib < MOST_MIB
    assert seen.turn_s < LONGEST_TURN_S
    return True


@pytest.mark.parametrize("name", WORST)
def test_the_worst_streams_cost_little_memory_and_no_long_turn(probes: CostlyProbes, name: str) -> None:
    assert within_bounds(cost(probes, head(), WORST[name], STOP + DONE))


@pytest.mark.parametrize("text", [b"- ", b"1,", b"\\u00e9", b"abcdefgh", b"\\n", b"\xf0\x9f\x8e\x89"])
def test_the_worst_answers_cost_little_to_be_judged(probes: CostlyProbes, text: bytes) -> None:
    answer = b"data: " + chat(b'{"content":"' + text * (99_000 // len(text)) + b'"}') + b"\n\n"
    assert within_bounds(cost(probes, head(), answer, STOP + DONE))


def test_very_many_tool_calls_cost_little_to_be_judged(probes: CostlyProbes) -> None:
    body = b"data: " + chat(b'{"tool_calls":[' + CALLS + b"]}") + b"\n\n"
    prompt = replace(run_to("http://127.0.0.1").prompt, form=FORM)
    seen = cost(probes, head(), body, STOP + DONE, task=Task.TOOL_CALL, prompt=prompt)
    assert seen.sample.error is ErrorClass.WRONG_ANSWER
    assert within_bounds(seen)


FRAMED = {
    "ollama_chat": (Framing.JSON_LINES, (b"{}\n", b"\n", b'{"message":{"content":"x"}}\n', b"x")),
    "bedrock_converse": (Framing.AWS_EVENT_STREAM, (aws_event("ping", b"{}"), bytes(16))),
    "openai_embeddings": (Framing.WHOLE, (b" ", b"[", b"0.5,")),
}


@pytest.mark.parametrize(
    ("api", "piece"), [(api, piece) for api, (_, pieces) in FRAMED.items() for piece in pieces], ids=repr
)
def test_every_framing_costs_little(probes: CostlyProbes, api: str, piece: bytes) -> None:
    framing = FRAMED[api][0]
    task = Task.EMBEDDING if framing is Framing.WHOLE else Task.CHAT
    seen = cost(probes, head(headers={"Content-Type": framing.value}), filled(piece), endpoint=api, task=task)
    assert seen.sample.error is not None
    assert within_bounds(seen)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(again(200, b"HTTP/1.1 102 Processing\r\n\r\n" * 5000), id="interim answers"),
        pytest.param((head(headers=CHUNKED), *again(300, b"1;" + b"y" * 60_000 + b"\r\n:\r\n")), id="chunk extensions"),
        pytest.param((head(headers=CHUNKED), *again(200, b"1\r\n:\r\n" * 5000)), id="tiny chunks"),
        pytest.param((head("500 Oops"), *again(300, b"[" * 60_000)), id="a refusal"),
        pytest.param((head(headers={"Content-Encoding": "gzip"}), gzip.compress(bytes(200 << 20))), id="a bomb"),
    ],
)
def test_the_worst_that_http_can_do_costs_little(probes: CostlyProbes, script: tuple[Step, ...]) -> None:
    seen = cost(probes, *script)
    assert seen.sample.error is not None
    assert within_bounds(seen)
