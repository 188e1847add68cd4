"""The tutorials for a sink and a router format work: their files are written, their commands are run."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.daemon import free_port, wait_until
from tests.support.tutorial import ROOT, environment, files_of, grow, in_python, run, shown_by

SINK = ROOT / "docs" / "adding-a-sink.md"
FORMAT = ROOT / "docs" / "adding-a-format.md"


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", "t0ken")


@pytest.fixture
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The project as it is, with a page's files, on a free port."""
    listen = f"127.0.0.1:{free_port()}"
    grow(tmp_path, request.param, lambda content: content.replace("127.0.0.1:8791", listen))
    return tmp_path


@contextmanager
def in_background(tree: Path, command: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, *in_python(command)],
        cwd=tree,
        env=environment(tree),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def assert_prints(tree: Path, command: str, output: str) -> None:
    """A command prints the text that the page shows, on stdout or stderr."""
    if command.startswith("sed "):
        edit, file, target = (shlex.split(command)[place] for place in (1, 2, 4))
        _, old, new, _ = edit.split("/")
        (tree / target).write_text((tree / file).read_text().replace(old, new))
        return
    done = run(tree, *in_python(command))
    if output:
        assert done.stdout + done.stderr == output
    else:
        assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("tree", [SINK, FORMAT], indirect=True, ids=["sink", "format"])
def test_a_kind_that_is_one_more_file_can_be_named_by_a_configuration(tree: Path) -> None:
    assert_prints(tree, "providerwatch check", "providerwatch.yaml: ok: 1 endpoint, 1 probe\n")


@pytest.mark.slow
@pytest.mark.parametrize("tree", [SINK], indirect=True)
def test_a_made_up_sink_is_one_file_and_its_test_and_gets_the_samples_of_a_daemon(tree: Path) -> None:
    added = {name for name in files_of(SINK) if name.startswith(("probes/", "monitor/", "tests/"))}
    assert added == {"monitor/sinks/acme_lines.py", "tests/unit/sinks/test_acme_lines.py"}
    commands = shown_by(SINK)
    for command, output in commands[:-2]:
        if not command.startswith("export "):
            assert_prints(tree, command, output)
    collector, daemon = (command.removesuffix(" &") for command, _ in commands[-2:])
    collected = tree / "collected.ndjson"
    with in_background(tree, collector):
        wait_until((tree / "acme.sock").exists, "a collector that listens")
        with in_background(tree, daemon):
            wait_until(lambda: collected.exists() and collected.read_text().endswith("\n"), "a sample")
    samples = [json.loads(line) for line in collected.read_text().splitlines()]
    assert {sample["endpoint"] for sample in samples} == {"nowhere:tiny"}


@pytest.mark.slow
@pytest.mark.parametrize("tree", [FORMAT], indirect=True)
def test_a_made_up_format_is_one_file_and_its_test_and_is_exported(tree: Path) -> None:
    added = {name for name in files_of(FORMAT) if name.startswith(("probes/", "monitor/", "tests/"))}
    assert added == {"monitor/routing/formats/acme_table.py", "tests/unit/routing/formats/test_acme_table.py"}
    for command, output in shown_by(FORMAT):
        assert_prints(tree, command, output)


@pytest.mark.slow
@pytest.mark.parametrize("tree", [SINK, FORMAT], indirect=True, ids=["sink", "format"])
def test_the_tutorials_code_is_formatted_typed_and_described_as_the_projects_own(tree: Path) -> None:
    added = [path for page in (SINK, FORMAT) for path in files_of(page) if (tree / path).exists() and "/" in path]
    for command in (("ruff", "format", "--check", *added), ("ruff", "check", *added), ("mypy",)):
        done = run(tree, "-m", *command)
        assert done.returncode == 0, done.stdout
    schema = json.loads(run(tree, "-m", "monitor.cli.main", "check", "--schema").stdout)
    assert {"sink-acme-lines", "file-acme-table"} & set(schema["$defs"])
