"""While one of three backends fails, requests to a real LiteLLM with the plug-in succeed; the daemon counts them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from monitor.demo.faults import InjectedFault
from tests.routers.litellm import proxy_of, router_of
from tests.routers.three import NAMES, TOKEN, daemon_config, litellm_config, requests, rows
from tests.support.daemon import Daemon, running, wait_until
from tests.support.providers import Providers
from tests.support.switches import switches

pytestmark = pytest.mark.routers

BROKEN, *OTHERS = NAMES
# The model is kept busy by LiteLLM's requests: probes that cost no tokens do not stand in their way.
PROBES = {"reach": {"task": "reach", "every": "1s"}}


class Asked:
    """Asks LiteLLM, and remembers how often that failed."""

    def __init__(self, ask: Callable[[int], list[str]]) -> None:
        self._ask = ask
        self.times = 0
        self.failed = 0

    def __call__(self, times: int) -> list[str]:
        answers = self._ask(times)
        self.times += times
        self.failed += failures(answers)
        return answers


def failures(answers: list[str]) -> int:
    return sum(answer not in NAMES for answer in answers)


def reported_failures(daemon: Daemon) -> int:
    return sum(row["traffic"]["1d"]["failed"] for row in rows(daemon).values() if row["traffic"])


def wait_for_outcomes(daemon: Daemon, asked: Asked) -> None:
    """Until what is asked from now on is reported: before it has scores, the plug-in does not know whom to report."""
    wait_until(lambda: asked(1) and sum(requests(daemon).values()), "the first outcome")


def test_requests_succeed_again_while_a_backend_fails_and_go_on_without_the_daemon(
    tmp_path: Path, providers: Providers
) -> None:
    with (
        switches([providers.model] * 3) as backends,
        running(tmp_path, daemon_config(tmp_path, backends, PROBES)) as daemon,
        router_of(tmp_path, litellm_config(backends)["model_list"], daemon.url, token=TOKEN) as helped,
        router_of(tmp_path, litellm_config(backends)["model_list"], daemon.url, token=None, plugin=False) as plain,
    ):
        asked = Asked(helped.ask)
        wait_until(lambda: {row["status"] for row in rows(daemon).values()} == {"up"}, "all up")
        wait_for_outcomes(daemon, asked)
        before = asked.times
        assert failures(asked(6)) == 0
        backends[0].fail(InjectedFault.OVERLOADED)
        wait_until(lambda: failures(plain.ask(3)), "a failure without the plug-in")
        wait_until(lambda: asked(1) and rows(daemon)[BROKEN]["status"] == "down", "the daemon's word")
        wait_until(lambda: failures(asked(4)) == 0, "no failure any more")
        # Without the plug-in they fail as before; with it, none of as many and more.
        wait_until(lambda: failures(plain.ask(3)), "one more failure without it")
        assert set(asked(15)) <= set(OTHERS)
        wait_until(lambda: reported_failures(daemon) >= asked.failed, "the failures among the outcomes")
        wait_until(lambda: sum(requests(daemon).values()) >= asked.times - before, "all in the activity")
        assert reported_failures(daemon) == asked.failed
        assert sum(requests(daemon).values()) <= asked.times
        assert all(requests(daemon)[name] for name in OTHERS)
        daemon.end(signal.SIGKILL)
        assert failures(helped.ask(5)) == 0
        backends[0].heal()
        wait_until(lambda: BROKEN in helped.ask(4), "all in use: what was known is stale")


def test_through_the_proxy_requests_succeed_again_and_are_in_the_daemons_uptime(
    tmp_path: Path, providers: Providers
) -> None:
    with (
        switches([providers.model] * 3) as backends,
        running(tmp_path, daemon_config(tmp_path, backends, PROBES)) as daemon,
    ):
        # Retries would hide the failures that are to be reported.
        alone = {"router_settings": {"num_retries": 0, "disable_cooldowns": True}}
        config = yaml.safe_dump({**litellm_config(backends), **alone})
        with proxy_of(tmp_path, config, daemon.url, TOKEN) as litellm:
            asked = Asked(litellm.ask)
            wait_for_outcomes(daemon, asked)
            backends[0].fail(InjectedFault.OVERLOADED)
            wait_until(lambda: asked(1) and rows(daemon)[BROKEN]["status"] == "down", "the daemon's word")
            wait_until(lambda: failures(asked(4)) == 0, "no failure any more")
            assert set(asked(10)) <= set(OTHERS)
            wait_until(lambda: reported_failures(daemon) >= asked.failed, "the failures among the outcomes")
            assert reported_failures(daemon) == asked.failed
