"""Shared by several commands: options, loading the configuration, opening the store, asking a daemon, failing.

Modules are imported where they are needed, as in the commands.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from monitor.config import Config, Extensions
    from monitor.scoreboard.snapshot import Snapshot
    from monitor.store import Store

Result = TypeVar("Result")

MISUSE = 2
"""Exit code for a mistake in the command line or the configuration."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "-c",
        "--config",
        metavar="FILE",
        help="The configuration file. Default: $PROVIDERWATCH_CONFIG, else ./providerwatch.yaml, else "
        "the one in /etc/providerwatch.",
    ),
]
FileArgument = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="The configuration file, as with -c FILE.", show_default=False)
]
UrlOption = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Address of a running daemon, such as http://127.0.0.1:8780.")
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        help="The daemon's token. Default: `token` of the configuration, else $PROVIDERWATCH_TOKEN.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def console(*, stderr: bool = False) -> Console:
    """For tables and progress. Numbers and paths in them get no colours."""
    from rich.console import Console  # a fifth of the time of `--help`, which needs none

    return Console(stderr=stderr, highlight=False)


def fail(message: str, code: int = MISUSE) -> NoReturn:
    """Print a message on stderr and exit."""
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def run_async(work: Coroutine[Any, Any, Result]) -> Result:
    """As `asyncio.run`. The import is here because `--help` does not need asyncio, which takes a fifth of its time."""
    import asyncio

    return asyncio.run(work)


def on_store(path: Path, config: Config, work: Callable[[Store], Coroutine[None, None, Result]]) -> Result:
    """Run `work` with the configured store. Exits the program on StoreError."""
    from monitor.store import StoreError, create_store

    async def run() -> Result:
        return await work(create_store(config.store))

    try:
        return run_async(run())
    except StoreError as error:
        fail(f"{path}: store: {error}", 1)


def write_out(text: str, path: Path | None) -> None:
    """Replace a file with a text, or print the text."""
    from monitor.routing.atomic_file import replace_file

    if path is None:
        sys.stdout.write(text)
        return
    try:
        replace_file(path, text.encode())
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}", 1)


def seconds(duration: str, option: str) -> float:
    """An option's duration in seconds. Exits the program if it is no duration."""
    from monitor.config import RefusedError, duration_s

    try:
        return duration_s(duration)
    except RefusedError as error:
        fail(f"{option}: {error.about(duration)}")


def chosen_file(file: Path | None, option: Path | None) -> Path | None:
    """The configuration file of the argument or of -c."""
    if file is not None and option is not None and file != option:
        fail(f"two configuration files are given, {file} and {option}; give one")
    return file or option


def extensions() -> Extensions:
    """The sinks and the formats of files that a configuration may name."""
    from monitor.config import Extensions
    from monitor.routing.formats import FORMATS
    from monitor.sinks import SINKS

    return Extensions(sinks=SINKS, formats=FORMATS)


def loaded_from(path: Path | None, ids: Sequence[str] = ()) -> tuple[Path, Config]:
    """The configuration and its path. Exits the program with all errors of the file.

    `ids`: the endpoints of the command line. A file among them was meant for -c, and the error says so.
    """
    from monitor.config import ConfigError, default_path, load

    chosen = path or default_path(os.environ)
    file = next((name for name in ids if Path(name).is_file()), None)
    hint = "" if file is None else f"; {file} is a file: for a configuration write -c {file}"
    try:
        loaded = load(chosen, os.environ, extensions())
    except ConfigError as error:
        fail(f"{error}{hint if path is None else ''}")
    if file is not None and file not in {spec.endpoint.id for spec in loaded.endpoints}:
        fail(f"no endpoint has the id {file!r}{hint}")
    return chosen, loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningDaemon:
    """The address and token of a running daemon."""

    url: str
    token: str | None


def running_daemon(config: Path | None, url: str | None, token: str | None = None) -> RunningDaemon:
    """The daemon at `url`, else that of the configuration. Exits the program for a wrong address."""
    from_env = os.environ.get("PROVIDERWATCH_TOKEN") or None
    if url is not None:
        return RunningDaemon(url=_address(url), token=token or from_env)
    _, loaded = loaded_from(config)
    own = loaded.token.reveal() if loaded.token else from_env
    return RunningDaemon(url=loaded.listen.url, token=token or own)


def _address(text: str) -> str:
    """A daemon's address with a scheme and without `/v1/scores` at its end."""
    from monitor.config import RefusedError, base_url

    url = text if "://" in text else f"http://{text}"
    try:
        return base_url(url).removesuffix("/v1/scores").rstrip("/")
    except RefusedError as refused:
        fail(f"--url: {refused.about(None)}")


def fetch(source: RunningDaemon) -> Mapping[str, object]:
    """A daemon's scores document. Exits the program if the daemon does not send one."""
    from monitor.console.remote import ScoresUnavailableError, fetch_once

    try:
        return run_async(fetch_once(f"{source.url}/v1/scores", source.token))
    except ScoresUnavailableError as error:
        fail(f"{source.url}/v1/scores: {error}", 1)


def openrouter_document(source: RunningDaemon) -> str:
    """A daemon's OpenRouter documents as one document."""
    from monitor.console.remote import ScoresUnavailableError, fetch_openrouter

    try:
        return run_async(fetch_openrouter(source.url, source.token)).decode()
    except ScoresUnavailableError as error:
        fail(f"{source.url}: {error}", 1)


def published_snapshot(config: Path | None, url: str | None, token: str | None) -> Snapshot:
    """The snapshot of the daemon at `url`; without `url` that of the store."""
    from datetime import UTC, datetime

    from monitor.cli.export import ForeignDocumentError, of_document, of_store

    if url is None:
        path, loaded = loaded_from(config)
        return on_store(path, loaded, lambda store: of_store(loaded, store, datetime.now(UTC)))
    try:
        return of_document(fetch(running_daemon(None, url, token)))
    except ForeignDocumentError as error:
        fail(f"{url}: {error}", 1)
