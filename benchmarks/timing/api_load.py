"""Loads an HTTP address from a process of its own: GETs over one kept-alive connection at a limited rate.

python benchmarks/timing/api_load.py HOST PORT PATH RATE SECONDS      prints one JSON object
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from http.client import HTTPConnection

from probes._quantiles import quantile


def load(host: str, port: int, path: str, *, rate: float, seconds: float) -> dict[str, object]:
    """Requests `path` at fixed times, `rate` per second; late requests follow without a pause."""
    connection = HTTPConnection(host, port, timeout=10)
    statuses: Counter[int] = Counter()
    took_s: list[float] = []
    size, began = 0, time.monotonic()
    for tick in range(int(rate * seconds)):
        if time.monotonic() >= began + seconds:
            break
        time.sleep(max(0.0, began + tick / rate - time.monotonic()))
        started = time.monotonic()
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        size = len(response.read())
        took_s.append(time.monotonic() - started)
        statuses[response.status] += 1
    connection.close()
    took_s.sort()
    return {
        "requests": len(took_s),
        "statuses": dict(statuses),
        "per second": round(len(took_s) / (time.monotonic() - began), 1),
        "bytes": size,
        "p50 ms": round(quantile(took_s, 0.5) * 1e3, 2),
        "p99 ms": round(quantile(took_s, 0.99) * 1e3, 2),
    }


def main() -> None:
    """Reads the arguments, loads the address and prints the figures."""
    host, port, path, rate, seconds = sys.argv[1:]
    print(json.dumps(load(host, int(port), path, rate=float(rate), seconds=float(seconds))))


if __name__ == "__main__":
    main()
