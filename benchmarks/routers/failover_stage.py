"""Three real backends, daemons that probe them, and lanes: ways to run LiteLLM that receive the same requests."""

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
"""The backend that fails."""
AFTER_S: Final = 30.0
"""Length of the requests after the daemons were killed."""
_CALLER: Final = Path(__file__).with_name("failover_caller.py")
_WATCH_S: Final = 0.1
_REPORTS_S: Final = 3.0
"""The plug-in sends outcomes each second; wait for the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One round, the same for all lanes."""

    seconds: float
    rate: float
    """Requests per second and lane."""
    every_s: float
    """Interval of an endpoint's probes."""
    fault: InjectedFault
    fails_at_s: float
    heals_at_s: float
    seed: int
    picks: int = 0
    """Number of timed picks, in a router with the plug-in; 0: none."""

    def offsets(self, seconds: float) -> list[float]:
        """Times of the requests: evenly spaced with a random shift, so that they do not stay in step with probes."""
        chance = random.Random(self.seed)
        gap_s = 1 / self.rate
        return [(place + chance.random()) * gap_s for place in range(round(seconds * self.rate))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One way to run LiteLLM."""

    name: str
    plugin: str = ""
    """Empty: no plug-in. `reports`: it reports outcomes; `silent`: it only reads the scores."""
    settings: Mapping[str, object]
    """Settings of LiteLLM's router."""
    is_proxy: bool = False


class Caller:
    """A process in LiteLLM's environment that sends requests at given times."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def send(self, wanted: Mapping[str, object]) -> None:
        """Sends a command; `answer` reads its result."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:  # noqa: ANN401  # JSON
        """The next line that is JSON; LiteLLM prints other lines too."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(("[", "{", '"')):
                return json.loads(line)
        raise RuntimeError(f"LiteLLM ended: {self._process.wait(10)}")


@dataclass(slots=True, kw_only=True)
class LaneRun:
    """A lane in a round, and its results."""

    lane: Lane
    plan: Plan
    caller: Caller
    daemon: Daemon | None
    records: Sequence[Mapping[str, Any]] = ()
    after: Sequence[Mapping[str, Any]] = ()
    """Records from the time after the daemon was killed."""
    detected_after_s: float | None = None
    """Seconds from the start of the fault to the first published status that is not up."""
    activity: Mapping[str, int] | None = None
    """Requests of each endpoint in the daemon's activity; None: the lane does not report."""
    reported_failed: int = 0
    """Failures among them, as the uptime of real traffic counts them."""
    picks: dict[str, Sequence[float]] = field(default_factory=dict)
    """Seconds of each pick, by way of picking."""


def round_of(folder: Path, lanes: Sequence[Lane], plan: Plan) -> list[LaneRun]:
    """Runs all lanes side by side, so that each meets the same backends at the same times."""
    with ExitStack() as stack:
        upstreams = [stack.enter_context(model()) for _ in NAMES]
        backends = stack.enter_context(switches(upstreams))
        runs = [_started(stack, folder / str(place), lane, backends, plan) for place, lane in enumerate(lanes)]
        for run in runs:
            if run.daemon is not None:
                _wait_for_all_up(run.daemon)
        for run in runs:
            _time_picks(run, {"without": "no plug-in", "with": "plug-in"})
        _ask_while_one_fails(runs, backends[0], plan)
        for run in runs:
            _count(run)
        for run in runs:
            if run.daemon is not None:
                run.daemon.end(signal.SIGKILL)
        _ask_without_daemons(runs, plan)
        for run in runs:
            _time_picks(run, {"with": "plug-in, its daemon killed"})
        return runs


def _started(stack: ExitStack, folder: Path, lane: Lane, backends: Sequence[Switch], plan: Plan) -> LaneRun:
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
    return LaneRun(lane=lane, plan=plan, caller=stack.enter_context(_caller(folder, wanted)), daemon=daemon)


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


def _ask_while_one_fails(runs: Sequence[LaneRun], broken: Switch, plan: Plan) -> None:
    start_s = time.monotonic() + 1
    for run in runs:
        run.caller.send({"at": start_s, "offsets": plan.offsets(plan.seconds)})
    _sleep_until(start_s + plan.fails_at_s)
    broken.fail(plan.fault)
    _watch(runs, start_s + plan.fails_at_s, start_s + plan.heals_at_s)
    broken.heal()
    for run in runs:
        run.records = run.caller.answer()


def _watch(runs: Sequence[LaneRun], began_s: float, until_s: float) -> None:
    """Records when each daemon publishes that the backend is not up."""
    while time.monotonic() < until_s:
        for run in runs:
            if run.daemon is not None and run.detected_after_s is None and rows(run.daemon)[BROKEN]["status"] != "up":
                run.detected_after_s = time.monotonic() - began_s
        time.sleep(_WATCH_S)


def _ask_without_daemons(runs: Sequence[LaneRun], plan: Plan) -> None:
    start_s = time.monotonic() + 1
    for run in runs:
        run.caller.send({"at": start_s, "offsets": plan.offsets(AFTER_S)})
    for run in runs:
        run.after = run.caller.answer()


def _count(run: LaneRun) -> None:
    """Reads the outcomes that a lane reported to its daemon."""
    if run.daemon is None or run.lane.plugin != "reports":
        return
    time.sleep(_REPORTS_S)
    run.activity = requests(run.daemon)
    run.reported_failed = sum(row["traffic"]["1d"]["failed"] for row in rows(run.daemon).values())


def _time_picks(run: LaneRun, ways: Mapping[str, str]) -> None:
    """Times picks and records them under these names, if the lane has timed picks."""
    if not run.plan.picks or run.lane.plugin != "reports" or run.lane.is_proxy:
        return
    run.caller.send({"picks": run.plan.picks})
    found = run.caller.answer()
    run.picks |= {name: found[way] for way, name in ways.items()}


def _sleep_until(at_s: float) -> None:
    time.sleep(max(at_s - time.monotonic(), 0))
