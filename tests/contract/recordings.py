"""The recorded answers under tests/recordings; their README says what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probes._exchange import Ending, Exchange
from probes._loader import available, codec, codec_class
from probes._model import Probe, Run, Task
from tests.contract.exchanges import exchange_of, run_to

FOLDER = Path(__file__).parents[1] / "recordings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded answer, and the expected sample."""

    api: str
    name: str
    task: Task
    status: int
    headers: Mapping[str, str]
    options: Mapping[str, object]
    ending: Ending
    proof: bytes | None
    """A part of the event that proves the end; None where the probe failed, or where the answer is not a stream."""
    expect: Mapping[str, Any]
    body: bytes

    def codec(self) -> Probe:
        """The codec that reads it, with the options it needs."""
        return codec(self.api, self.options)

    def run(self) -> Run:
        """The probe that it answers."""
        return run_to(self.api, task=self.task)

    def exchange(self, pieces: Iterable[tuple[float, bytes]]) -> Exchange:
        """The recorded answer, its body received in these pieces."""
        return exchange_of(pieces, status=self.status, headers=self.headers, ending=self.ending)


def recordings(api: str) -> list[Recording]:
    """All recordings of a wire API, by name."""
    return [_load(api, path) for path in sorted((FOLDER / api).glob("*.json"))]


def all_recordings() -> list[Recording]:
    """The recordings of every wire API that is installed here."""
    return [recording for api in available() for recording in recordings(api)]


def _load(api: str, path: Path) -> Recording:
    described = json.loads(path.read_text())
    unknown = described.keys() - {"about", "task", "status", "headers", "options", "ending", "proof", "expect"}
    if unknown:
        raise ValueError(f"{path} holds {', '.join(sorted(unknown))}, which README.md does not know")
    proof = described.get("proof")
    return Recording(
        api=api,
        name=path.stem,
        task=Task(described.get("task", min(codec_class(api).tasks - {Task.REACH}))),
        status=described["status"],
        headers={name.lower(): value for name, value in described["headers"].items()},
        options=described.get("options", {}),
        ending=Ending[described.get("ending", "END_OF_FILE")],
        proof=proof.encode() if proof else None,
        expect=described["expect"],
        body=path.with_suffix(".body").read_bytes(),
    )
