"""The command `providerwatch`, and `python -m monitor.cli`."""

from __future__ import annotations

import os
import sys

from monitor.cli import VERSION


def main() -> None:
    """Entry point of both."""
    try:
        try:
            _run()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of stdout has gone; Python's own flush at the exit would print a traceback
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _run() -> None:
    if sys.argv[1:] == ["--version"]:  # to read a flag, typer imports pydantic: half a second
        print(VERSION)
        return
    from monitor.cli.main import main as run_command

    run_command()


if __name__ == "__main__":
    main()
