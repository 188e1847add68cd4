"""The commands under `db`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from monitor.cli.common import ConfigOption, JsonOption, console, loaded_from, on_store

db = typer.Typer(
    name="db",
    help="Maintain the store: migrate, show its size, apply retention. Safe while the daemon runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@db.command()
def upgrade(config: ConfigOption = None) -> None:
    """Migrate the store to the newest schema, as the daemon does when it starts."""
    from monitor.cli import upkeep

    path, loaded = loaded_from(config)
    schema = on_store(path, loaded, upkeep.upgrade)
    if schema.found == schema.known:
        print(f"already at schema {schema.known}")
    else:
        print(f"upgraded from {'nothing' if schema.found is None else f'schema {schema.found}'} to {schema.known}")


@db.command()
def info(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Show the store's size and contents, and the samples that wait for sinks."""
    from monitor.cli import upkeep
    from monitor.console import store_table

    path, loaded = loaded_from(config)
    held = on_store(path, loaded, upkeep.look)
    if as_json:
        print(json.dumps(store_table.as_plain(held), indent=2))
    else:
        console().print(store_table.show(held))


@db.command()
def prune(
    config: ConfigOption = None,
    *,
    trust_clock: Annotated[
        bool,
        typer.Option(
            "--trust-clock",
            help="Apply retention by this machine's clock, even if the clock is far ahead of the newest sample.",
        ),
    ] = False,
) -> None:
    """Run housekeeping now: roll up, compress, and delete data older than `retention`."""
    from datetime import UTC, datetime

    from monitor.cli import upkeep
    from monitor.console import store_table
    from monitor.domain.text import plural

    path, loaded = loaded_from(config)
    done = 0
    with console(stderr=True).status("housekeeping …") as status:

        def progress(slices: int) -> None:
            nonlocal done
            done = slices
            status.update(f"housekeeping … {plural(slices, 'slice')}")

        before, after = on_store(
            path,
            loaded,
            lambda store: upkeep.prune(
                store, loaded.retention, lambda: datetime.now(UTC), progress, trust_clock=trust_clock
            ),
        )
    console(stderr=True).print(f"housekeeping done in {plural(done, 'slice')}")
    print(
        f"{plural(before.samples, 'sample')}, {store_table.size(before.size.total_bytes)} → "
        f"{plural(after.samples, 'sample')}, {store_table.size(after.size.total_bytes)}"
    )
