"""The command line: what a command is called and takes. What it does stands in the modules it calls.

Those are imported by the command that needs them, so that `--help` waits for neither a database nor a server.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from monitor.cli import VERSION
from monitor.cli.common import (
    MISUSE,
    ConfigOption,
    FileArgument,
    JsonOption,
    RunningDaemon,
    TokenOption,
    UrlOption,
    chosen_file,
    fail,
    fetch,
    loaded_from,
    on_store,
    run_async,
    running_daemon,
    seconds,
    write_out,
)
from monitor.cli.db import db
from monitor.daemon.log import LogFormat, LogLevel
from monitor.domain.formats import Format

if TYPE_CHECKING:
    from monitor.scoreboard.snapshot import Snapshot

app = typer.Typer(
    name="providerwatch",
    help="Watches language model providers: probes, times, judges, and publishes how likely the next request succeeds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(db)

_FORMATS = f"One of {', '.join(Format)}."


@app.callback(invoke_without_command=True)
def _options(
    *, version: Annotated[bool, typer.Option("--version", help="Show the version and end.", is_eager=True)] = False
) -> None:
    if version:
        print(VERSION)
        raise typer.Exit


@app.command()
def run(
    file: FileArgument = None,
    config: ConfigOption = None,
    log_level: Annotated[
        LogLevel,
        typer.Option(
            "--log-level", metavar="LEVEL", help="debug (with a record for each sample), info, warning or error."
        ),
    ] = LogLevel.INFO,
    log_format: Annotated[
        LogFormat | None,
        typer.Option("--log-format", metavar="FORMAT", help="text or json. Default: text on a terminal, else json."),
    ] = None,
) -> None:
    """Run the daemon, until SIGTERM or SIGINT; then drain and exit 0."""
    import signal

    from monitor.daemon import app as daemon
    from monitor.daemon import log
    from monitor.store import StoreError, StoreTakenError

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the daemon can say that it takes no notice
    path, loaded = loaded_from(chosen_file(file, config))
    log.configure(level=log_level, form=log_format)
    try:
        run_async(daemon.run_daemon(loaded, os.environ))
    except StoreError as error:
        # A file that cannot be had is a mistake in the configuration; a server may be there a moment later.
        log.flush()
        is_mistake = loaded.store.startswith("sqlite") or isinstance(error, StoreTakenError)
        fail(f"{path}: store: {error}", MISUSE if is_mistake else 1)
    except OSError as error:
        log.flush()
        where = error.filename or f"listen: {loaded.listen.host}:{loaded.listen.port}"
        fail(f"{path}: {where} cannot be used: {error.strerror}")


@app.command()
def check(
    file: FileArgument = None,
    config: ConfigOption = None,
    *,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the configuration and exit.")
    ] = False,
    connect: Annotated[
        bool,
        typer.Option("--connect", help="Also ask each provider for its list of models; this costs no tokens."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Validate a configuration. Exit 0 if it can be used, 2 if not.

    Every mistake is a line: file:line:column: path: what is wrong. Warnings are lines of the same form.

    With --connect, exit 1 if a provider does not answer, refuses the key, or does not have the model.
    """
    from monitor.cli.check import check_file
    from monitor.config import json_schema

    if schema:
        print(json.dumps(json_schema(), indent=2))
        return
    raise typer.Exit(check_file(chosen_file(file, config), connecting=connect, as_json=as_json))


@app.command()
def init(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The file to write; default: stdout.")
    ] = None,
    servers: Annotated[
        list[str] | None,
        typer.Option("--server", metavar="NAME=URL", help="Look there for a local server, not at the usual ports."),
    ] = None,
    litellm: Annotated[
        Path | None,
        typer.Option(
            "--from-litellm",
            metavar="FILE",
            help="Take models, addresses and ids from a LiteLLM proxy's configuration.",
        ),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a first configuration, for the keys in the environment and the servers on this machine."""
    from datetime import UTC, datetime

    from monitor.config import catalogue
    from monitor.discovery.first_config import nothing_found, report, write
    from monitor.discovery.search import addresses, discover

    if output is not None and output.exists() and not force:
        fail(f"{output} exists already; --force replaces it, -o writes elsewhere")
    if litellm is not None:
        _init_from_litellm(litellm, output)
        return
    try:
        base_urls = addresses(catalogue(), servers or ())
    except ValueError as error:
        fail(f"--server: {error}")
    found, now = run_async(discover(catalogue(), os.environ, base_urls)), datetime.now(UTC)
    text = write(found, catalogue(), now)
    if text is None:
        fail(nothing_found(found, catalogue(), base_urls), 1)
    write_out(text, output)
    print(report(found, now, output), file=sys.stderr)


def _init_from_litellm(source: Path, output: Path | None) -> None:
    from datetime import UTC, datetime

    from monitor.config import ConfigError, catalogue
    from monitor.config.litellm_file import read_litellm
    from monitor.discovery.from_litellm import ConversionRequest, from_litellm

    try:
        found = read_litellm(source.read_text(encoding="utf-8"), str(source), catalogue())
    except ConfigError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{source} cannot be read: {error.strerror}")
    except ValueError as error:  # UnicodeDecodeError is one
        fail(f"{source} {'is not UTF-8 text' if isinstance(error, UnicodeDecodeError) else error}")
    request = ConversionRequest(source=source, output=output, at=datetime.now(UTC), env=os.environ)
    made = from_litellm(found, catalogue(), request)
    if made.text is None:
        fail(made.report, 1)
    write_out(made.text, output)
    print(made.report, file=sys.stderr)


@app.command()
def probe(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Endpoints; all when none is named.")] = None,
    config: ConfigOption = None,
    task: Annotated[
        str | None, typer.Option("--task", metavar="TASK", help="Only probes of this task, such as chat or tool_call.")
    ] = None,
    number: Annotated[int, typer.Option("-n", metavar="N", min=1, max=10_000, help="How many times each.")] = 1,
    *,
    as_json: JsonOption = False,
    transcript: Annotated[bool, typer.Option("--transcript", help="Show every event as it arrived.")] = False,
) -> None:
    """Probe now and show where the time went. Exit 0 if all succeeded, 1 if not."""
    from monitor.cli.probe import (
        ProbeMisuseError,
        choose,
        probe_now,
        show_json,
        show_summary,
        show_transcript,
        show_waterfall,
    )

    _, loaded = loaded_from(config)
    show = show_json if as_json else show_transcript if transcript else show_waterfall
    try:
        jobs, conclude = choose(loaded, ids or [], task), None if as_json else show_summary
        all_ok = run_async(probe_now(loaded, jobs, number, show, conclude))
    except ProbeMisuseError as error:
        fail(str(error))
    raise typer.Exit(0 if all_ok else 1)


@app.command()
def scores(
    config: ConfigOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep the table up to date until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the current scores of a running daemon: of --url, else of the one that the configuration describes."""
    from datetime import UTC, datetime

    from monitor.console.scores_table import scores_table
    from monitor.console.watch import watch_scores

    if watch and as_json:
        fail("--watch is a table for people; for programs there is GET /v1/scores/stream (docs/http.md)")
    source = running_daemon(config, url, token)
    document = fetch(source)
    if as_json:
        print(json.dumps(document, indent=2))
    elif watch:
        with suppress(KeyboardInterrupt):
            run_async(watch_scores(f"{source.url}/v1/scores", Console(), token=source.token))
    else:
        Console().print(scores_table(document, now=datetime.now(UTC)))


@app.command()
def export(
    config: ConfigOption = None,
    url: UrlOption = None,
    *,
    token: TokenOption = None,
    file_format: Annotated[Format, typer.Option("--format", metavar="FORMAT", help=_FORMATS)] = Format.SCORES,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The file to replace, by rename; default: stdout."),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="NAME", help="Which of Envoy's clusters, if several.")
    ] = None,
) -> None:
    """Write what routers read, once: of a running daemon with --url, else of the store as a start would find it."""
    from monitor.routing.formats.render import CannotBeMadeError, render

    if file_format is Format.OPENROUTER and url is not None:
        write_out(_openrouter_document(running_daemon(None, url, token)), output)
        return
    snapshot = _snapshot(config, url, token)
    try:
        body = render(file_format, snapshot, cluster)
    except CannotBeMadeError as error:
        fail(str(error))
    write_out(body.decode(), output)


@app.command()
def demo(
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="End after so long, such as 60s. Default: on Ctrl-C."),
    ] = None,
    directory: Annotated[Path, typer.Option("--dir", metavar="FOLDER", help="Where its files go.")] = Path(
        "providerwatch-demo"
    ),
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="PORT", min=1, max=65535, help="Port of the API. Default: 8780, or any that is free."
        ),
    ] = None,
) -> None:
    """Run the daemon on a real small language model behind a steady, a slow and a flaky provider."""
    from monitor.demo.orchestrate import run_demo

    duration_s = None if duration is None else seconds(duration, "--for")
    raise typer.Exit(run_async(run_demo(directory=directory, duration_s=duration_s, port=port)))


@app.command()
def backtest(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Endpoints; all when none is named.")] = None,
    config: ConfigOption = None,
    since: Annotated[str, typer.Option("--since", metavar="DURATION", help="How far to go back.")] = "7d",
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

    from monitor.backtest import report, run
    from monitor.backtest.policies import NAMES, UnknownPolicyError

    path, loaded = loaded_from(config)
    now = datetime.now(UTC)
    wanted = run.BacktestRequest(
        since=run.since_of(now, seconds(since, "--since")), until=now, ids=ids or (), policies=policies or NAMES
    )
    with Console(stderr=True, highlight=False).status("reading …") as status:

        def progress(at: datetime, samples: int) -> None:
            status.update(f"{at:%Y-%m-%d %H:%M} UTC, {samples:,} samples …")

        try:
            found = on_store(path, loaded, lambda store: run.backtest(store, loaded, wanted, progress))
        except (run.BacktestMisuseError, UnknownPolicyError) as error:
            fail(str(error))
    if as_json:
        print(json.dumps(report.as_plain(found), indent=2))
    else:
        Console(highlight=False).print(report.as_tables(found))


def _snapshot(config: Path | None, url: str | None, token: str | None) -> Snapshot:
    """What there is to publish; without `url` that of the store."""
    from datetime import UTC, datetime

    from monitor.cli.export import ForeignDocumentError, of_document, of_store

    if url is None:
        path, loaded = loaded_from(config)
        return on_store(path, loaded, lambda store: of_store(loaded, store, datetime.now(UTC)))
    try:
        return of_document(fetch(running_daemon(None, url, token)))
    except ForeignDocumentError as error:
        fail(f"{url}: {error}", 1)


def _openrouter_document(source: RunningDaemon) -> str:
    """What a daemon says in OpenRouter's shape."""
    from monitor.console.remote import ScoresUnavailableError, fetch_openrouter

    try:
        return run_async(fetch_openrouter(source.url, source.token)).decode()
    except ScoresUnavailableError as error:
        fail(f"{source.url}: {error}", 1)


def main() -> None:
    """Entry point of the command `providerwatch`."""
    app()


if __name__ == "__main__":
    main()
