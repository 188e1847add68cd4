"""Faults of a real network, made by the kernel's packet filter: each has its class, its blame and words for a person.

Needs root and nftables; nothing is skipped, a missing part fails.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache

import pytest

from probes._model import Blame, ErrorClass, Sample
from probes._serialize import sample_from_plain
from tests.integration.probes.asking import ROOT

pytestmark = pytest.mark.system

PEER = r"127\.0\.0\.1:\d+"


@cache
def struck(scenario: str) -> Sample:
    """The sample of a probe in a network namespace of its own."""
    command = ("unshare", "--net", "--mount", sys.executable, "-m", "tests.system.faulty_network", scenario)
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    return sample_from_plain(json.loads(ended.stdout))


FAULTS = {
    "drop at connect": (
        ErrorClass.CONNECT,
        rf"no answer from {PEER} while connecting \(timed out after 1 s\)",
    ),
    "reset at connect": (ErrorClass.CONNECT, rf"connecting to {PEER} failed: Connection refused"),
    "no route at connect": (ErrorClass.CONNECT, rf"connecting to {PEER} failed: No route to host"),
    "drop in the handshake": (
        ErrorClass.TLS,
        rf"no answer from {PEER} in the TLS handshake \(timed out after 1 s\)",
    ),
    "drop after the request": (
        ErrorClass.TIMEOUT_TTFT,
        rf"no answer from {PEER} to the request \(timed out after 1 s\)",
    ),
    "drop in the stream": (ErrorClass.STALLED, r"silent for the last \d+\.\d s of 8 s"),
    "reset in the stream": (
        ErrorClass.TRUNCATED,
        r"the connection broke after \d+ content events and without an end marker",
    ),
    "silent name server": (ErrorClass.DNS, r"no address found for provider\.example \(timed out after 1 s\)"),
    "no name server": (ErrorClass.DNS, r"no address found for provider\.example: .+"),
}


@pytest.mark.parametrize("scenario", FAULTS)
def test_a_fault_of_the_network_gets_its_error_class(scenario: str) -> None:
    error, detail = FAULTS[scenario]
    sample = struck(scenario)
    assert (sample.error, sample.blame) == (error, Blame.PROVIDER)
    assert re.fullmatch(detail, sample.detail or ""), sample.detail


@pytest.mark.parametrize("scenario", ["drop in the stream", "reset in the stream"])
def test_what_was_measured_before_a_fault_is_kept(scenario: str) -> None:
    sample = struck(scenario)
    assert sample.status_code == 200
    assert sample.ttft_s is not None
    assert sample.connect_s is not None
    assert (sample.e2e_s, sample.output_tps and sample.e2e_tps) == (None, None)


def test_only_a_refusal_has_a_round_trip_without_a_connection() -> None:
    """So a sample shows whether the provider's machine answered at all."""
    scenarios = ("reset at connect", "no route at connect", "drop at connect", "silent name server")
    assert [struck(scenario).rtt_s is not None for scenario in scenarios] == [True, False, False, False]


@pytest.mark.parametrize("scenario", ["drop at connect", "no route at connect", "silent name server"])
def test_what_was_not_reached_is_not_measured(scenario: str) -> None:
    sample = struck(scenario)
    figures = (sample.connect_s, sample.tls_s, sample.headers_s, sample.ttft_s, sample.e2e_s, sample.status_code)
    assert figures == (None,) * len(figures)
