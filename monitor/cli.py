"""The command line: what a command is called and takes. What it does stands in the modules it calls.

Those are imported by the command that needs them, so that `--help` waits for neither a database nor a server.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from monitor import __version__
from monitor.cli_db import db
from monitor.commands import (
    MISUSE,
    ConfigOption,
    JsonOption,
    UrlOption,
    fail,
    fetch,
    loaded_from,
    on_store,
    seconds,
    write_out,
)
from monitor.shapes import Shape

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.publish.board import Snapshot

app = typer.Typer(
    name="providerwatch",
    help="Watches language model providers: probes, times, judges, and publishes how likely the next request succeeds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(db)

_LOG_WIDTH = 160
"""Columns of a table that goes into a file or a pipe."""


@app.callback(invoke_without_command=True)
def _options(
    *, version: Annotated[bool, typer.Option("--version", help="Show the version and end.", is_eager=True)] = False
) -> None:
    if version:
        print(f"providerwatch {__version__}")
        raise typer.Exit


@app.command()
def run(config: ConfigOption = None) -> None:
    """Run the daemon, until SIGTERM or SIGINT; then drain and exit 0."""
    import signal

    from monitor import app as daemon
    from monitor import log
    from monitor.store import StoreError, StoreTakenError

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the daemon can say that it takes no notice
    path, loaded = loaded_from(config)
    log.configure()
    try:
        asyncio.run(daemon.run_daemon(loaded, os.environ))
    except StoreError as error:
        # A file that cannot be had is a mistake in the configuration; a server may be there a moment later.
        is_mistake = loaded.store.startswith("sqlite") or isinstance(error, StoreTakenError)
        fail(f"{path}: store: {error}", MISUSE if is_mistake else 1)
    except OSError as error:
        where = error.filename or f"listen: {loaded.listen.host}:{loaded.listen.port}"
        fail(f"{path}: {where} cannot be used: {error.strerror}")


@app.command()
def check(
    config: ConfigOption = None,
    *,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the configuration and end.")
    ] = False,
    connect: Annotated[
        bool, typer.Option("--connect", help="Then ask the providers: do they answer, take the keys, have the models?")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Validate a configuration: every mistake as file:line:column, exit 0 or 2.

    With --connect also ask every provider for its list of models, which costs no tokens; exit 1 if one does not
    answer, does not take the key, or has not the model.
    """
    from monitor.config import json_schema, unused_proxy
    from monitor.vantage.origins import blind_spot

    if schema:
        print(json.dumps(json_schema(), indent=2))
        return
    if as_json and not connect:
        fail("--json goes with --connect")
    path, loaded = loaded_from(config)
    paused = sum(not spec.enabled for spec in loaded.endpoints)
    note = f", {paused} paused" if paused else ""
    if (lone := blind_spot([spec.endpoint for spec in loaded.endpoints if spec.enabled], loaded.canaries)) is not None:
        print(
            f"{path}: warning: all endpoints are at {lone} and there are no `canaries`: when it does not answer, its "
            "fault cannot be told from a fault of this place's network; name two machines that have nothing to do with "
            'it, such as canaries: ["1.1.1.1:443", "example.com:443"]',
            file=sys.stderr,
        )
    if not as_json:
        print(f"{path}: ok: {len(loaded.endpoints)} endpoints{note}, {len(loaded.probes)} probes", flush=True)
    proxy_note = unused_proxy(loaded, os.environ)
    if proxy_note is not None:
        print(f"{path}: note: {proxy_note}", file=sys.stderr)
    if connect:
        raise typer.Exit(_connect(loaded, paused, as_json=as_json))


def _connect(config: Config, paused: int, *, as_json: bool) -> int:
    """Ask the providers and show what they say; the exit code."""
    from monitor.connect import as_plain, connect, show

    findings = asyncio.run(connect(config))
    all_ok = all(found.ok for found in findings)
    if as_json:
        print(json.dumps({"ok": all_ok, "endpoints": as_plain(findings)}, indent=2))
    else:
        wide = None if sys.stdout.isatty() else _LOG_WIDTH
        Console(highlight=False, width=wide).print(show(findings, paused))
    return 0 if all_ok else 1


@app.command()
def init(
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The file to write; default: stdout.")] = None,
    servers: Annotated[
        list[str] | None,
        typer.Option("--server", metavar="NAME=URL", help="Look there for a local server, not at the usual ports."),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a first configuration, for the keys in the environment and the servers on this machine."""
    from datetime import UTC, datetime

    from monitor.config import catalogue
    from monitor.discovery import addresses, discover
    from monitor.starter import nothing_found, report, write

    if output is not None and output.exists() and not force:
        fail(f"{output} exists already; --force replaces it, -o writes elsewhere")
    try:
        places = addresses(catalogue(), servers or ())
    except ValueError as error:
        fail(f"--server: {error}")
    found, now = asyncio.run(discover(catalogue(), os.environ, places)), datetime.now(UTC)
    text = write(found, catalogue(), now)
    if text is None:
        fail(nothing_found(found, catalogue(), places), 1)
    write_out(text, output)
    print(report(found, now, output), file=sys.stderr)


@app.command()
def probe(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Endpoints; all when none is named.")
    ] = None,
    config: ConfigOption = None,
    task: Annotated[str | None, typer.Option("--task", help="Only probes of this task.")] = None,
    number: Annotated[int, typer.Option("-n", min=1, max=10_000, help="How many times each.")] = 1,
    *,
    as_json: JsonOption = False,
    transcript: Annotated[bool, typer.Option("--transcript", help="Show every event as it arrived.")] = False,
) -> None:
    """Probe now and show where the time went; exit 0 if all succeeded, 1 if not."""
    from monitor.probing import MisuseError, choose, probe_now, show_json, show_transcript, show_waterfall

    _, loaded = loaded_from(config)
    show = show_json if as_json else show_transcript if transcript else show_waterfall
    try:
        all_ok = asyncio.run(probe_now(loaded, choose(loaded, ids or [], task), number, show))
    except MisuseError as error:
        fail(str(error))
    raise typer.Exit(0 if all_ok else 1)


@app.command()
def scores(config: ConfigOption = None, url: UrlOption = None, *, as_json: JsonOption = False) -> None:
    """Show the current scores of a running daemon."""
    from datetime import UTC, datetime

    from monitor.terminal import scores_table

    document = fetch(config, url)
    if as_json:
        print(json.dumps(document, indent=2))
        return
    Console().print(scores_table(document, now=datetime.now(UTC)))


@app.command()
def export(
    config: ConfigOption = None,
    url: UrlOption = None,
    shape: Annotated[Shape, typer.Option("--format", help="The file's shape.")] = Shape.SCORES,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Replaced by rename; default: stdout.")] = None,
    cluster: Annotated[str | None, typer.Option("--cluster", help="Which of Envoy's clusters, if several.")] = None,
) -> None:
    """Write what routers read, once: of a running daemon with --url, else of the store as a start would find it."""
    from monitor.publish.formats import CannotBeMadeError, render

    if shape is Shape.OPENROUTER and url is not None:
        write_out(_offers(url), output)
        return
    snapshot = _snapshot(config, url)
    try:
        body = render(shape, snapshot, cluster)
    except CannotBeMadeError as error:
        fail(str(error))
    write_out(body.decode(), output)


@app.command()
def demo(
    duration: Annotated[str | None, typer.Option("--for", help="End after so long, as 60s; default: Ctrl-C.")] = None,
    directory: Annotated[Path, typer.Option("--dir", help="Where its files go.")] = Path("providerwatch-demo"),
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port of the API.")] = None,
) -> None:
    """Run the daemon on a real small language model behind a steady, a slow and a flaky provider."""
    from monitor.demo.orchestrate import run_demo

    duration_s = None if duration is None else seconds(duration, "--for")
    raise typer.Exit(asyncio.run(run_demo(directory=directory, duration_s=duration_s, port=port)))


@app.command()
def backtest(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Endpoints; all when none is named.")
    ] = None,
    config: ConfigOption = None,
    since: Annotated[str, typer.Option("--since", help="How far to go back.")] = "7d",
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="NAME",
            help="filter, failures-N, ratio-N, average-0.N, cooldown or thresholds; may be repeated.",
        ),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Play stored samples again to several policies, and show side by side how each would have done."""
    from datetime import UTC, datetime

    from monitor import backtest, sidebyside
    from monitor.score.policies import NAMES, UnknownPolicyError

    path, loaded = loaded_from(config)
    now = datetime.now(UTC)
    wanted = backtest.Wanted(
        since=backtest.since_of(now, seconds(since, "--since")), until=now, ids=ids or (), policies=policies or NAMES
    )
    with Console(stderr=True, highlight=False).status("reading …") as status:

        def progress(at: datetime, samples: int) -> None:
            status.update(f"{at:%Y-%m-%d %H:%M} UTC, {samples:,} samples …")

        try:
            found = on_store(path, loaded, lambda store: backtest.backtest(store, loaded, wanted, progress))
        except (backtest.MisuseError, UnknownPolicyError) as error:
            fail(str(error))
    if as_json:
        print(json.dumps(sidebyside.as_plain(found), indent=2))
    else:
        Console(highlight=False).print(sidebyside.show(found))


def _snapshot(config: Path | None, url: str | None) -> Snapshot:
    """What there is to publish; without `url` that of the store."""
    from datetime import UTC, datetime

    from monitor import exporting

    if url is None:
        path, loaded = loaded_from(config)
        return on_store(path, loaded, lambda store: exporting.of_store(loaded, store, datetime.now(UTC)))
    try:
        return exporting.of_document(fetch(None, url))
    except exporting.ForeignDocumentError as error:
        fail(f"{url}: {error}", 1)


def _offers(url: str) -> str:
    """What the daemon at `url` says in OpenRouter's shape."""
    from monitor.remote import ScoresUnavailableError, fetch_offers

    try:
        return asyncio.run(fetch_offers(url.rstrip("/"), os.environ.get("PROVIDERWATCH_TOKEN"))).decode()
    except ScoresUnavailableError as error:
        fail(f"{url}: {error}; is the daemon running?", 1)


def main() -> None:
    """Entry point of the command `providerwatch`."""
    app()


if __name__ == "__main__":
    main()
