"""A configuration file that stands where the id of an endpoint is expected: the error says where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli.main import app

CONFIGURATION = """\
providers:
  near: {api: openai_chat, base_url: "http://127.0.0.1:9/v1"}
models:
  a/b: {endpoints: [{provider: near, model: b}]}
"""


def stderr_of(default: Path, *arguments: str) -> str:
    """What a command says that ends for a mistake; `default` is the configuration where none is named."""
    ended = CliRunner().invoke(app, arguments, env={"PROVIDERWATCH_CONFIG": str(default)})
    assert ended.exit_code == 2
    return ended.stderr


@pytest.mark.parametrize("command", ["probe", "backtest"])
def test_a_file_in_place_of_an_id_gets_the_hint_with_a_configuration_and_without(command: str, tmp_path: Path) -> None:
    file, missing = tmp_path / "own.yaml", tmp_path / "missing.yaml"
    file.write_text(CONFIGURATION)
    hint = f"; {file} is a file: for a configuration write -c {file}\n"
    assert stderr_of(missing, command, str(file)).endswith(hint)
    assert stderr_of(file, command, str(file)) == f"no endpoint has the id {str(file)!r}{hint}"
    assert " is a file" not in stderr_of(missing, command, "near:b")
    assert " is a file" not in stderr_of(missing, command, "-c", str(missing), str(file))
