"""`providerwatch init` as a command, with a real model, other servers, and no server. Its output works at once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.config import catalogue
from monitor.demo.model_server import MODEL_NAME
from monitor.discovery.search import addresses, discover
from tests.support.daemon import PATIENCE_S, command, free_port
from tests.support.listing import KEY, listing, models
from tests.support.providers import serving

VARIABLES = {variable for entry in catalogue().providers.values() for key in entry.keys for variable in key.split(":")}


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """The address of a real model."""
    with serving() as providers:
        yield providers.model


@pytest.fixture
def no_servers() -> tuple[str, str]:
    """Arguments that let it look where no server is, so that those of this machine play no part."""
    return "--server", f"vllm=http://127.0.0.1:{free_port()}/v1"


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """A command without the API keys of the user who runs the tests."""
    own = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=PATIENCE_S, check=False, env={**own, **env}
    )


def test_a_real_server_is_found_and_what_is_written_works_at_once(model: str, tmp_path: Path) -> None:
    file = tmp_path / "providerwatch.yaml"
    ended = run("init", "-o", str(file), "--server", f"llama-cpp={model}/v1")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert f"llama.cpp at {model}/v1: {MODEL_NAME}" in ended.stderr
    assert f"providerwatch check --connect -c {file}" in ended.stderr
    checked = run("check", "--connect", "-c", str(file))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "endpoints ok: 1 of 1" in checked.stdout
    probed = run("probe", "-c", str(file))
    assert probed.returncode == 0, probed.stdout + probed.stderr


def test_servers_of_each_kind_are_found_by_the_list_of_their_own_api(tmp_path: Path) -> None:
    tags = {"models": [{"name": "llama3.2:1b", "model": "llama3.2:1b"}]}
    with listing(tags) as ollama, listing(models("Qwen/Qwen2.5-7B-Instruct")) as vllm:
        servers = ("--server", f"ollama={ollama.url}", "--server", f"vllm={vllm.url}/v1/")
        ended = run("init", *servers)
        assert [path for path, _ in ollama.asked] == ["/api/tags"]
        assert [path for path, _ in vllm.asked] == ["/v1/models"]
    assert ended.returncode == 0
    file = tmp_path / "pw.yaml"
    file.write_text(ended.stdout)
    assert run("check", "-c", str(file)).stdout == f"{file}: ok: 2 endpoints, 1 probe\n"


@pytest.mark.parametrize("body", [b"<html>", {"data": []}, {"models": "none"}, b"", [1]])
def test_a_server_of_another_kind_is_not_taken_for_one(body: object) -> None:
    with listing(body) as other:
        assert run("init", "--server", f"vllm={other.url}").returncode == 1


def test_a_server_that_wants_a_key_is_not_sent_one_of_another_machine() -> None:
    with listing(models("m"), key=KEY) as hub:
        ended = run("init", "--server", f"litellm={hub.url}/v1", LITELLM_API_KEY=KEY)
        assert ended.returncode == 0, ended.stderr
        assert "api_key: ${env:LITELLM_API_KEY}" in ended.stdout
        assert KEY not in ended.stdout + ended.stderr
        elsewhere = hub.url.replace("127.0.0.1", "localhost")
        assert run("init", "--server", f"litellm={elsewhere}/v1", LITELLM_API_KEY=KEY).returncode == 1
        assert hub.asked[1:] == [("/v1/models", None)] * len(hub.asked[1:])


def test_a_key_is_found_and_never_written(no_servers: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "pw.yaml"
    ended = run("init", *no_servers, "-o", str(file), GROQ_API_KEY=KEY, ANTHROPIC_API_KEY=KEY)
    assert ended.returncode == 0
    text = file.read_text()
    assert KEY not in text + ended.stdout + ended.stderr
    assert "${env:GROQ_API_KEY}" in text
    assert "Groq: GROQ_API_KEY" in ended.stderr
    assert run("check", "-c", str(file), GROQ_API_KEY=KEY, ANTHROPIC_API_KEY=KEY).returncode == 0


def test_a_search_without_results_is_reported_and_writes_nothing(no_servers: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "pw.yaml"
    ended = run("init", *no_servers, "-o", str(file))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("found no API key in the environment, and no server at")
    assert not file.exists()


def test_a_file_that_exists_is_replaced_only_when_forced(no_servers: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "pw.yaml"
    file.write_text("mine\n")
    ended = run("init", *no_servers, "-o", str(file), GROQ_API_KEY=KEY)
    assert ended.returncode == 2
    assert ended.stderr == f"{file} exists already; overwrite it with --force, or name another file with -o\n"
    assert file.read_text() == "mine\n"
    assert run("init", *no_servers, "-o", str(file), "--force", GROQ_API_KEY=KEY).returncode == 0
    assert "provider: groq" in file.read_text()


def test_a_missing_folder_is_reported(no_servers: tuple[str, str], tmp_path: Path) -> None:
    ended = run("init", *no_servers, "-o", str(tmp_path / "no" / "pw.yaml"), GROQ_API_KEY=KEY)
    assert ended.returncode == 1
    assert ended.stderr == f"cannot write {tmp_path}/no/pw.yaml: No such file or directory\n"


MISUSES = [
    ("groq=http://127.0.0.1", "write NAME=URL with one of the names ollama, vllm"),
    ("vllm", "write NAME=URL with one of the names ollama, vllm"),
    ("vllm=127.0.0.1:8000", "vllm: must begin with http:// or https://"),
    ("vllm=http://me:pa55@127.0.0.1", "vllm: must not contain a user or password"),
]


@pytest.mark.parametrize(("server", "told"), MISUSES)
def test_an_invalid_address_is_reported(server: str, told: str) -> None:
    ended = run("init", "--server", server)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith(f"--server: {told}"), ended.stderr
    assert "pa55" not in ended.stderr


async def test_servers_are_looked_for_side_by_side() -> None:
    local = addresses(catalogue(), ())
    with listing(models("m"), meeting=len(local) - 1) as server:
        places = {name: f"{server.url}/{name}" for name in local if name != "ollama"}
        found = await discover(catalogue(), {}, places)
    assert [each.provider for each in found.servers] == list(places)


def test_it_looks_at_this_machine_and_nowhere_else() -> None:
    assert all(url.startswith("http://127.0.0.1:") for url in addresses(catalogue(), ()).values())


def test_a_litellm_file_becomes_one_that_check_accepts(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "config.yaml", tmp_path / "providerwatch.yaml"
    theirs.write_text(
        "model_list:\n"
        "  - model_name: llama\n"
        "    litellm_params: {model: groq/llama-3.1-8b-instant, api_key: os.environ/MY_GROQ}\n"
        "    model_info: {id: dep-1}\n"
    )
    ended = run("init", "--from-litellm", str(theirs), "-o", str(ours))
    assert ended.returncode == 0, ended.stderr
    assert "1 of 1 deployment in 1 model" in ended.stderr
    assert ": ok: 1 endpoint, 1 probe" in run("check", str(ours), MY_GROQ="k").stdout
    again = run("init", "--from-litellm", str(theirs), "-o", str(ours))
    assert (again.returncode, "overwrite it with --force" in again.stderr) == (2, True)


def test_what_is_no_litellm_file_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    for content, line in (
        (b"models: {}", "has no `model_list:`"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"a: [", "config.yaml:1:"),
    ):
        file.write_bytes(content)
        ended = run("init", "--from-litellm", str(file))
        assert (ended.returncode, ended.stdout) == (2, "")
        assert line in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    gone = run("init", "--from-litellm", str(tmp_path / "gone.yaml"))
    assert (gone.returncode, gone.stderr) == (2, f"cannot read {tmp_path}/gone.yaml: No such file or directory\n")
