"""`providerwatch check`: errors and warnings of a configuration, and whether the providers accept it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from monitor.cli.common import extensions
from monitor.config import Config, ConfigError, Problem, default_path, load, unused_proxy
from monitor.discovery.preflight import Finding, as_plain, preflight, show
from monitor.domain.text import plural
from monitor.vantage.origin import blind_spot

_WRONG, _REFUSED = 2, 1
_LOG_WIDTH = 160
"""Width in columns of a table that is written to a file or a pipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A valid configuration, and the providers' answers if they were asked."""

    path: Path
    config: Config
    findings: Sequence[Finding] | None = None

    @property
    def paused(self) -> int:
        """How many endpoints are paused. These are not asked."""
        return sum(not spec.enabled for spec in self.config.endpoints)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Settings that are valid but likely mistakes, and missing settings."""
        return (*self.config.warnings, *map(self._warning, self._omissions()))

    def _omissions(self) -> Iterator[str]:
        lone = blind_spot([spec.endpoint for spec in self.config.endpoints if spec.enabled], self.config.canaries)
        if lone is not None:
            yield (
                f"all endpoints are at {lone} and no `canaries` are configured: when {lone} does not answer, "
                "Providerwatch cannot tell its failure from a failure of the local network; add two unrelated hosts, "
                'such as canaries: ["1.1.1.1:443", "example.com:443"]'
            )
        proxy = unused_proxy(self.config, os.environ)
        if proxy is not None:
            yield proxy

    def _warning(self, words: str) -> Problem:
        return Problem(file=str(self.path), message=f"warning: {words}")

    @property
    def ok(self) -> bool:
        """Whether every provider that was asked accepts its endpoints."""
        return all(found.ok for found in self.findings or ())


def check_file(path: Path | None, *, connecting: bool, as_json: bool) -> int:
    """Check a configuration (default: the default path), print the result and return the exit code."""
    chosen = path or default_path(os.environ)
    try:
        config = load(chosen, os.environ, extensions())
    except ConfigError as error:
        if as_json:
            _print_json(
                {"ok": False, "file": str(chosen), "problems": [_problem(problem) for problem in error.problems]}
            )
        else:
            print(error, file=sys.stderr)
        return _WRONG
    checked = Checked(path=chosen, config=config)
    if not as_json:
        _show(checked)
    if connecting:
        checked = Checked(path=chosen, config=config, findings=asyncio.run(preflight(config)))
    if as_json:
        _print_json(_plain(checked))
    elif checked.findings is not None:
        wide = None if sys.stdout.isatty() else _LOG_WIDTH
        Console(highlight=False, width=wide).print(show(checked.findings, checked.paused))
    return 0 if checked.ok else _REFUSED


def _show(checked: Checked) -> None:
    for warning in checked.warnings:
        print(warning, file=sys.stderr, flush=True)
    endpoints = plural(len(checked.config.endpoints), "endpoint")
    note = f" ({checked.paused} paused)" if checked.paused else ""
    probes = plural(len(checked.config.probes), "probe")
    warned = f", {plural(len(checked.warnings), 'warning')}" if checked.warnings else ""
    print(f"{checked.path}: ok: {endpoints}{note}, {probes}{warned}", flush=True)


def _plain(checked: Checked) -> dict[str, object]:
    plain: dict[str, object] = {
        "ok": checked.ok,
        "file": str(checked.path),
        "counts": {
            "endpoints": len(checked.config.endpoints),
            "paused": checked.paused,
            "probes": len(checked.config.probes),
        },
        "warnings": [_problem(problem) for problem in checked.warnings],
    }
    return plain if checked.findings is None else {**plain, "endpoints": as_plain(checked.findings)}


def _problem(problem: Problem) -> dict[str, object]:
    """A problem as plain data for JSON."""
    return {
        "line": problem.position.line if problem.position else None,
        "column": problem.position.column if problem.position else None,
        "path": problem.path or None,
        "message": problem.message,
    }


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))
