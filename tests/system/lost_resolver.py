"""A daemon whose endpoints share one host, and whose name server halts; in a network namespace of its own.

    unshare --net --mount python -m tests.system.lost_resolver SCENARIO

prints as JSON what was stored. The name server is a small one of our own: it knows the gateway, says of all else that
there is no such name, and stops answering on command.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from probes._model import ErrorClass
from tests.integration.probes.provider import STREAM, Act, head, serving
from tests.system.faulty_network import run
from tests.system.lost_network import ENOUGH, P, Trap, Watch, watching

GATEWAY = "gateway.example"
_NO_SUCH_NAME = 0x8183
_FOUND = 0x8180
_ADDRESS = 1


class NameServer:
    """Answers on port 53 of loopback."""

    def __init__(self) -> None:
        self.is_mute: Callable[[str], bool] = lambda _: False
        self.refuses_gateway = False
        self.late_s = 0.0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                query, client = self._socket.recvfrom(4096)
                if not self.is_mute(_question(query)[0]):
                    timer = threading.Timer(self.late_s, self._send, (self._answer(query), client))
                    timer.daemon = True
                    timer.start()

    def _send(self, reply: bytes, client: object) -> None:
        with suppress(OSError):
            self._socket.sendto(reply, client)  # type: ignore[call-overload]

    def _answer(self, query: bytes) -> bytes:
        name, question, kind = _question(query)
        known = name == GATEWAY and not self.refuses_gateway
        address = known and kind == _ADDRESS
        start = query[:2] + struct.pack(">HHHHH", _FOUND if known else _NO_SUCH_NAME, 1, address, 0, 0)
        record = struct.pack(">HHHIH", 0xC00C, _ADDRESS, 1, 0, 4) + socket.inet_aton(P)
        return start + question + (record if address else b"")


def _question(query: bytes) -> tuple[str, bytes, int]:
    """The name that is asked for, the question as it came, and the kind of record."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels).lower(), query[12 : at + 5], struct.unpack(">H", query[at + 1 : at + 3])[0]


def mute_for_all(watch: Watch, names: NameServer) -> None:
    """The resolver answers no query for a while."""
    names.is_mute = lambda _: True
    watch.wait_for(lambda: watch.failures(ErrorClass.VANTAGE_OFFLINE) >= ENOUGH, "samples of an outage")
    names.is_mute = lambda _: False
    watch.wait_for(lambda: watch.online() == "1.0" and set(watch.look().values()) == {"up"}, "all up again")


def slow_for_all(watch: Watch, names: NameServer) -> None:
    """It answers, and much too late."""
    names.late_s = 4.5
    watch.wait_for(lambda: watch.failures(ErrorClass.VANTAGE_OFFLINE) >= ENOUGH, "samples of an outage")
    names.late_s = 0.0
    watch.wait_for(lambda: watch.online() == "1.0" and set(watch.look().values()) == {"up"}, "all up again")


def mute_for_the_gateway(watch: Watch, names: NameServer) -> None:
    """It answers for all names but one."""
    names.is_mute = lambda name: name == GATEWAY
    watch.wait_for(lambda: "down" in watch.look().values(), "an endpoint that is down")


def no_such_gateway(watch: Watch, names: NameServer) -> None:
    """It says that there is no such name."""
    names.refuses_gateway = True
    watch.wait_for(lambda: "down" in watch.look().values(), "an endpoint that is down")


SCENARIOS: Mapping[str, Callable[[Watch, NameServer], None]] = {
    "mute for all": mute_for_all,
    "slow for all": slow_for_all,
    "mute for the gateway": mute_for_the_gateway,
    "no such gateway": no_such_gateway,
}


@contextmanager
def resolving() -> Iterator[NameServer]:
    """A name server of our own, and no other."""
    with tempfile.NamedTemporaryFile("w") as servers:
        servers.write("nameserver 127.0.0.1\noptions timeout:2 attempts:2\n")
        servers.flush()
        run("mount", "--bind", servers.name, "/etc/resolv.conf")
        names = NameServer()
        try:
            yield names
        finally:
            names.close()


def main() -> None:
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{P}/32", "dev", "lo")
    story = SCENARIOS[sys.argv[1]]
    with (
        resolving() as names,
        serving(Act.ASKED, head(), STREAM, host=GATEWAY, address=P) as provider,
        watching({"gate": provider}, Trap()) as watch,
    ):
        story(watch, names)
        statuses = {name: sorted(seen) for name, seen in watch.statuses.items()}
        told = {"statuses": statuses, "samples": watch.samples()}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
