"""`providerwatch top` on a real terminal, beside a real daemon with a real model."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.daemon import PATIENCE_S, Daemon, command, free_port, quick_probes, running, wait_until, write_config
from tests.support.providers import Providers
from tests.support.pty_program import on_terminal

pytestmark = pytest.mark.alone

LEAVES = b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
COLOUR = re.compile(rb"\x1b\[[0-9;]*\b(3[0-7]|4[0-7]|9[0-7]|38|48)[0-9;]*m")
WIDE, RIGHT_TO_LEFT, LONG = "日本語モデル", "نموذج", "x" * 90


def config(directory: Path, steady: str) -> dict[str, object]:
    """A steady provider, and a dead one whose models have difficult names."""
    dead = [{"provider": "dead", "model": name} for name in ("smol", WIDE, RIGHT_TO_LEFT, LONG)]
    return {
        "store": f"sqlite:///{directory / 'samples.db'}",
        "vantage": "here",
        "providers": {
            "steady": {"api": "openai_chat", "base_url": f"{steady}/v1"},
            "dead": {"api": "openai_chat", "base_url": f"http://127.0.0.1:{free_port()}/v1"},
        },
        "models": {"hf/smol": {"endpoints": [{"provider": "steady", "model": "smol"}, *dead]}},
        "probes": {"chat": {**quick_probes("5s")["chat"], "ttft_timeout": "40s", "timeout": "50s"}},
        "scoring": {"count_wrong_answers": False},
    }


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, providers: Providers) -> Iterator[Daemon]:
    """A daemon that has found the dead endpoints down and has measured the steady one."""
    directory = tmp_path_factory.mktemp("top")
    with running(directory, config(directory, providers.model)) as found:
        wait_until(lambda: [row["status"] for row in found.scores().values()].count("down") == 4, "four to be down")
        wait_until(lambda: found.scores()["steady:smol"]["ttft_s"]["p50"], "a success")
        yield found


def top(daemon: Daemon) -> tuple[str, ...]:
    return command("top", "--url", daemon.url)


def order(lines: list[str]) -> str:
    """The provider of each row, in their order: d or s."""
    return "".join(found[1] for line in lines[3:] if (found := re.match(r"\S \w+ +([ds])(ead|teady):", line)))


def test_at_80_columns_sorting_and_filtering_act_at_once_and_q_restores_the_terminal(daemon: Daemon) -> None:
    with on_terminal(top(daemon)) as program:
        before = program.line_modes()
        lines = program.wait_for("steady:smol")
        assert lines[0].startswith("4 of 5 endpoints down")
        assert lines[0].endswith("from here")
        assert lines[1].startswith("monitor: healthy")
        assert order(lines) == "dddds"
        row = next(line for line in lines if "steady:smol" in line)
        assert re.search(r"\d\.\d\d \d\.\d\d–\d\.\d\d +[\d.]+% +\S+/\S+ m?s +\d+$", row), row
        program.type("2")
        program.wait_for("endpoint▼")
        program.type("r")
        assert order(program.wait_for("endpoint▲")) == "sdddd"
        program.type("/STEADY")
        lines = program.wait_without("dead:smol")
        assert order(lines) == "s"
        program.type("\x1b")
        program.wait_for("dead:smol")
        program.type("g")
        program.wait_for("dead  4 of 4 endpoints down")
        program.type("?")
        program.wait_for("sort by the next column")
        assert program.line_modes() != before
        program.type("qq")
        assert program.wait() == 0
        assert program.line_modes() == before
        assert program.output.endswith(LEAVES)
        assert COLOUR.search(program.output)


def test_at_200_columns_a_row_names_the_open_incident_and_difficult_names_keep_their_columns(daemon: Daemon) -> None:
    with on_terminal(top(daemon), width=200, height=50) as program:
        lines = program.wait_for("connect, ")
        title = next(line for line in lines if line.startswith("status"))
        assert "provider" in title
        assert "$/M in/out" in title
        place = title.index("open incident")
        for name in ("dead:smol", RIGHT_TO_LEFT, "dead:xxx"):
            row = next(line for line in lines if name in line)
            assert row[place:].startswith("connect, "), row
        program.type("q")
        assert program.wait() == 0


def test_another_size_of_the_terminal_is_followed(daemon: Daemon) -> None:
    with on_terminal(top(daemon)) as program:
        program.wait_for("tok/s")
        program.resize(40, 12)
        lines = program.wait_without("tok/s")
        assert max(map(len, lines)) <= 40
        program.resize(200, 30)
        program.wait_for("open incident")
        program.type("\x03")
        assert program.wait() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 0)])
def test_a_signal_restores_the_terminal(daemon: Daemon, number: signal.Signals, code: int) -> None:
    with on_terminal(top(daemon)) as program:
        before = program.line_modes()
        program.wait_for("steady:smol")
        program.process.send_signal(number)
        assert program.wait() == code
        assert program.line_modes() == before
        assert program.output.endswith(LEAVES)


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again(daemon: Daemon) -> None:
    shell = ("/bin/bash", "--norc", "--noprofile", "-i")
    with on_terminal(shell, env={"PS1": "shell> "}) as program:
        program.wait_for("shell>")
        program.type(" ".join(top(daemon)) + "\n")
        program.wait_for("q quit")
        program.type("\x1a")
        program.wait_for("Stopped")
        program.type("stty -a\n")
        program.wait_for(" icanon")
        assert " echo " in program.text().replace("\n", " ")
        program.type("clear; fg\n")
        program.wait_without("icanon")
        program.wait_for("q quit")
        program.type("q")
        program.wait_for("shell>")
        program.type("echo exit $?\n")
        program.wait_for("exit 0")
        program.type("exit\n")
        assert program.wait() == 0


@pytest.mark.slow
def test_a_stopped_view_ends_by_kill_without_touching_the_shell(daemon: Daemon) -> None:
    shell = ("/bin/bash", "--norc", "--noprofile", "-i")
    with on_terminal(shell, env={"PS1": "shell> "}) as program:
        program.wait_for("shell>")
        program.type(" ".join(top(daemon)) + "\n")
        program.wait_for("q quit")
        program.type("\x1a")
        program.wait_for("Stopped")
        program.type("clear; kill %1; wait %1; echo ended $?\n")
        program.wait_for("ended 143")
        program.type("stty -a; exit\n")
        program.wait_for(" icanon")
        assert program.wait() == 0


def test_into_a_pipe_goes_one_table_without_escape_codes(daemon: Daemon) -> None:
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"FORCE_COLOR": "1"}
    ended = subprocess.run(top(daemon), capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=env)
    assert ended.returncode == 0, ended.stderr
    assert "\x1b" not in ended.stdout
    assert ended.stdout.startswith("4 of 5 endpoints down")
    assert LONG in ended.stdout
    assert WIDE in ended.stdout
    assert len(ended.stdout.splitlines()) == 5 + 5


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_be_redrawn_gets_one_table_of_its_width(daemon: Daemon, term: str) -> None:
    with on_terminal(top(daemon), width=60, env={"TERM": term}) as program:
        assert program.wait() == 0
        assert b"\x1b" not in program.output
        assert max(map(len, program.lines())) <= 60
        assert "4 of 5 endpoints down" in program.text()


def test_no_color_leaves_out_colours_and_an_ascii_terminal_gets_ascii(daemon: Daemon) -> None:
    env = {"NO_COLOR": "1", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    with on_terminal(top(daemon), env=env) as program:
        program.wait_for("x down")
        program.type("q")
        assert program.wait() == 0
        assert not COLOUR.search(program.output)
        assert program.output.isascii()


@contextmanager
def daemon_at(port: int, directory: Path) -> Iterator[None]:
    """A daemon on a port of the test's choice, so that another one can follow it there."""
    settings = {**config(directory, "http://127.0.0.1:9"), "listen": f"127.0.0.1:{port}"}
    file, log = write_config(directory / "providerwatch.yaml", settings), directory / "daemon.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(command("run", "-c", str(file)), stdin=subprocess.DEVNULL, stderr=sink)
    found = Daemon(process=process, url=f"http://127.0.0.1:{port}", log=log)
    try:
        wait_until(found.ready, "a ready daemon")
        yield
    finally:
        assert found.end(signal.SIGTERM) == 0


def test_a_daemon_that_ended_leaves_its_last_rows_and_is_followed_again_once_it_is_back(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        with daemon_at(port, tmp_path):
            program = stack.enter_context(on_terminal(command("top", "--url", f"127.0.0.1:{port}")))
            program.wait_for("✗ down")
        lines = program.wait_for("the daemon has not answered for")
        assert any("dead:smol" in line for line in lines)
        program.wait_for("monitor: state not known")
        with daemon_at(port, tmp_path):
            program.wait_without("has not answered")
            program.wait_for("monitor: healthy")
            program.type("q")
            assert program.wait() == 0


def test_without_a_daemon_it_ends_with_1_and_says_why() -> None:
    port = free_port()
    with on_terminal(command("top", "--url", f"127.0.0.1:{port}"), width=120) as program:
        assert program.wait() == 1
        assert f"cannot connect to 127.0.0.1:{port}" in program.text()
        assert b"\x1b[?1049h" not in program.output
