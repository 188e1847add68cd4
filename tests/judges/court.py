"""A loopback server that gets the same requests from our codecs and the vendors' SDKs; and their differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from probes._driver import exchange
from probes._loader import codec as make_codec
from probes._meter import Reading
from probes._model import Run, Sample, Secret
from probes._sample import decode_into, sample_of_reading
from tests.contract.recordings import Recording
from tests.judges.replay import Asked, Replay, serving
from tests.judges.vendors import VENDORS, Sdk, running


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What our codec asked, and what it made of the answer, by way of the whole driver."""

    asked: Asked
    reading: Reading
    sample: Sample


class Court:
    """One server, and the SDKs that were called so far."""

    def __init__(self, replay: Replay, stack: ExitStack) -> None:
        self.replay = replay
        self._stack = stack
        self._sdks: dict[str, Sdk] = {}

    def sdk(self, api: str) -> Sdk:
        if api not in self._sdks:
            self._sdks[api] = self._stack.enter_context(running(VENDORS[api]))
        return self._sdks[api]

    def run(self, recording: Recording) -> Run:
        run = recording.run()
        vendor = VENDORS[recording.api]
        key = Secret(vendor.key) if vendor.key else run.endpoint.api_key
        endpoint = replace(run.endpoint, base_url=self.replay.address + vendor.base, api_key=key)
        return replace(run, endpoint=endpoint, scheduled_at=datetime.now(UTC))

    async def ours(self, recording: Recording) -> Ours:
        self.replay.now(recording)
        run, reading = self.run(recording), Reading()
        codec = make_codec(recording.api, {**VENDORS[recording.api].options, **recording.options})
        seen = await exchange(run, codec)
        for _ in decode_into(reading, run, codec, seen):
            pass
        (asked,) = self.replay.asked
        return Ours(asked=asked, reading=reading, sample=sample_of_reading(run, codec, seen, reading))

    def theirs(self, recording: Recording) -> tuple[Asked, dict[str, Any]]:
        self.replay.now(recording)
        told = self.sdk(recording.api).ask(self.run(recording), self.replay.address, recording.options)
        assert len(self.replay.asked) == 1, told
        return self.replay.asked[0], told


@contextmanager
def in_session() -> Iterator[Court]:
    """A court whose server and SDKs end with the block."""
    with ExitStack() as stack:
        yield Court(stack.enter_context(serving()), stack)


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (ours[name], theirs.get(name)) for name in ours if ours[name] != theirs.get(name)}
