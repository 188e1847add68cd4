"""A Debian server with Prometheus' usual endpoints as a process of a test: Prometheus, Alertmanager."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.support.daemon import free_port, wait_until

OPENER = build_opener(ProxyHandler({}))


@contextmanager
def serving(binary: str, package: str, folder: Path, *options: str) -> Iterator[str]:
    """Run it on a free port until left; its address. Its log is in the folder."""
    found = shutil.which(binary)
    if found is None:
        pytest.fail(f"{binary} is not installed: apt-get install {package}")
    url, log = f"http://127.0.0.1:{free_port()}", folder / f"{binary}.log"
    command = (found, *options, f"--web.listen-address={url.removeprefix('http://')}")
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:

        def ready() -> bool:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            try:
                with OPENER.open(f"{url}/-/ready", timeout=5):
                    return True
            except URLError:
                return False

        try:
            wait_until(ready, f"a ready {binary}")
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)
