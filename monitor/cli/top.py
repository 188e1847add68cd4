"""`providerwatch top`: its options."""

from __future__ import annotations

from contextlib import suppress

import typer

from monitor.cli.common import ConfigOption, TokenOption, UrlOption, console, fail, run_async, running_daemon


def top(config: ConfigOption = None, url: UrlOption = None, token: TokenOption = None) -> None:
    """Watch a running daemon on the whole terminal. Sort, filter, group; `?` lists the keys, `q` quits.

    Into a file or a pipe: one table of all endpoints.
    """
    from monitor.console.remote import ScoresUnavailableError
    from monitor.console.top.app import run_top

    source = running_daemon(config, url, token)
    with suppress(KeyboardInterrupt):
        try:
            code = run_async(run_top(source.url, source.token, console()))
        except ScoresUnavailableError as error:
            fail(f"{source.url}/v1/scores: {error}", 1)
        raise typer.Exit(code)
