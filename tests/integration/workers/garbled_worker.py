"""A worker process that sends something invalid at its first start, and works at all later starts.

Arguments: a file of what to say, which is taken away when it is said, and the socket's number.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from monitor.workers import worker


def say(words: bytes, number: int) -> None:
    with socket.socket(fileno=number) as channel:
        channel.recv(1 << 16)
        channel.sendall(words)
        while channel.recv(1 << 16):
            pass


if __name__ == "__main__":
    name, number = sys.argv[1:]
    if Path(name).exists():
        words = Path(name).read_bytes()
        Path(name).unlink()
        say(words, int(number))
    else:
        sys.argv[1:] = [number]
        worker.main()
