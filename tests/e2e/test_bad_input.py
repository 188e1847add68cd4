"""A mistake of the user gives one line with file, place and remedy, and exit code 2. Nothing is started."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.daemon import PATIENCE_S, command, free_port

GOOD = """\
store: "sqlite:///{store}"
listen: 127.0.0.1:{port}
providers:
  near: {{api: openai_chat, base_url: "http://127.0.0.1:9/v1"}}
models:
  a/b:
    endpoints:
      - {{provider: near, model: b}}
"""


def start(folder: Path, text: str | bytes) -> subprocess.CompletedProcess[str]:
    """`providerwatch run` on a configuration; it must end by itself."""
    file = folder / "pw.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return run("run", "-c", str(file))


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    own = ("PROVIDERWATCH", "AI21")
    env = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=env)


def good(folder: Path, port: int = 0) -> str:
    return GOOD.format(store=folder / "pw.db", port=port or free_port())


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("store:", "stroe:"), "pw.yaml:1:1: stroe: unknown key (did you mean 'store'?)"),
        (("api: openai_chat", "api: openai_caht"), "did you mean 'openai_chat'?"),
        (("{provider: near", "{provider: naer"), "did you mean 'near'?"),
        (("{provider: near", "{provider: grokq"), "did you mean 'groq'?"),
        (
            ("{provider: near", "{provider: ai21"),
            "'ai21' has no key; set AI21_API_KEY in the environment, or",
        ),
        (("store:", "scoring: {blame: {internal: provider}}\nstore:"), "its blame cannot be moved"),
        (("model: b}", "model: b}\nprobes: {embed: {task: embedding}}"), "openai_chat can be asked for"),
        (("a/b:", "a/b:\n    context_length: many"), "pw.yaml:7:21: models.a/b.context_length: "),
        (("api: openai_chat,", 'api: openai_chat, api_key: "${env:NO_SUCH_KEY}",'), "NO_SUCH_KEY"),
        (("      - {", "      - {provider: near, model: b}\n      - {"), "near:b"),
        (("providers:", "providers: ["), "pw.yaml:"),
    ],
    ids=[
        "unknown key",
        "unknown api",
        "unknown provider",
        "unknown provider of the catalogue",
        "missing key of the catalogue",
        "blame that cannot be moved",
        "task that the api has not",
        "wrong type",
        "missing variable",
        "duplicate id",
        "not YAML",
    ],
)
@pytest.mark.slow
def test_a_mistake_is_one_line_with_file_place_and_remedy(tmp_path: Path, change: tuple[str, str], line: str) -> None:
    ended = start(tmp_path, good(tmp_path).replace(*change))
    assert ended.returncode == 2
    assert line in ended.stderr
    assert ended.stderr.startswith(f"{tmp_path}/pw.yaml:")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stdout == ""
    assert not (tmp_path / "pw.db").exists(), "nothing is half-started"


@pytest.mark.parametrize("text", [b"", b"# only a comment\n", b"just words\n", b"\xff\xfe\x00", b"- a\n- list\n"])
def test_a_file_that_is_no_configuration_is_one_line(tmp_path: Path, text: bytes) -> None:
    ended = start(tmp_path, text)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "pw.yaml" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unreadable_file_is_one_line(tmp_path: Path) -> None:
    for place in (tmp_path / "missing.yaml", tmp_path):
        ended = run("run", "-c", str(place))
        assert ended.returncode == 2
        assert len(ended.stderr.splitlines()) == 1, ended.stderr
        assert str(place) in ended.stderr


def test_an_unwritable_store_is_one_line_and_nothing_listens(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    port = free_port()
    ended = start(tmp_path, GOOD.format(store=tmp_path / "file" / "pw.db", port=port))
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith(f"{tmp_path}/pw.yaml: store: ")
    assert str(tmp_path / "file") in lines[0]
    with socket.socket() as caller:
        assert caller.connect_ex(("127.0.0.1", port)) != 0


def test_a_taken_address_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = start(tmp_path, good(tmp_path, taken.getsockname()[1]))
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(f"{tmp_path}/pw.yaml: listen: ")
    assert "Traceback" not in ended.stderr


def test_misuse_of_the_command_line_exits_2() -> None:
    for arguments in (
        ["nonsense"],
        ["export", "--format", "nonsense"],
        ["probe", "-n", "0"],
        ["demo", "--for", "soon"],
        ["check", "--json"],
        ["init", "--server", "nonsense"],
    ):
        ended = run(*arguments)
        assert ended.returncode == 2, arguments
        assert "Traceback" not in ended.stderr


def test_check_warns_of_a_place_that_cannot_tell_its_network_from_the_only_host_it_asks(tmp_path: Path) -> None:
    file, lone = tmp_path / "pw.yaml", good(tmp_path).replace("http://127.0.0.1:9", "https://gate.example")
    for text, warned in (
        (lone, True),
        (f'{lone}\ncanaries: ["1.1.1.1:443", "example.com:443"]\n', False),
        (good(tmp_path), False),
    ):
        file.write_text(text)
        ended = run("check", "-c", str(file))
        assert ended.returncode == 0, ended.stderr
        assert ("warning: all endpoints are at gate.example" in ended.stderr) is warned
        assert "Traceback" not in ended.stderr


def test_a_taken_address_of_the_agent_is_one_line_that_names_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = start(tmp_path, f"{good(tmp_path, free_port())}\npublish: {{haproxy_agent: '{address}'}}\n")
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].startswith(f"{tmp_path}/pw.yaml: publish.haproxy_agent: {address}")
    assert "Traceback" not in ended.stderr


def test_check_accepts_a_file_argument_and_prints_json(tmp_path: Path) -> None:
    file = tmp_path / "pw.yaml"
    file.write_text(good(tmp_path).replace("api: openai_chat,", "api: openai_chat, api_key: $OPENAI_API_KEY,"))
    told = run("check", str(file))
    assert (told.returncode, told.stdout) == (0, f"{file}: ok: 1 endpoint, 1 probe, 1 warning\n")
    assert "providers.near.api_key: warning: is sent as it is written" in told.stderr
    plain = json.loads(run("check", str(file), "--json").stdout)
    assert (plain["ok"], plain["counts"]) == (True, {"endpoints": 1, "paused": 0, "probes": 1})
    assert [warning["path"] for warning in plain["warnings"]] == ["providers.near.api_key"]
    file.write_text(good(tmp_path).replace("store:", "stroe:"))
    ended = run("check", "--json", "-c", str(file))
    problem = {"line": 1, "column": 1, "path": "stroe", "message": "unknown key (did you mean 'store'?)"}
    assert (ended.returncode, json.loads(ended.stdout)["problems"]) == (2, [problem])
    assert "two configuration files are given" in run("check", "a.yaml", "-c", "b.yaml").stderr
