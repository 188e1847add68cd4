"""A running Traefik, configured as its page says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.routers import installed
from tests.routers.gates import Gate
from tests.routers.pages import block, put
from tests.routers.stage import addresses, ask, process
from tests.support.daemon import free_port, wait_until


@contextmanager
def traefik(directory: Path, servers: Sequence[Gate], api_port: int | None = None) -> Iterator[str]:
    """A running one; its address. With a port for its API it tells there what it does."""
    port = free_port()
    places = {"/etc/traefik": directory, "127.0.0.1:8080": f"127.0.0.1:{port}"}
    text = put(block("traefik", "yaml", "entryPoints:"), places)
    if api_port is not None:
        text = put(text, {"entryPoints:\n": f'entryPoints:\n  traefik: {{address: "127.0.0.1:{api_port}"}}\n'})
        text += "api: {insecure: true}\n"
    (directory / "traefik.yaml").write_text(text)
    (directory / "dynamic").mkdir(exist_ok=True)
    (directory / "dynamic" / "llm.yaml").write_text(put(block("traefik", "yaml", "loadBalancer"), addresses(servers)))
    with process(directory / "traefik.log", installed.traefik(), f"--configfile={directory / 'traefik.yaml'}"):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: ask(url) != [0], "Traefik")
        yield url
