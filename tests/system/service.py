"""The installed service as its administrator handles it, in a machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.system.installation import UNIT, VENV
from tests.system.systemd_machine import Machine

FOLDER = "/etc/providerwatch"
CONFIG_FILE = f"{FOLDER}/providerwatch.yaml"
DROP_IN = f"/etc/systemd/system/{UNIT}.d/test.conf"
ADDRESS = "http://127.0.0.1:8780"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """providerwatch.service; its journal is read from `since`, seconds of Unix time."""

    machine: Machine
    since: float

    def configure(self, text: str) -> None:
        self.machine.write(CONFIG_FILE, text)

    def keep_credential(self, name: str, text: str) -> None:
        self.machine.write(f"{FOLDER}/credentials/{name}", text, mode=0o600)

    def set(self, **values: str) -> None:
        """Set `[Service]` settings by a drop-in."""
        lines = [f"{name}={value}" for name, value in values.items()]
        self.machine.write(DROP_IN, "\n".join(["[Service]", *lines, ""]))
        self.machine.systemctl("daemon-reload")

    def start(self) -> None:
        assert self.starts(), f"the service did not start:\n{self.journal}"

    def starts(self) -> bool:
        """Start the service: whether systemd calls it a success, which for Type=notify means that it said so."""
        return self.machine.attempt("systemctl", "start", UNIT).returncode == 0

    def stop(self) -> None:
        self.machine.systemctl("stop", UNIT)

    def forget(self) -> None:
        """End every process, and remove settings, state and configuration."""
        self.machine.attempt("systemctl", "kill", "--signal=KILL", UNIT)
        self.machine.attempt("systemctl", "stop", UNIT)
        self.machine.attempt("systemctl", "reset-failed", UNIT)
        self.machine.run("rm", "-rf", FOLDER, DROP_IN, "/var/lib/private/providerwatch")
        self.machine.systemctl("daemon-reload")

    def show(self, name: str) -> str:
        return self.machine.show(UNIT, name)

    @property
    def is_running(self) -> bool:
        return self.show("SubState") == "running"

    @property
    def restarts(self) -> int:
        return int(self.show("NRestarts"))

    @property
    def main_pid(self) -> str:
        return self.show("MainPID")

    @property
    def processes(self) -> list[str]:
        """The process ids, as numbered in the machine."""
        group = self.show("ControlGroup")
        members = f"/sys/fs/cgroup{group}/cgroup.procs"
        return self.machine.attempt("cat", members).stdout.split() if group else []

    @property
    def probing_processes(self) -> list[str]:
        """All but the main one and Python's own resource tracker."""
        others = [pid for pid in self.processes if pid != self.main_pid]
        return [pid for pid in others if "resource_tracker" not in self.machine.run("cat", f"/proc/{pid}/cmdline")]

    def user_of(self, pid: str) -> int:
        return int(self.machine.run("stat", "--format=%u", f"/proc/{pid}"))

    @property
    def journal(self) -> str:
        return self.machine.journal(UNIT, self.since)

    def get(self, path: str) -> Any:
        """What the daemon answers over HTTP, or None while it does not."""
        program = f"import urllib.request as u; print(u.urlopen('{ADDRESS}{path}', timeout=5).read().decode())"
        done = self.machine.attempt(f"{VENV}/bin/python", "-c", program)
        return json.loads(done.stdout) if done.returncode == 0 else None

    @property
    def endpoint(self) -> Any:
        """The published scores of the only endpoint, or None."""
        document = self.get("/v1/scores")
        return document["endpoints"][0] if document else None
