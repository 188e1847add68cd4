"""Local network failures: the real daemon, real sockets, and a packet filter that cuts the network.

Needs root and nftables; nothing is skipped, a missing part fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from probes._model import Blame, ErrorClass
from tests.integration.probes.asking import ROOT

pytestmark = pytest.mark.system


@cache
def told(scenario: str, lost: str = "lost_network") -> dict[str, Any]:
    """What a daemon published and stored in a network namespace of its own."""
    command = ("unshare", "--net", "--mount", sys.executable, "-m", f"tests.system.{lost}", scenario)
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def errors(scenario: str, name: str) -> set[ErrorClass | None]:
    """What came of an endpoint's probes; not of ticks that could not run, as on a busy machine."""
    words = {error for endpoint, error, _ in told(scenario)["samples"] if endpoint == name}
    found = {None if word is None else ErrorClass(word) for word in words}
    return {error for error in found if error is None or error.blame is not Blame.MONITOR}


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("two providers, all dropped", "while connecting"),
        ("two providers, no way", "Network is unreachable"),
        ("two providers, an answer dropped", "timeout_ttft: no answer from"),
        ("a canary, all dropped", "while connecting"),
    ],
)
def test_without_a_network_no_endpoint_goes_down_and_no_failure_is_counted(scenario: str, words: str) -> None:
    seen = told(scenario)
    for name, statuses in seen["statuses"].items():
        assert "down" not in statuses
        assert errors(scenario, name) == {None, ErrorClass.VANTAGE_OFFLINE}
    details = [detail for _, error, detail in seen["samples"] if error == ErrorClass.VANTAGE_OFFLINE]
    assert details
    assert all(detail.startswith("the local network was offline (") for detail in details)
    assert any(words in detail for detail in details)


@pytest.mark.parametrize("scenario", ["two providers, all dropped", "a canary, all dropped"])
def test_an_outage_of_the_network_is_logged_once_and_so_is_its_end(scenario: str) -> None:
    log = told(scenario)["log"]
    assert (log.count("vantage_offline"), log.count("vantage_online")) == (1, 1)


@pytest.mark.parametrize(
    "scenario", ["two providers, one dropped", "a canary, one dropped", "a blocked canary, one dropped"]
)
def test_a_provider_that_is_dropped_alone_goes_down_for_it(scenario: str) -> None:
    seen = told(scenario)
    assert errors(scenario, "p:tiny") == {None, ErrorClass.CONNECT}
    assert "down" in seen["statuses"]["p:tiny"]
    assert "down" not in seen["statuses"].get("q:tiny", [])
    assert errors(scenario, "q:tiny") <= {None}


def test_a_canary_is_connected_to_and_asked_for_nothing() -> None:
    assert told("a canary, one dropped")["requests"]["q"] == 0


def seen_of_gateway(scenario: str) -> tuple[set[str], set[str]]:
    """Statuses of the one endpoint, and how its probes failed, where the provider or the network was to blame."""
    seen = told(scenario, "lost_resolver")
    failures = {word for _, word, _ in seen["samples"] if word and ErrorClass(word).blame is not Blame.MONITOR}
    return set(seen["statuses"]["gate:tiny"]), failures


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["mute for all", "slow for all"])
def test_behind_one_gateway_a_halting_resolver_counts_against_no_endpoint(scenario: str) -> None:
    statuses, failures = seen_of_gateway(scenario)
    assert "down" not in statuses
    assert failures == {ErrorClass.VANTAGE_OFFLINE}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["mute for the gateway", "no such gateway"])
def test_behind_one_gateway_a_name_that_alone_is_not_resolved_counts_against_it(scenario: str) -> None:
    statuses, failures = seen_of_gateway(scenario)
    assert "down" in statuses
    assert failures == {ErrorClass.DNS}
