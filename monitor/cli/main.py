"""The command line: names, options and help of all commands. The work is done in the modules that a command calls.

Each command imports these modules itself, so that `--help` does not import a database driver or a web server.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli import VERSION
from monitor.cli.common import (
    MISUSE,
    ConfigOption,
    FileArgument,
    JsonOption,
    TokenOption,
    UrlOption,
    chosen_file,
    console,
    extensions,
    fail,
    fetch,
    loaded_from,
    on_store,
    openrouter_document,
    published_snapshot,
    run_async,
    running_daemon,
    seconds,
    write_out,
)
from monitor.cli.db import db
from monitor.cli.top import top
from monitor.daemon.log_options import LogFormat, LogLevel
from monitor.routing.formats import FORMATS

app = typer.Typer(
    name="providerwatch",
    help="Monitors LLM providers: probes them on a schedule and publishes uptime, latency and a score for routers.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(db)

_FORMATS = f"One of {', '.join(FORMATS.own())}."


@app.callback(invoke_without_command=True)
def _options(
    *, version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False
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
        typer.Option("--log-level", metavar="LEVEL", help="debug (one record per sample), info, warning or error."),
    ] = LogLevel.INFO,
    log_format: Annotated[
        LogFormat | None,
        typer.Option("--log-format", metavar="FORMAT", help="text or json. Default: text on a terminal, else json."),
    ] = None,
) -> None:
    """Run the daemon. On SIGTERM or SIGINT, finish running probes and exit 0."""
    import signal

    from monitor.daemon import app as daemon
    from monitor.daemon import log
    from monitor.daemon.hanging_threads import exit_at_once_if_any
    from monitor.store import StoreError, StoreTakenError

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the daemon's own handler is installed
    path, loaded = loaded_from(chosen_file(file, config))
    log.configure(level=log_level, form=log_format)
    try:
        run_async(daemon.run_daemon(loaded, os.environ))
        exit_at_once_if_any(0)
    except StoreError as error:
        # A SQLite file that cannot be opened is a mistake in the configuration; a server may come back in a moment.
        log.flush()
        is_mistake = loaded.store.startswith("sqlite") or isinstance(error, StoreTakenError)
        code = MISUSE if is_mistake else 1
        print(f"{path}: store: {error}", file=sys.stderr)
        exit_at_once_if_any(code)
        raise typer.Exit(code) from None
    except OSError as error:
        log.flush()
        where = error.filename or f"listen: {loaded.listen.host}:{loaded.listen.port}"
        fail(f"{path}: {where}: {error.strerror}")


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

    Prints one line per error and per warning: file:line:column: key: message.

    With --connect, exit 1 if a provider does not answer, refuses the key, or does not have the model.
    """
    from monitor.cli.check import check_file
    from monitor.config import json_schema

    if schema:
        print(json.dumps(json_schema(extensions()), indent=2))
        return
    raise typer.Exit(check_file(chosen_file(file, config), connecting=connect, as_json=as_json))


@app.command()
def init(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The file to write. Default: stdout.")
    ] = None,
    servers: Annotated[
        list[str] | None,
        typer.Option(
            "--server", metavar="NAME=URL", help="Address of a local server, in place of its default port. Repeatable."
        ),
    ] = None,
    litellm: Annotated[
        Path | None,
        typer.Option(
            "--from-litellm",
            metavar="FILE",
            help="Convert the configuration of a LiteLLM proxy.",
        ),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a first configuration. It uses the API keys in the environment and the model servers on this machine."""
    from datetime import UTC, datetime

    from monitor.config import catalogue
    from monitor.discovery.first_config import nothing_found, report, write
    from monitor.discovery.search import addresses, discover

    if output is not None and output.exists() and not force:
        fail(f"{output} exists already; overwrite it with --force, or name another file with -o")
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
        fail(f"cannot read {source}: {error.strerror}")
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
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids of endpoints. Default: all.")] = None,
    config: ConfigOption = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="TASK", help="Run only probes of this task, such as chat or tool_call."),
    ] = None,
    number: Annotated[int, typer.Option("-n", metavar="N", min=1, max=10_000, help="How often to run each probe.")] = 1,
    *,
    as_json: JsonOption = False,
    transcript: Annotated[
        bool, typer.Option("--transcript", help="Show every event of the answer with its arrival time.")
    ] = False,
) -> None:
    """Probe endpoints now. Shows the duration of each phase. Exit 0 if all probes succeeded, else 1."""
    from monitor.cli.probe import (
        ProbeMisuseError,
        choose,
        probe_now,
        show_json,
        show_summary,
        show_transcript,
        show_waterfall,
    )

    _, loaded = loaded_from(config, ids or ())
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
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh the table until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the scores of a running daemon. It is the one at --url, else the one of the configuration."""
    from datetime import UTC, datetime

    from monitor.console.scores_table import scores_table
    from monitor.console.watch import watch_scores

    if watch and as_json:
        fail("--watch and --json cannot be combined; programs can follow GET /v1/scores/stream (docs/http.md)")
    source = running_daemon(config, url, token)
    document = fetch(source)
    if as_json:
        print(json.dumps(document, indent=2))
    elif watch:
        with suppress(KeyboardInterrupt):
            run_async(watch_scores(f"{source.url}/v1/scores", console(), token=source.token))
    else:
        console().print(scores_table(document, now=datetime.now(UTC)))


app.command()(top)


def _known_format(name: str) -> str:
    if name not in FORMATS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(FORMATS)}.")
    return name


@app.command()
def export(
    config: ConfigOption = None,
    url: UrlOption = None,
    *,
    token: TokenOption = None,
    name: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=_FORMATS,
            callback=_known_format,
            autocompletion=lambda: list(FORMATS),
        ),
    ] = "scores",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The file to write, atomically. Default: stdout."),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="NAME", help="For envoy-eds: the cluster, if there are several.")
    ] = None,
) -> None:
    """Write a router's file once. The scores come from a running daemon (--url) or from the store."""
    from monitor.cli.export import render
    from monitor.routing.router_format import CannotBeMadeError

    if cluster is not None and "cluster" not in FORMATS[name].known_keys():
        fail(f"--cluster: the format {name} has no clusters; leave it out, or write --format envoy-eds")
    if name == "openrouter" and url is not None:
        write_out(openrouter_document(running_daemon(None, url, token)), output)
        return
    snapshot = published_snapshot(config, url, token)
    try:
        body = render(name, snapshot, cluster)
    except CannotBeMadeError as error:
        fail(str(error))
    write_out(body.decode(), output)


@app.command()
def demo(
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="DURATION", help="How long to run, such as 60s. Default: until Ctrl-C."),
    ] = None,
    directory: Annotated[Path, typer.Option("--dir", metavar="FOLDER", help="Folder for the demo's files.")] = Path(
        "providerwatch-demo"
    ),
    port: Annotated[
        int | None,
        typer.Option(
            "--port", metavar="PORT", min=1, max=65535, help="Port of the API. Default: 8780, or a free port."
        ),
    ] = None,
) -> None:
    """Run the daemon on a real model. A small one answers as a steady, a slow and a flaky provider."""
    from monitor.demo.orchestrate import run_demo

    duration_s = None if duration is None else seconds(duration, "--for")
    raise typer.Exit(run_async(run_demo(directory=directory, duration_s=duration_s, port=port)))


@app.command()
def backtest(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids of endpoints. Default: all.")] = None,
    config: ConfigOption = None,
    since: Annotated[str, typer.Option("--since", metavar="DURATION", help="Length of the history to replay.")] = "7d",
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="NAME",
            help="filter, failures-N, ratio-N, average-0.N, cooldown or thresholds. Repeatable. Default: all.",
        ),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Compare scoring policies on stored samples. Each policy reads all of them again."""
    from datetime import UTC, datetime

    from monitor.backtest import report, run
    from monitor.backtest.policies import NAMES, UnknownPolicyError

    path, loaded = loaded_from(config, ids or ())
    now = datetime.now(UTC)
    wanted = run.BacktestRequest(
        since=run.since_of(now, seconds(since, "--since")), until=now, ids=ids or (), policies=policies or NAMES
    )
    with console(stderr=True).status("reading …") as status:

        def progress(at: datetime, samples: int) -> None:
            status.update(f"{at:%Y-%m-%d %H:%M} UTC, {samples:,} samples …")

        try:
            found = on_store(path, loaded, lambda store: run.backtest(store, loaded, wanted, progress))
        except (run.BacktestMisuseError, UnknownPolicyError) as error:
            fail(str(error))
    if as_json:
        print(json.dumps(report.as_plain(found), indent=2))
    else:
        console().print(report.as_tables(found))


def main() -> None:
    """Run the command of the command line. `monitor.cli.__main__` calls it."""
    app()


if __name__ == "__main__":
    main()
