"""Three real backends, daemons that probe them, and lanes: ways of running LiteLLM that are asked the same at once."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from monitor.demo.faults import InjectedFault
from tests.routers import installed
from tests.routers.litellm import MASTER_KEY, environment, proxy_of
from tests.routers.three import NAMES, TOKEN, daemon_config, litellm_config, requests, rows
from tests.support.daemon import Daemon, running, wait_until
from tests.support.providers import model
from tests.support.switches import Switch, switches

BROKEN: Final = NAMES[0]
"""Which backend fails."""
AFTER_S: Final = 30.0
"""How long requests go on once the daemons are dead."""
_CALLER: Final = Path(__file__).with_name("failover_caller.py")
_LOOK_S: Final = 0.1
_REPORTS_S: Final = 3.0
"""Outcomes are sent each second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done in one round, to all lanes alike."""

    seconds: float
    rate: float
    """Requests of each lane in a second."""
    every_s: float
    """Between two probes of an endpoint."""
    fault: InjectedFault
    fails_at_s: float
    heals_at_s: float
    seed: int
    picks: int = 0
    """How many picks of LiteLLM are timed, where it is a router with the plug-in; 0: none."""

    def offsets(self, seconds: float) -> list[float]:
        """When requests are made: evenly, but for some chance, so that none marches in step with the probes."""
        chance = random.Random(self.seed)
        gap_s = 1 / self.rate
        return [(place + chance.random()) * gap_s for place in range(round(seconds * self.rate))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One way of running LiteLLM."""

    name: str
    plugin: str = ""
    """Empty: none. `reports`: with the daemon's token; `silent`: it only follows the scores."""
    settings: Mapping[str, object]
    """Of LiteLLM's router."""
    is_proxy: bool = False


class Caller:
    """A process of LiteLLM's environment that is told when to ask."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def tell(self, wanted: Mapping[str, object]) -> None:
        """Have it begin; it answers in its own time."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:  # noqa: ANN401  # JSON
        """The next line that is JSON: LiteLLM prints as it likes."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(("[", "{", '"')):
                return json.loads(line)
        raise RuntimeError(f"LiteLLM ended: {self._process.wait(10)}")


@dataclass(slots=True, kw_only=True)
class Ran:
    """A lane, and what becomes of it in a round."""

    lane: Lane
    plan: Plan
    caller: Caller
    daemon: Daemon | None
    records: Sequence[Mapping[str, Any]] = ()
    after: Sequence[Mapping[str, Any]] = ()
    """Those of when the daemon was dead."""
    seen_s: float | None = None
    """How long after the fault began the daemon published that the backend is not up."""
    activity: Mapping[str, int] | None = None
    """How many requests the daemon's activity has of each endpoint; None: nobody reported."""
    reported_failed: int = 0
    """How many of them its uptime counts as failures."""
    picks: dict[str, Sequence[float]] = field(default_factory=dict)
    """Seconds of each pick, by how it was made."""


def round_of(folder: Path, lanes: Sequence[Lane], plan: Plan) -> list[Ran]:
    """All lanes side by side, so that each meets the same backends at the same moments."""
    with ExitStack() as stack:
        upstreams = [stack.enter_context(model()) for _ in NAMES]
        backends = stack.enter_context(switches(upstreams))
        ran = [_started(stack, folder / str(place), lane, backends, plan) for place, lane in enumerate(lanes)]
        for each in ran:
            if each.daemon is not None:
                _wait_for_all_up(each.daemon)
        for each in ran:
            _time_picks(each, {"without": "no plug-in", "with": "plug-in"})
        _ask_while_one_fails(ran, backends[0], plan)
        for each in ran:
            _count(each)
        for each in ran:
            if each.daemon is not None:
                each.daemon.end(signal.SIGKILL)
        _ask_without_daemons(ran, plan)
        for each in ran:
            _time_picks(each, {"with": "plug-in, its daemon killed"})
        return ran


def _started(stack: ExitStack, folder: Path, lane: Lane, backends: Sequence[Switch], plan: Plan) -> Ran:
    folder.mkdir()
    probe = {"task": "chat", "every": f"{plan.every_s:g}s", "prompt_tokens": 10, "max_tokens": 4}
    probes = {"chat": {**probe, "ttft_timeout": "8s", "timeout": "10s"}}
    daemon = None
    if lane.plugin:
        daemon = stack.enter_context(running(folder, daemon_config(folder, backends, probes)))
    url = "http://127.0.0.1:9" if daemon is None else daemon.url
    config = litellm_config(backends)
    if lane.is_proxy:
        served = stack.enter_context(proxy_of(folder, _proxy_config(config, lane), url, TOKEN))
        wanted: dict[str, object] = {"proxy": served.url, "key": MASTER_KEY}
    else:
        wanted = {"model_list": config["model_list"], "settings": lane.settings, "plugin": lane.plugin}
        wanted |= {"url": url, "token": TOKEN}
    return Ran(lane=lane, plan=plan, caller=stack.enter_context(_caller(folder, wanted)), daemon=daemon)


def _proxy_config(config: Mapping[str, Any], lane: Lane) -> str:
    settings = {**config, **({"router_settings": dict(lane.settings)} if lane.settings else {})}
    if not lane.plugin:
        del settings["litellm_settings"]
    return yaml.safe_dump(settings)


@contextmanager
def _caller(folder: Path, config: Mapping[str, object]) -> Iterator[Caller]:
    with (folder / "caller.log").open("ab") as log:
        process = subprocess.Popen(
            [installed.litellm() / "python", "-P", _CALLER, json.dumps(config)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(),
        )  # fmt: skip
    with process:
        try:
            caller = Caller(process)
            if caller.answer() != "ready":
                raise RuntimeError(f"LiteLLM does not answer: see {folder}")
            yield caller
        finally:
            process.kill()


def _wait_for_all_up(daemon: Daemon) -> None:
    wait_until(lambda: {row["status"] for row in rows(daemon).values()} == {"up"}, "all up")


def _ask_while_one_fails(ran: Sequence[Ran], broken: Switch, plan: Plan) -> None:
    start_s = time.monotonic() + 1
    for each in ran:
        each.caller.tell({"at": start_s, "offsets": plan.offsets(plan.seconds)})
    _sleep_until(start_s + plan.fails_at_s)
    broken.fail(plan.fault)
    _watch(ran, start_s + plan.fails_at_s, start_s + plan.heals_at_s)
    broken.heal()
    for each in ran:
        each.records = each.caller.answer()


def _watch(ran: Sequence[Ran], began_s: float, until_s: float) -> None:
    """Note when each daemon publishes that the backend is not up."""
    while time.monotonic() < until_s:
        for each in ran:
            if each.daemon is not None and each.seen_s is None and rows(each.daemon)[BROKEN]["status"] != "up":
                each.seen_s = time.monotonic() - began_s
        time.sleep(_LOOK_S)


def _ask_without_daemons(ran: Sequence[Ran], plan: Plan) -> None:
    start_s = time.monotonic() + 1
    for each in ran:
        each.caller.tell({"at": start_s, "offsets": plan.offsets(AFTER_S)})
    for each in ran:
        each.after = each.caller.answer()


def _count(each: Ran) -> None:
    """What the daemon was told of a lane's requests."""
    if each.daemon is None or each.lane.plugin != "reports":
        return
    time.sleep(_REPORTS_S)
    each.activity = requests(each.daemon)
    each.reported_failed = sum(row["traffic"]["1d"]["failed"] for row in rows(each.daemon).values())


def _time_picks(each: Ran, ways: Mapping[str, str]) -> None:
    """Time picks now, under these names, where it is a router whose picks are to be timed."""
    if not each.plan.picks or each.lane.plugin != "reports" or each.lane.is_proxy:
        return
    each.caller.tell({"picks": each.plan.picks})
    found = each.caller.answer()
    each.picks |= {name: found[way] for way, name in ways.items()}


def _sleep_until(at_s: float) -> None:
    time.sleep(max(at_s - time.monotonic(), 0))
