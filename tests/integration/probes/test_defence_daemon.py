"""A daemon with hostile providers: no output contains its key or their unfiltered text."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.probes.provider import ANSWER, DONE, STOP, Act, Step, delta, head, serving
from tests.integration.probes.watching import shown_by
from tests.support.daemon import Daemon, running, wait_until

ID, SECRET = "pw-identity-0123456789", "pw/secret+0123456789"
KEY = f"{ID}:{SECRET}"
HEADER = "pw-header-0123456789"
ECHO = f"you sent {KEY} and Token {HEADER}, \x1b[31mmarker\x1b[0m\r\n<script>marker</script> \u202emarker"
ERROR = json.dumps({"error": {"message": ECHO, "code": ECHO, "type": ECHO}})
ROUTES = (
    "/metrics",
    "/v1/scores",
    "/healthz",
    "/readyz",
    "/v1/scores/refusing%3Am",
    "/v1/scores/nobody",
    "/openapi.json",
)
HOSTILE: dict[str, tuple[Step, ...]] = {
    "refusing": (head("401 No"), ERROR.encode()),
    "failing": (head(), ANSWER, b"data: " + ERROR.encode() + b"\n\n"),
    "echoing": (head(), delta(ECHO), STOP + DONE),
    "garbling": (b"HTTP/1.1 " + KEY.encode() + b"\r\n\r\n",),
    "flooding": (head(), b"data: [" * 100_000),
    "breaking": (b"HTTP/1.1 200 OK\r\nX-Echo: " + KEY.encode() + b"\r\n",),
}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Daemon, Path]]:
    """A daemon that has probed each of the hostile providers."""
    directory = tmp_path_factory.mktemp("daemon")
    (directory / "key").write_text(KEY)
    (directory / "header").write_text(f"Token {HEADER}")
    with ExitStack() as stack:
        addresses = {
            name: stack.enter_context(serving(Act.ASKED, *script)).base_url for name, script in HOSTILE.items()
        }
        daemon = stack.enter_context(running(directory, config(directory, addresses)))
        wait_until(lambda: all(probes_of(daemon, name) >= 2 for name in HOSTILE), "two probes of each")
        yield daemon, directory


def config(directory: Path, addresses: dict[str, str]) -> dict[str, object]:
    asked = {
        "api": "openai_chat",
        "api_key": f"${{file:{directory / 'key'}}}",
        "headers": {"X-Token": f"${{file:{directory / 'header'}}}"},
    }
    return {
        "store": f"sqlite:///{directory / 'samples.db'}",
        "providers": {name: {"base_url": url, **asked} for name, url in addresses.items()},
        "models": {"a/m": {"endpoints": [{"provider": name, "model": "m"} for name in addresses]}},
        "probes": {"chat": {"task": "chat", "every": "1s", "ttft_timeout": "2s", "timeout": "3s"}},
        "scoring": {"confirm": False},
        "publish": {"files": [{"format": "scores", "path": str(directory / "uptime.json")}]},
    }


def probes_of(daemon: Daemon, name: str) -> int:
    """How many probes of a provider came to a verdict on it."""
    metrics = daemon.get("/metrics")[1].decode()
    counts = re.findall(r"^providerwatch_probes_total\{(.*)\} (\S+)$", metrics, re.MULTILINE)
    judged = ('blame="provider"', 'blame="account"')
    return sum(
        int(float(count))
        for labels, count in counts
        if f'endpoint="{name}:m"' in labels and any(blame in labels for blame in judged)
    )


def processes(root: int) -> list[int]:
    """A process and all that it started."""
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return [root, *(pid for child in children for pid in processes(int(child)))]


def hidden_in(shown: bytes) -> list[str]:
    words = (ID, SECRET, HEADER, SECRET.replace("/", "\\/"), SECRET.replace("/", "%2F"))
    return [word for word in words if word.encode() in shown]


def test_no_route_tells_a_key_or_a_providers_words(watched: tuple[Daemon, Path]) -> None:
    daemon, _ = watched
    for route in ROUTES:
        _, body = daemon.get(route)
        assert hidden_in(body) == [], route
        assert b"\x1b" not in body, route
        assert b"<script>" not in body, route


def test_no_word_of_a_provider_is_a_label(watched: tuple[Daemon, Path]) -> None:
    daemon, _ = watched
    assert b"marker" not in daemon.get("/metrics")[1]


def test_every_hostile_provider_gets_the_error_class_of_its_fault(watched: tuple[Daemon, Path]) -> None:
    daemon, _ = watched
    found = {row["provider"]: (row["account"] or row["last_error"])["class"] for row in daemon.scores().values()}
    assert found == {
        "refusing": "auth",
        "failing": "stream_error",
        "echoing": "wrong_answer",
        "garbling": "malformed",
        "flooding": "malformed",
        "breaking": "truncated",
    }


def test_no_process_shows_a_key(watched: tuple[Daemon, Path]) -> None:
    daemon, _ = watched
    found = processes(daemon.process.pid)
    assert len(found) > 1, "the worker is one"
    for pid in found:
        assert hidden_in(shown_by(pid)) == []


def test_no_file_holds_a_key_or_what_would_move_a_terminal(watched: tuple[Daemon, Path]) -> None:
    """The last test, as it ends the daemon: what it writes at its end is looked at too."""
    daemon, directory = watched
    assert daemon.end(signal.SIGTERM) == 0
    files = [path for path in directory.rglob("*") if path.is_file() and path.name not in {"key", "header"}]
    assert {"daemon.log", "samples.db", "uptime.json"} <= {path.name for path in files}
    for path in files:
        written = path.read_bytes()
        assert hidden_in(written) == [], path
        assert "\u202e".encode() not in written, path
        assert path.suffix == ".db" or b"\x1b" not in written, path
    assert b"marker" in (directory / "samples.db").read_bytes(), "the words are kept where they belong"
