"""`--help` of every command is complete on a terminal of 80 columns."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from monitor.cli.main import app

COMMANDS = [
    [],
    *([name] for name in ("run", "check", "init", "probe", "scores", "top", "export", "demo", "backtest", "db")),
    *(["db", name] for name in ("upgrade", "info", "prune")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_is_not_cut_off_at_80_columns(command: list[str]) -> None:
    shown = CliRunner().invoke(app, [*command, "--help"], terminal_width=80, env={"COLUMNS": "80"})
    assert shown.exit_code == 0
    assert "…" not in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80
    assert "Usage: providerwatch" in " ".join(shown.output.split()) or "Usage: root" in shown.output
