"""The demo's configuration file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from monitor.demo.fault_proxy import SLOW_START_S
from monitor.demo.settings import Settings, config_text
from monitor.demo.speed import Speed


def settings(directory: Path = Path("/tmp/demo")) -> Settings:
    return Settings(directory=directory, port=8780, model="http://127.0.0.1:1001", proxy="http://127.0.0.1:1002")


def test_the_file_names_three_providers_of_one_model() -> None:
    config = yaml.safe_load(config_text(settings()))
    assert config["listen"] == "127.0.0.1:8780"
    assert {name: provider["base_url"] for name, provider in config["providers"].items()} == {
        "steady": "http://127.0.0.1:1001/v1",
        "slow": "http://127.0.0.1:1002/slow/v1",
        "flaky": "http://127.0.0.1:1002/flaky/v1",
    }
    (model,) = config["models"].values()
    assert [endpoint["provider"] for endpoint in model["endpoints"]] == ["steady", "slow", "flaky"]
    assert {endpoint["model"] for endpoint in model["endpoints"]} == {"smollm2-135m-instruct"}


def test_the_probe_is_quick_and_its_deadlines_fit() -> None:
    probe = yaml.safe_load(config_text(settings()))["probes"]["chat"]
    assert probe["slo"] == {"ttft": "1500ms"}
    assert SLOW_START_S > 1.5
    assert (probe["every"], probe["ttft_timeout"], probe["timeout"]) == ("4s", "4s", "6s")


def test_on_a_slow_machine_everything_takes_longer_by_the_same_factor() -> None:
    probe = yaml.safe_load(config_text(replace(settings(), pace=2.5)))["probes"]["chat"]
    assert (probe["every"], probe["ttft_timeout"], probe["timeout"]) == ("10s", "10s", "15s")
    assert probe["slo"] == {"ttft": "3750ms"}


@pytest.mark.parametrize(
    ("ttft_s", "e2e_s", "pace"),
    [(0.1, 0.5, 1), (0.75, 2.0, 1), (0.76, 1.0, 1.5), (0.1, 4.1, 2.5), (3.0, 6.0, 4), (20.0, 30.0, 27)],
)
def test_the_pace_follows_from_the_slower_of_first_token_and_whole_answer(
    ttft_s: float, e2e_s: float, pace: float
) -> None:
    found = Speed(ttft_s=ttft_s, e2e_s=e2e_s).pace
    assert found == pace
    assert 1.5 * found >= 2 * ttft_s or found == 1, "a steady model keeps well within its SLO"


@pytest.mark.parametrize("directory", ["/tmp/demo", "/tmp/with space", '/tmp/q"uo\\te: #x', "/tmp/größe"])
def test_any_directory_survives_the_file(directory: str) -> None:
    config = yaml.safe_load(config_text(settings(Path(directory))))
    assert config["store"] == f"sqlite:///{directory}/demo.db"
    assert config["store"].startswith("sqlite:////")
    assert config["publish"]["files"] == [{"format": "scores", "path": f"{directory}/uptime.json"}]
