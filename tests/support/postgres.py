"""A real PostgreSQL server for tests: in a folder of its own, on loopback, stopped and started at will."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.daemon import free_port

_FAST = ("fsync=off", "full_page_writes=off", "max_connections=60")
"""A server that is killed in tests, and a machine that is not, need no fsync: the kernel keeps what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """One server."""

    folder: Path
    port: int
    programs: Path

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://pw@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, like: str = "template0") -> str:
        """Make a database, an empty one or a copy; its address."""
        self.sql(f'CREATE DATABASE "{database}" TEMPLATE "{like}" STRATEGY FILE_COPY', "postgres")
        return self.url(database)

    def sql(self, statement: str, database: str) -> str:
        """What psql prints for a statement."""
        command = ["psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "pw", "-d", database, "-Atc", statement]
        return subprocess.run(
            [self.programs / command[0], *command[1:]], capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = " ".join(f"-c {setting}" for setting in (*_FAST, f"port={self.port}"))
        self._run("pg_ctl", "-w", "-D", "data", "-l", "log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `smart`, `fast` or `immediate`."""
        self._run("pg_ctl", "-w", "-D", "data", "-m", mode, "stop")

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """All its processes are stopped for the while: it takes connections and never answers."""
        processes = self._stop_all()
        try:
            yield
        finally:
            for process in reversed(processes):
                with _gone_is_fine():
                    os.kill(process, signal.SIGCONT)

    def _stop_all(self) -> list[int]:
        """SIGSTOP to the server's first process, so that it starts no more, and to all its children; their numbers."""
        first = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        processes = [first]
        with _gone_is_fine():
            os.kill(first, signal.SIGSTOP)
            processes += map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())
        for process in processes[1:]:
            with _gone_is_fine():
                os.kill(process, signal.SIGSTOP)
        return processes

    def kill(self) -> None:
        """SIGKILL to the server's first process and all its children; returns when they are gone."""
        lock = self.folder / "data" / "postmaster.pid"
        processes = self._stop_all()
        for process in processes:
            with _gone_is_fine():
                os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while any(map(_is_running, processes)):
            assert time.monotonic() < deadline, f"{processes} survive SIGKILL"
            time.sleep(0.005)
        # A zombie process looks alive to the next server, by the process id in this file.
        lock.unlink(missing_ok=True)

    def _run(self, program: str, *arguments: str) -> None:
        ran = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            user=_user(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
        assert ran.returncode == 0, f"{program}: {ran.stderr}\n{self._log()}"

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that is running, and gone when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="providerwatch-postgres-", dir="/tmp"))
    try:
        if (user := _user()) is not None:
            shutil.chown(folder, user)
        server = Postgres(folder=folder, port=free_port(), programs=_programs())
        arguments = ("-D", "data", "-U", "pw", "--auth=trust", "--encoding=UTF8", "--locale=C", "-N")
        server._run("initdb", *arguments)
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\n")
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert found, "PostgreSQL is not installed: apt-get install postgresql-15"
    return found[-1].parent


def _is_running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except ProcessLookupError:
        return
