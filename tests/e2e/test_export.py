"""`providerwatch export` as its users run it: of a running daemon, and of the store that a stopped one left."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon, command, running, wait_until

DOWN, OTHER = "down:m", "also:m"
STEP = 10
"""Of a weight."""
VERSION = r'"version_info":"[0-9a-f]+",'


def config(directory: Path) -> dict[str, Any]:
    """Two endpoints at addresses without a server, each with a name for every router."""
    names = {
        name: {
            "haproxy": f"be/{name}",
            "envoy": f"cluster-{name}/10.0.0.{number}:80",
            "traefik": f"llama/{name}",
            "vllm": f"m@http://10.0.0.{number}",
        }
        for number, name in enumerate(("down", "also"), start=1)
    }
    return {
        "store": f"sqlite:///{directory / 'samples.db'}",
        "providers": {name: {"api": "openai_chat", "base_url": "http://127.0.0.1:9/v1"} for name in names},
        "models": {
            "a/m": {"endpoints": [{"provider": name, "model": "m", "router_ids": ids} for name, ids in names.items()]}
        },
        "probes": {"reach": {"task": "reach", "every": "1s"}},
        "publish": {
            "files": [
                {"format": file_format, "path": str(directory / f"{file_format}.txt"), **extra}
                for file_format, extra in (
                    ("traefik", {}),
                    ("haproxy-map", {}),
                    ("vllm", {}),
                    ("envoy-eds", {"cluster": "cluster-also"}),
                )
            ]
        },
    }


def export(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command("export", *arguments), capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with running(tmp_path, config(tmp_path)) as found:
        wait_until(lambda: {row["status"] for row in found.scores().values()} == {"down"}, "both down")
        yield found


@pytest.mark.slow
def test_every_shape_is_the_same_as_file_of_the_daemon_and_of_its_store(daemon: Daemon, tmp_path: Path) -> None:
    file = str(tmp_path / "providerwatch.yaml")
    daemon.end(signal.SIGTERM)
    for file_format in ("traefik", "haproxy-map", "vllm", "envoy-eds"):
        cluster = ("--cluster", "cluster-also") if file_format == "envoy-eds" else ()
        stored = export("-c", file, "--format", file_format, *cluster)
        assert (stored.returncode, stored.stderr) == (0, "")
        assert_alike(stored.stdout, (tmp_path / f"{file_format}.txt").read_text())


def assert_alike(one: str, other: str) -> None:
    """The same but for time, which passed between the two: a score drifts, and so its weight by a step, and the hash
    that Envoy takes for a version with it.
    """
    ours, theirs = (re.split(r"(\d+)", re.sub(VERSION, "", text)) for text in (one, other))
    assert ours[::2] == theirs[::2]
    assert all(abs(int(mine) - int(its)) <= STEP for mine, its in zip(ours[1::2], theirs[1::2], strict=True))


def test_a_shape_of_a_running_daemon_needs_no_configuration(daemon: Daemon, tmp_path: Path) -> None:
    target = tmp_path / "llama.json"
    told = export("--url", daemon.url, "--format", "envoy-eds", "--cluster", "cluster-down", "-o", str(target))
    assert told.returncode == 0, told.stderr
    assert json.loads(target.read_text())["resources"][0]["cluster_name"] == "cluster-down"
    mapped = export("--url", daemon.url, "--format", "haproxy-map")
    assert {line.split()[0] for line in mapped.stdout.splitlines()} == {DOWN, OTHER, "be/down", "be/also"}


@pytest.mark.slow
def test_what_cannot_be_exported_is_one_line(daemon: Daemon, tmp_path: Path) -> None:
    unclear = export("--url", daemon.url, "--format", "envoy-eds")
    assert unclear.returncode == 2
    assert (
        unclear.stderr == "an Envoy file contains one cluster; choose one with --cluster: cluster-also, cluster-down\n"
    )
    nowhere = export("--url", daemon.url, "--format", "traefik", "-o", str(tmp_path / "no" / "file"))
    assert nowhere.returncode == 1
    assert nowhere.stderr.splitlines() == [f"cannot write {tmp_path}/no/file: No such file or directory"]


def test_a_store_that_was_never_filled_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "pw.yaml"
    file.write_text(json.dumps(config(tmp_path)))
    no_cluster = export("-c", str(file), "--format", "traefik", "--cluster", "x")
    assert no_cluster.returncode == 2
    assert no_cluster.stderr.startswith("--cluster: the format traefik has no clusters; ")
    told = export("-c", str(file))
    assert told.returncode == 1
    assert told.stderr.startswith(f"{file}: store: ")
    assert len(told.stderr.splitlines()) == 1
