"""A throw-away machine: a real systemd as PID 1, in namespaces of its own over an overlay of this machine's `/`.

What is written in there goes to memory; its processes, mounts and loopback network are its own, so its services
collide with nothing. However a test ends, nothing of the machine remains: its mounts live in a mount namespace that
dies with it, its PID 1 is killed with this process, and its control groups are removed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".sh")
SYSTEMD = Path("/lib/systemd/systemd")
COMMANDS = ("setpriv", "unshare", "nsenter", "mount", "pivot_root", "systemctl", "journalctl", "systemd-analyze")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGES = "systemd util-linux mount"
PRIVATE = ("unshare", "--mount", "--propagation", "private", "sh", str(SCRIPT))
CGROUP = "providerwatch-machine-"
BOOT_S = 30.0
POWEROFF_S = 10.0
POWEROFF = signal.SIGRTMIN + 4


@dataclass(frozen=True, slots=True)
class Machine:
    """A running machine; `init_pid` is its PID 1 as seen from outside. Paths are of the inside."""

    init_pid: int

    def attempt(self, *command: str, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command inside, whatever its exit status."""
        enter = ("nsenter", f"--target={self.init_pid}", "--all", "--wd=/", "env", "-i", f"PATH={PATH}")
        return subprocess.run(
            (*enter, *command), capture_output=True, text=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL
        )

    def run(self, *command: str, timeout_s: float = 60.0) -> str:
        """What a command inside prints; it must exit 0."""
        done = self.attempt(*command, timeout_s=timeout_s)
        assert done.returncode == 0, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def systemctl(self, *arguments: str, timeout_s: float = 60.0) -> str:
        return self.run("systemctl", "--no-pager", *arguments, timeout_s=timeout_s)

    def show(self, unit: str, name: str) -> str:
        """One property of a unit, as `systemctl show` words it."""
        return self.systemctl("show", "--value", f"--property={name}", unit).strip()

    def journal(self, unit: str, since: float = 0.0) -> str:
        """The messages of a unit, and systemd's about it, since a Unix time; oldest first."""
        self.run("journalctl", "--sync")
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}", f"--since=@{since:.6f}")

    def path(self, inside: str) -> Path:
        """Where a file of the machine is seen from outside. Absolute links inside lead astray."""
        return Path(f"/proc/{self.init_pid}/root{inside}")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        """Write a file of root's, with the folders above it."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def copy(self, source: Path, inside: str) -> None:
        """Copy a file, or a folder without its caches."""
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


@contextmanager
def booted(base: Path, binds: Mapping[Path, str] | None = None) -> Iterator[Machine]:
    """Boot a machine; `base` is an empty folder for it, `binds` are folders of ours seen read-only inside."""
    require_parts()
    cgroup = f"{CGROUP}{secrets.token_hex(4)}"
    arguments = [part for source, target in (binds or {}).items() for part in (str(source), target)]
    with (base.parent / f"{base.name}.log").open("w+") as log:
        launcher = subprocess.Popen(
            ("setpriv", "--pdeathsig", "KILL", *PRIVATE, "boot", str(base), cgroup, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield _wait_for_boot(launcher, Path(log.name))
        finally:
            _shut_down(launcher)
            subprocess.run((*PRIVATE, "sweep", str(base), cgroup), check=True, timeout=POWEROFF_S)


def require_parts() -> None:
    """Fail with the remedy when this machine cannot run another one."""
    assert os.geteuid() == 0, "the system tests make namespaces and mounts: run them as root"
    missing = [name for name in COMMANDS if shutil.which(name) is None]
    missing += [] if SYSTEMD.exists() else [str(SYSTEMD)]
    assert not missing, f"missing {', '.join(missing)}: apt-get install {PACKAGES}"


def wait_until(claim: Callable[[], object], what: str, within_s: float) -> None:
    """Wait until `claim` is true; fail with `what` after `within_s`."""
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.05)


def _wait_for_boot(launcher: subprocess.Popen[bytes], log: Path) -> Machine:
    deadline = time.monotonic() + BOOT_S
    while launcher.poll() is None and time.monotonic() < deadline:
        init = _init_of(launcher)
        if init and Machine(init).attempt("systemctl", "is-active", "multi-user.target").returncode == 0:
            return Machine(init)
        time.sleep(0.05)
    raise AssertionError(f"the machine did not boot within {BOOT_S:g} s:\n{log.read_text()}")


def _init_of(launcher: subprocess.Popen[bytes]) -> int | None:
    """PID 1 of the machine, as seen from here: the only child of the launcher."""
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children")
    try:
        return int(children.read_text())
    except (OSError, ValueError):
        return None


def _shut_down(launcher: subprocess.Popen[bytes]) -> None:
    """Ask the machine to power off, then kill its PID 1, which takes every process in there along."""
    init = _init_of(launcher)
    try:
        if init:
            os.kill(init, POWEROFF)
            launcher.wait(POWEROFF_S)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    finally:
        launcher.kill()
        launcher.wait()
        wait_until(lambda: not (init and Path(f"/proc/{init}").exists()), "the machine's PID 1 ended", POWEROFF_S)
