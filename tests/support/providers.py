"""The demo's real model and fault proxy as processes, shared by the tests that need a model that answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from monitor.demo.children import environment, python


@dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """Addresses: scheme, host, port."""

    model: str
    proxy: str


@contextmanager
def serving() -> Iterator[Providers]:
    """The model's server and the proxy in front of it."""
    with _server("model_server") as model, _server("fault_proxy", "--upstream", model) as proxy:
        yield Providers(model=model, proxy=proxy)


def model() -> AbstractContextManager[str]:
    """Another server of the model, with nothing in front of it: its address."""
    return _server("model_server")


@contextmanager
def _server(module: str, *arguments: str) -> Iterator[str]:
    """One process; it ends when its stdin is closed."""
    process = subprocess.Popen(
        python(f"monitor.demo.{module}", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"{module} ended before it served: exit code {process.wait()}"
        yield json.loads(line)["address"]
