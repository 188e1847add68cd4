"""`providerwatch demo`: starts the processes in order, shows the scores, and stops all processes."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout
from rich.console import Console

from monitor.console.watch import watch_scores
from monitor.demo.children import Child, ChildEndedError, python, running, tied, unless_ended
from monitor.demo.model_server import MODEL_NAME, ModelMissingError, find_model
from monitor.demo.settings import CONFIG_NAME, STORE_NAME, UPTIME_NAME, Settings, config_text
from monitor.demo.speed import Speed, TooSlowError, measure

DAEMON = python("monitor.cli.main", "run", "-c")
"""The daemon's command, without the name of the configuration file."""
USUAL_PORT = 8780
_START_S = 60.0
"""How long the start of a process may take: a cold disk or a busy machine can be slow."""
_SERVER_GRACE_S = 3.0
_DAEMON_GRACE_S = 15.0
_ASK_AGAIN_S = 0.1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoError(Exception):
    """The demo cannot run; the message contains the reason and the remedy."""


async def run_demo(
    *, directory: Path, duration_s: float | None, port: int | None, daemon: Sequence[str] = DAEMON
) -> int:
    """Run the demo for `duration_s`, or until SIGINT, SIGTERM or SIGHUP. A second signal ends it at once.

    Configuration, database, scores and logs are written to `directory` and stay there. `port`: None for the usual port,
    or any free one. Returns the exit code: 0, or 1 if the demo could not run.
    """
    progress = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    demo = asyncio.create_task(_demo(progress, directory, duration_s, port, daemon), name="demo")
    try:
        with _cancelled_by_signals(demo):
            await demo
    except asyncio.CancelledError:
        if (caller := asyncio.current_task()) and caller.cancelling():
            raise
    except (DemoError, ModelMissingError, ChildEndedError, TooSlowError) as error:
        progress.print(f"providerwatch demo: {error}", style="red")
        return 1
    progress.print(f"Stopped. Configuration, database, scores and logs are in {directory}")
    return 0


async def _demo(
    progress: Console, directory: Path, duration_s: float | None, port: int | None, daemon: Sequence[str]
) -> None:
    """Start all processes and show the scores. At the end the processes stop in reverse order."""
    weights = find_model()
    with _prepared(directory) as place:
        free = free_port(port)
        async with AsyncExitStack() as stack:
            progress.print(f"Loading the model {weights.name} …")
            model, model_address = await _started(stack, "model_server", place, ())
            progress.print(f"Model at {model_address}; measuring its speed on this machine …")
            speed = await unless_ended([model], measure(model_address, MODEL_NAME))
            progress.print(_told(speed))
            progress.print("Starting the slow and the flaky provider …")
            wanted = ("--upstream", model_address, "--pace", f"{speed.pace:g}")
            proxy, proxy_address = await _started(stack, "fault_proxy", place, wanted)
            settings = Settings(directory=place, port=free, model=model_address, proxy=proxy_address, pace=speed.pace)
            progress.print(f"Starting the daemon on {place / CONFIG_NAME} …")
            watched = [model, proxy, await _started_daemon(stack, settings, daemon)]
            stack.callback(progress.print, "Stopping after the running probes; a second Ctrl-C stops at once …")
            table = watch_scores(
                settings.scores_url,
                Console(),
                duration_s=duration_s,
                page=settings.page_url,
                files=[settings.uptime_file],
            )
            await unless_ended(watched, table)


def _told(speed: Speed) -> str:
    """A message about the model's speed and its effect on the demo."""
    found = f"It answers within {speed.e2e_s:.1f} s, its first token comes after {speed.ttft_s:.1f} s"
    if speed.pace == 1:
        return f"{found}: fast enough."
    return (
        f"{found}: this machine is slow or busy. "
        f"Deadlines, SLO and probe intervals are {speed.pace:g} times as long as usual."
    )


async def _started(stack: AsyncExitStack, module: str, place: Path, arguments: Sequence[str]) -> tuple[Child, str]:
    """Start one of the demo's servers. Returns it with its address."""
    command = python(f"monitor.demo.{module}", *arguments)
    log = place / f"{module}.log"
    child = await stack.enter_async_context(running(module, command, log=log, grace_s=_SERVER_GRACE_S, speaks=True))
    try:
        async with asyncio.timeout(_START_S):
            return child, await unless_ended([child], child.address())
    except TimeoutError:
        raise DemoError(f"{module} did not start within {_START_S:.0f} s; its log is {log}") from None


async def _started_daemon(stack: AsyncExitStack, settings: Settings, command: Sequence[str]) -> Child:
    """Write the configuration file and start the daemon. Returns when the daemon is ready."""
    file, log = settings.directory / CONFIG_NAME, settings.directory / "daemon.log"
    file.write_text(config_text(settings))
    child = await stack.enter_async_context(
        running("the daemon", tied((*command, str(file))), log=log, grace_s=_DAEMON_GRACE_S)
    )
    try:
        async with asyncio.timeout(_START_S):
            await unless_ended([child], _ready(settings.ready_url))
    except TimeoutError:
        raise DemoError(f"the daemon was not ready within {_START_S:.0f} s; its log is {log}") from None
    return child


async def _ready(url: str) -> None:
    """Wait until `url` answers with a status below 400."""
    async with ClientSession(timeout=ClientTimeout(total=_START_S)) as session:
        while True:
            try:
                async with session.get(url) as response:
                    if response.ok:
                        return
            except ClientError:
                pass
            await asyncio.sleep(_ASK_AGAIN_S)


def free_port(wanted: int | None) -> int:
    """A free port of loopback: the wanted one; for None the usual one or any. DemoError if the wanted one is taken."""
    for port in (USUAL_PORT, 0) if wanted is None else (wanted,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError(f"cannot listen on port {wanted}; choose another port, or omit --port")


@contextmanager
def _prepared(directory: Path) -> Iterator[Path]:
    """Create the directory, lock it against a second demo, and delete earlier results. Yields its absolute path."""
    with ExitStack() as stack:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            place = directory.resolve()
            lock = stack.enter_context((place / "demo.lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for name in (STORE_NAME, f"{STORE_NAME}-wal", f"{STORE_NAME}-shm", UPTIME_NAME):
                (place / name).unlink(missing_ok=True)
        except BlockingIOError:
            raise DemoError(f"another demo is running in {directory}; choose another --dir") from None
        except OSError as error:
            raise DemoError(f"cannot use {directory}: {error.strerror}") from error
        yield place


@contextmanager
def _cancelled_by_signals(task: asyncio.Task[None]) -> Iterator[None]:
    """Cancel the task on SIGINT, SIGTERM or SIGHUP, instead of ending the program."""
    loop = asyncio.get_running_loop()
    for number in _ENDING:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in _ENDING:
            loop.remove_signal_handler(number)
