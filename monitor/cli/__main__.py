"""The command `providerwatch`, and `python -m monitor.cli`."""

from __future__ import annotations

import sys

from monitor.cli import VERSION


def main() -> None:
    """Entry point of both."""
    if sys.argv[1:] == ["--version"]:  # to read a flag, typer imports pydantic: half a second
        print(VERSION)
        return
    from monitor.cli.main import main as run_command

    run_command()


if __name__ == "__main__":
    main()
