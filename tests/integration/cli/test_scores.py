"""`providerwatch scores` against a daemon's port: error messages, the token, the live table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.daemon import PATIENCE_S, command, free_port, wait_until

TOKEN = "t0ken"


@contextmanager
def daemon() -> Iterator[tuple[str, list[str | None]]]:
    """`host:port` of a server that answers like a daemon with a token and no endpoints, and the received tokens."""
    shown: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.append(self.headers["Authorization"])
            allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
            status = 200 if allowed and self.path == "/v1/scores" else 404 if allowed else 401
            body = json.dumps({"endpoints": []}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", shown
        server.shutdown()


def run(*arguments: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PROVIDERWATCH")}
    env |= {"PROVIDERWATCH_TOKEN": token} if token else {}
    return subprocess.run(
        command("scores", *arguments), capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=env
    )


@pytest.mark.slow
def test_a_refused_token_says_how_to_give_one_and_an_accepted_one_shows_the_table() -> None:
    with daemon() as (address, _):
        refused = run("--url", f"http://{address}")
        assert refused.returncode == 1
        assert refused.stderr == (
            f"http://{address}/v1/scores: HTTP 401: token missing or wrong; "
            "pass --token or set PROVIDERWATCH_TOKEN to its `token:`\n"
        )
        assert run("--url", f"http://{address}", "--token", "wrong", token=TOKEN).returncode == 1
        for ended in (run("--url", address, "--token", TOKEN), run("--url", f"{address}/v1/scores/", token=TOKEN)):
            assert (ended.returncode, ended.stdout) == (0, "no endpoints\n"), ended.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host", "--url: must begin with http:// or https://"),
        ("http://", "--url: has no usable host and port"),
        ("{closed}", "cannot connect to 127.0.0.1:{port}: Connection refused; is the daemon running?"),
    ],
)
def test_an_address_without_a_daemon_gives_a_readable_message(url: str, words: str) -> None:
    port = free_port()
    ended = run("--url", url.format(closed=f"127.0.0.1:{port}"))
    assert words.format(port=port) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_watching_goes_on_until_ctrl_c_and_is_for_people() -> None:
    with daemon() as (address, shown):
        with subprocess.Popen(
            command("scores", "--watch", "--url", address, "--token", TOKEN), stdout=subprocess.PIPE, text=True
        ) as watching:
            wait_until(lambda: len(shown) >= 3, "it to ask again")
            watching.send_signal(signal.SIGINT)
            out, _ = watching.communicate(timeout=PATIENCE_S)
        assert watching.returncode == 0
        assert "no endpoints" in out
    assert set(shown) == {f"Bearer {TOKEN}"}
    assert "--watch and --json cannot be combined" in run("--watch", "--json").stderr
