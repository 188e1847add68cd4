"""What several commands share: options, the configuration, the store, a daemon's scores, how a command ends.

Imports stand where they are needed, as in the commands.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.store import Store

Result = TypeVar("Result")

MISUSE = 2
"""Exit code for a mistake in the command line or the configuration."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "-c", "--config", help="The configuration; default: $PROVIDERWATCH_CONFIG, ./providerwatch.yaml, /etc."
    ),
]
UrlOption = Annotated[str | None, typer.Option("--url", help="Address of a running daemon, as http://127.0.0.1:8780.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs instead of text for people.")]


def fail(message: str, code: int = MISUSE) -> NoReturn:
    """End with a message on stderr."""
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def on_store(path: Path, config: Config, work: Callable[[Store], Coroutine[None, None, Result]]) -> Result:
    """Do something with the configured store; the end of the program when the store does not let it."""
    from monitor.store import StoreError, create_store

    async def run() -> Result:
        return await work(create_store(config.store))

    try:
        return asyncio.run(run())
    except StoreError as error:
        fail(f"{path}: store: {error}", 1)


def write_out(text: str, path: Path | None) -> None:
    """Put a text into the place of a file, or on stdout."""
    from monitor.publish.files import replace_file

    if path is None:
        sys.stdout.write(text)
        return
    try:
        replace_file(path, text.encode())
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}", 1)


def seconds(duration: str, option: str) -> float:
    """A duration that an option was given; the end of the program when it is none."""
    from monitor.config import RefusedError, duration_s

    try:
        return duration_s(duration)
    except RefusedError as error:
        fail(f"{option}: {error.message.format(value=duration)}")


def loaded_from(path: Path | None) -> tuple[Path, Config]:
    """The configuration, or the end of the program with every mistake in it."""
    from monitor.config import ConfigError, default_path, load

    chosen = path or default_path(os.environ)
    try:
        return chosen, load(chosen, os.environ)
    except ConfigError as error:
        fail(str(error))


def fetch(config: Path | None, url: str | None) -> Mapping[str, object]:
    """The scores document of the daemon at `url`, or of the one that the configuration describes."""
    from monitor.remote import ScoresUnavailableError, fetch_once

    token = os.environ.get("PROVIDERWATCH_TOKEN")
    if url is None:
        _, loaded = loaded_from(config)
        host = f"[{loaded.listen.host}]" if ":" in loaded.listen.host else loaded.listen.host
        url = f"http://{host}:{loaded.listen.port}"
        token = loaded.token.reveal() if loaded.token else None
    try:
        return asyncio.run(fetch_once(f"{url.rstrip('/')}/v1/scores", token))
    except ScoresUnavailableError as error:
        fail(f"{url}: {error}; is the daemon running?", 1)
