"""A daemon whose network is taken away, all of it or the way to one provider; in a network namespace of its own.

    unshare --net --mount python -m tests.system.lost_network SCENARIO

prints as JSON what was published and stored meanwhile. Providers are at addresses that are not of loopback, because
those take no part in what is tried here; they are of this namespace, whose packet filter takes them away.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from monitor.store._codes import ERRORS
from probes._model import ErrorClass
from tests.integration.probes.provider import STREAM, Act, Provider, head, serving
from tests.support.daemon import Daemon, running, wait_until
from tests.system.faulty_network import run

P, Q = "203.0.113.1", "203.0.113.2"
BOTH = "203.0.113.0/24"
NETWORK_UNREACHABLE = "reject with icmp type net-unreachable"
ENOUGH = 4
"""Samples of an outage: more than make an endpoint down."""
_FILTER = "inet providerwatch"


@dataclass
class Trap:
    """What takes the network away in the middle of an answer, once it is set."""

    is_set: bool = False

    def spring(self) -> None:
        if self.is_set:
            self.is_set = False
            take_away(BOTH)


@dataclass(kw_only=True)
class Watch:
    """A running daemon, and everything that it published about its endpoints during the scenario."""

    daemon: Daemon
    trap: Trap
    database: Path
    statuses: dict[str, set[str]] = field(default_factory=dict)

    def look(self) -> dict[str, str]:
        """The statuses now."""
        found = {name: row["status"] for name, row in self.daemon.scores().items()}
        for name, status in found.items():
            self.statuses.setdefault(name, set()).add(status)
        return found

    def wait_for(self, claim: Callable[[], object], what: str) -> None:
        """Look on until something holds."""
        wait_until(lambda: bool(self.look()) and claim(), what)

    def online(self) -> str:
        """The metric, as it is scraped."""
        found = re.search(
            r"^providerwatch_vantage_online (\S+)$", self.daemon.get("/metrics")[1].decode(), re.MULTILINE
        )
        assert found
        return found[1]

    def samples(self) -> list[tuple[str, ErrorClass | None, str | None]]:
        """Endpoint, error and detail of all that is stored, by a reader of our own."""
        query = "SELECT e.id, s.error, s.detail FROM sample s JOIN endpoint e ON e.key = s.endpoint ORDER BY s.seq"
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            rows = database.execute(query).fetchall()
        codes = {code: error for error, code in ERRORS.items()}
        return [(name, None if code is None else codes[code], detail) for name, code, detail in rows]

    def failures(self, error: ErrorClass) -> int:
        """How many samples of a class are stored."""
        return sum(found is error for _, found, _ in self.samples())


def take_away(addresses: str, verdict: str = "drop") -> None:
    """From now on this is what becomes of TCP to these addresses; ICMP, which may say so, comes through."""
    run("nft", f"add rule {_FILTER} incoming ip daddr {addresses} meta l4proto tcp {verdict}")


def give_back() -> None:
    """From now on everything comes through again."""
    run("nft", f"flush chain {_FILTER} incoming")


@contextmanager
def watching(providers: Mapping[str, Provider], trap: Trap, **more: object) -> Iterator[Watch]:
    """A daemon that probes these providers, all of which are up."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "samples.db"
        config: dict[str, object] = {
            "store": f"sqlite:///{database}",
            "providers": {
                name: {"api": "openai_chat", "base_url": provider.base_url} for name, provider in providers.items()
            },
            "models": {"hf/tiny": {"endpoints": [{"provider": name, "model": "tiny"} for name in providers]}},
            "probes": {"chat": {"task": "chat", "every": "2s", "ttft_timeout": "1s", "timeout": "3s"}},
            **more,
        }
        with running(Path(folder), config) as daemon:
            watch = Watch(daemon=daemon, trap=trap, database=database)
            watch.wait_for(lambda: set(watch.look().values()) == {"up"}, "all up")
            yield watch


def lose_everything(watch: Watch, verdict: str) -> None:
    """Take the network away until it shows, then give it back."""
    take_away(BOTH, verdict)
    see_it_through(watch)


def lose_an_answer(watch: Watch) -> None:
    """The same, but it goes when a provider has a request and has not answered yet."""
    watch.trap.is_set = True
    see_it_through(watch)


def see_it_through(watch: Watch) -> None:
    """Wait until the network is missed, then give it back."""
    watch.wait_for(lambda: watch.failures(ErrorClass.VANTAGE_OFFLINE) >= ENOUGH, "samples of an outage")
    assert watch.online() == "0.0"
    assert watch.daemon.ready(), "the network is no reason to be restarted"
    give_back()
    watch.wait_for(lambda: watch.online() == "1.0" and set(watch.look().values()) == {"up"}, "all up again")


def lose_one(watch: Watch) -> None:
    """Take one provider away until it shows."""
    take_away(P)
    watch.wait_for(lambda: watch.look()["p:tiny"] == "down", "one down")
    assert watch.online() == "1.0"


def lose_one_beside_a_blocked_canary(watch: Watch) -> None:
    """Disconnect the provider once the daemon has noticed that its canary never answers."""
    watch.wait_for(lambda: "canary_silent" in watch.daemon.log.read_text(), "a canary that is told to be silent")
    lose_one(watch)


SCENARIOS: Mapping[str, tuple[tuple[str, ...], Callable[[Watch], None]]] = {
    "two providers, all dropped": (("p", "q"), lambda watch: lose_everything(watch, "drop")),
    "two providers, no way": (("p", "q"), lambda watch: lose_everything(watch, NETWORK_UNREACHABLE)),
    "two providers, an answer dropped": (("p", "q"), lose_an_answer),
    "two providers, one dropped": (("p", "q"), lose_one),
    "a canary, all dropped": (("p",), lambda watch: lose_everything(watch, "drop")),
    "a canary, one dropped": (("p",), lose_one),
    "a blocked canary, one dropped": (("p",), lose_one_beside_a_blocked_canary),
}


def main() -> None:
    run("ip", "link", "set", "lo", "up")
    for address in (P, Q):
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    run("nft", f"add table {_FILTER}")
    run("nft", f"add chain {_FILTER} incoming {{ type filter hook input priority 0; }}")
    (probed, story), trap = SCENARIOS[sys.argv[1]], Trap()
    if story is lose_one_beside_a_blocked_canary:
        take_away(Q)
    with ExitStack() as stack:
        script = (Act.ASKED, trap.spring, head(), STREAM)
        served = {
            name: stack.enter_context(serving(*script, host=address, address=address))
            for name, address in (("p", P), ("q", Q))
        }
        more = {} if "q" in probed else {"canaries": [f"{Q}:{served['q'].port}"]}
        watch = stack.enter_context(watching({name: served[name] for name in probed}, trap, **more))
        story(watch)
        told = {
            "statuses": {name: sorted(seen) for name, seen in watch.statuses.items()},
            "samples": watch.samples(),
            "log": watch.daemon.log.read_text(),
            "requests": {name: sum(bool(visit.received) for visit in served[name].visits) for name in served},
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
