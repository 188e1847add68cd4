"""The machine that a benchmark runs on: its facts, its load, and priority over other programs."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_PRIORITY = 10


def load_average() -> str:
    """The machine's load averages."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def machine(load_before: str) -> dict[str, str]:
    """Facts of the machine and of the software that decide the figures, and its load before and after the run."""
    cpus = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in cpus if line.startswith("model name")), "unknown")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": f"{model}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "scheduling": "SCHED_RR" if os.sched_getscheduler(0) == os.SCHED_RR else "shared with all programs",
        "python": sys.version.split()[0],
        "aiohttp": version("aiohttp"),
        "uvloop": version("uvloop"),
        "load average before": load_before,
        "load average after": load_average(),
    }


def run_realtime() -> None:
    """Run this process, and the threads and processes that it starts from now on, before all ordinary programs."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    except PermissionError:
        raise SystemExit("--realtime needs root or CAP_SYS_NICE") from None
