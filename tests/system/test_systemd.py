"""The real unit file, the real command and a real systemd: what an administrator relies on.

Needs root and systemd; nothing is skipped, a missing part fails with its remedy.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.installation import UNIT, binds, install
from tests.system.service import CONFIG_FILE, FOLDER, Service
from tests.system.systemd_machine import CGROUP, Machine, booted, wait_until

pytestmark = pytest.mark.system

DYNAMIC_USERS = range(61184, 65520)
KEY = "sk-system-test-0123456789"
API_KEY = "    api_key: ${credential:key_local}\n"
CONFIG = f"""
vantage: machine
listen: 127.0.0.1:8780
store: sqlite:////var/lib/providerwatch/providerwatch.db
providers:
  local:
    api: openai_chat
    base_url: http://127.0.0.1:9/v1
{API_KEY}models:
  meta-llama/llama-3.2-1b-instruct:
    endpoints:
      - {{provider: local, model: llama-1b, enabled: true}}
probes:
  chat: {{task: chat, every: 1s, ttft_timeout: 1s, timeout: 1s}}
publish: {{files: [{{format: scores, path: /run/providerwatch/uptime.json}}]}}
"""
DATABASE = "/var/lib/private/providerwatch/providerwatch.db"
PUBLISHED = "/run/providerwatch/uptime.json"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
GRACE_S = 30.0


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with booted(tmp_path_factory.mktemp("machine"), binds()) as booted_machine:
        install(booted_machine)
        yield booted_machine


@pytest.fixture
def service(machine: Machine) -> Iterator[Service]:
    """Well configured and not yet started; afterwards nothing of it is left."""
    service = Service(machine=machine, since=time.time())
    service.configure(CONFIG)
    service.keep_credential("local", KEY)
    yield service
    service.forget()


def failed_to_connect(service: Service) -> bool:
    endpoint = service.endpoint
    return bool(endpoint and endpoint["last_error"] and endpoint["last_error"]["class"] == "connect")


def test_it_starts_unprivileged_with_its_credential_and_probes(service: Service) -> None:
    service.start()
    assert service.show("ActiveState") == "active"
    assert service.main_pid in service.processes
    assert {service.user_of(pid) in DYNAMIC_USERS for pid in service.processes} == {True}
    wait_until(lambda: failed_to_connect(service), "a probe failed to connect", 20.0)
    assert service.machine.path(DATABASE).stat().st_size > 0
    assert KEY not in service.journal


def test_a_router_of_another_user_can_read_what_is_published(service: Service) -> None:
    service.start()
    wait_until(service.machine.path(PUBLISHED).exists, f"{PUBLISHED} was written", 20.0)
    as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    assert json.loads(service.machine.run(*as_nobody, "cat", PUBLISHED))["schema"] == "providerwatch/scores/v1"


def test_a_daemon_that_stands_still_is_restarted_by_the_watchdog(service: Service) -> None:
    service.set(WatchdogSec="3s", RestartSec="100ms")
    service.start()
    time.sleep(5.0)
    assert service.restarts == 0, f"not fed while probing:\n{service.journal}"
    before = service.main_pid
    service.machine.run("kill", "-STOP", before)
    wait_until(lambda: service.restarts == 1 and service.is_running, "the watchdog restarted it", 30.0)
    assert service.main_pid != before
    assert "Watchdog timeout" in service.journal


def test_worker_processes_that_hang_are_replaced(service: Service) -> None:
    """By the daemon's own supervisor, or with the daemon by the watchdog: the claim is that probing goes on."""
    service.set(WatchdogSec="3s", RestartSec="100ms")
    service.start()
    wait_until(lambda: failed_to_connect(service), "a probe failed to connect", 20.0)
    hanging = service.probing_processes
    service.machine.run("kill", "-STOP", *hanging)
    wait_until(lambda: set(hanging).isdisjoint(service.processes), "they were ended", 30.0)
    wait_until(lambda: service.endpoint, "it serves", 30.0)
    before = service.endpoint["measured_at"]
    wait_until(lambda: (service.endpoint or {}).get("measured_at", before) != before, "probing went on", 30.0)


def test_systemd_does_not_restart_a_daemon_whose_endpoints_are_all_paused(service: Service) -> None:
    service.set(WatchdogSec="2s", RestartSec="100ms")
    service.configure(CONFIG.replace("enabled: true", "enabled: false"))
    service.start()
    time.sleep(6.0)
    assert (service.is_running, service.restarts) == (True, 0), service.journal


def test_a_killed_daemon_is_restarted_and_none_of_its_processes_stays(service: Service) -> None:
    service.set(RestartSec="100ms")
    service.start()
    before = service.processes
    service.machine.run("kill", "-KILL", service.main_pid)
    wait_until(lambda: service.restarts == 1 and service.is_running, "it was restarted", 30.0)
    assert set(before).isdisjoint(service.processes)


def test_stop_ends_it_with_success_within_the_grace(service: Service) -> None:
    service.start()
    began = time.monotonic()
    service.stop()
    assert time.monotonic() - began < GRACE_S
    assert (service.show("Result"), service.show("ExecMainStatus")) == ("success", "0"), service.journal
    assert service.processes == []


def test_a_bad_configuration_exits_2_with_a_message_and_is_not_tried_again(service: Service) -> None:
    service.set(RestartSec="100ms")
    service.configure(CONFIG.replace("listen:", "listne:"))
    assert not service.starts()
    time.sleep(1.0)
    states = [service.show(name) for name in ("ActiveState", "ExecMainStatus", "NRestarts")]
    assert states == ["failed", "2", "0"], service.journal
    assert f"{CONFIG_FILE}:3:" in service.journal
    assert "Traceback" not in service.journal


def test_a_missing_credential_is_a_bad_configuration(service: Service) -> None:
    service.machine.run("rm", f"{FOLDER}/credentials/local")
    assert not service.starts()
    assert service.show("ExecMainStatus") == "2", service.journal
    assert "key_local" in service.journal


def test_without_a_folder_of_credentials_it_starts_and_cannot_write_to_the_one_that_systemd_makes(
    service: Service,
) -> None:
    service.machine.run("rm", "-r", f"{FOLDER}/credentials")
    service.configure(CONFIG.replace(API_KEY, ""))
    service.start()
    inside = ("nsenter", f"--target={service.main_pid}", "--mount")
    for path in (f"{FOLDER}/new", f"{FOLDER}/credentials/new", "/opt/providerwatch/new", "/usr/new"):
        refused = service.machine.attempt(*inside, "touch", path)
        assert "Read-only file system" in refused.stderr, path


def test_systemd_finds_no_fault_in_the_unit_and_little_exposure(machine: Machine) -> None:
    verified = machine.attempt("systemd-analyze", "verify", "--man=no", UNIT_FILE)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    machine.run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=12", UNIT_FILE)


def traces() -> tuple[str, set[Path]]:
    """What a machine could leave behind on this one: mounts, and control groups."""
    groups = {Path(folder) for folder, _, _ in os.walk("/sys/fs/cgroup")}
    return Path("/proc/self/mountinfo").read_text(), {path for path in groups if path.name.startswith(CGROUP)}


def fail_in(base: Path, inits: list[int]) -> None:
    with booted(base) as machine:
        inits.append(machine.init_pid)
        machine.run("systemd-run", "--quiet", "sleep", "1234")
        raise ZeroDivisionError


def test_a_machine_leaves_nothing_behind_when_a_test_fails_in_it(tmp_path: Path) -> None:
    before = traces()
    base = tmp_path / "machine"
    base.mkdir()
    inits: list[int] = []
    with pytest.raises(ZeroDivisionError):
        fail_in(base, inits)
    assert traces() == before
    assert [init for init in inits if Path(f"/proc/{init}").exists()] == []
    assert list(base.iterdir()) == []
