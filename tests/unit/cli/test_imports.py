"""A command imports only modules that it uses, because imports take most of its start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DATABASE = {"sqlalchemy", "alembic", "pg8000", "ddsketch"}
DAEMON = {"apscheduler", "prometheus_client", "influxdb_client", "tzlocal"}
HEAVY = DATABASE | DAEMON | {"aiohttp", "asyncio", "pydantic", "yaml", "jinja2", "genai_prices", "bpe_openai"}
SHOWN = "import sys, {modules}; print(*sys.modules)"
AFTER_COMMAND = """
import atexit, sys
atexit.register(lambda: print("\\n", *sys.modules))
from monitor.cli.__main__ import main
main()
"""


def python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_templates_are_loaded_with_the_first_page_and_not_with_the_server() -> None:
    modules = "monitor.daemon.app, monitor.workers.worker, monitor.web.pages.routes"
    assert "jinja2" not in python(SHOWN.format(modules=modules)).split()


def after(*arguments: str) -> set[str]:
    """The modules that a command has imported at its end."""
    return {*python(AFTER_COMMAND, *arguments).splitlines()[-1].split()}


def test_the_version_is_shown_without_a_library() -> None:
    modules = after("--version")
    assert modules & (HEAVY | {"typer", "rich", "monitor.cli.main"}) == set()
    assert python("from monitor.cli.__main__ import main; main()", "--version").startswith("providerwatch ")


@pytest.mark.parametrize("command", ["--help", "-h"])
def test_help_is_shown_without_a_server_a_database_or_models(command: str) -> None:
    assert after(command) & HEAVY == set()


def test_a_probe_by_hand_needs_no_daemon_and_no_database() -> None:
    modules = {*python(SHOWN.format(modules="monitor.cli.main, monitor.cli.probe, monitor.config")).split()}
    assert modules & (DATABASE | DAEMON | {"jinja2", "bpe_openai", "genai_prices"}) == set()
    assert not {name for name in modules if name.startswith(("monitor.store", "monitor.daemon.app", "monitor.web"))}
