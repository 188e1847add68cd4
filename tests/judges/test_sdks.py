"""The vendors' current SDKs as judges: every codec asks as its vendor's SDK asks, and reads what that reads.

Both ask one loopback server, which answers both with the bytes of a recording. Where they differ, the difference is
named with its reason, in `unlike` and in `vendors`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from probes._driver import exchange
from probes._loader import available
from probes._loader import codec as make_codec
from probes._meter import Reading
from probes._model import ErrorClass, Run, Sample, Secret
from probes._record import judged, reading_into
from tests.contract.recordings import Recording, recordings
from tests.judges.replay import Asked, Replay, serving
from tests.judges.unlike import LET_PASS, UNLIKE, UNREAD
from tests.judges.vendors import VENDORS, Sdk, classes_of, running

pytestmark = pytest.mark.judges

RECORDINGS = [recording for api in VENDORS for recording in recordings(api)]
SUCCESSES = [recording for recording in RECORDINGS if recording.expect["error"] is None]
FAILURES = [recording for recording in RECORDINGS if recording.expect["error"] is not None]


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
        for _ in reading_into(reading, run, codec, seen):
            pass
        (asked,) = self.replay.asked
        return Ours(asked=asked, reading=reading, sample=judged(run, codec, seen, reading))

    def theirs(self, recording: Recording) -> tuple[Asked, dict[str, Any]]:
        self.replay.now(recording)
        told = self.sdk(recording.api).ask(self.run(recording), self.replay.address, recording.options)
        assert len(self.replay.asked) == 1, told
        return self.replay.asked[0], told


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    with ExitStack() as stack:
        yield Court(stack.enter_context(serving()), stack)


def named(recording: Recording) -> str:
    return f"{recording.api}/{recording.name}"


def read(reading: Reading) -> dict[str, Any]:
    """Our reading in the words of an SDK's answer."""
    usage = reading.usage
    return {
        "text": reading.answer,
        "thought": reading.thought,
        "calls": [
            {"name": call.name, "arguments": json.loads(call.arguments or "null")} for call in reading.calls.values()
        ],
        "stop": reading.stop_reason,
        "usage": usage and {name: getattr(usage, name) for name in ("prompt", "output", "reasoning", "cached")},
        "vector": reading.vector and {"size": reading.vector.size, "finite": reading.vector.finite},
    }


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (ours[name], theirs.get(name)) for name in ours if ours[name] != theirs.get(name)}


def test_every_codec_has_a_judge() -> None:
    assert set(available()) - set(VENDORS) == set()


@pytest.mark.parametrize("recording", SUCCESSES, ids=named)
async def test_an_answer_is_read_as_the_vendors_sdk_reads_it(court: Court, recording: Recording) -> None:
    ours = await court.ours(recording)
    _, theirs = court.theirs(recording)
    assert ours.sample.error is None
    if named(recording) in UNREAD:
        assert "raised" in theirs, "the SDK can read it now"
        return
    assert "raised" not in theirs, theirs["raised"]
    unlike = differences(read(ours.reading), theirs)
    assert unlike.keys() == UNLIKE.get(named(recording), {}).keys(), unlike


@pytest.mark.parametrize("recording", FAILURES, ids=named)
async def test_what_the_vendors_sdk_raises_on_is_no_success(court: Court, recording: Recording) -> None:
    ours = await court.ours(recording)
    _, theirs = court.theirs(recording)
    assert ours.sample.error == recording.expect["error"], ours.sample.detail
    raised = theirs.get("raised")
    if raised is None:
        assert recording.status == 200
        assert ours.sample.error in LET_PASS, theirs
        return
    if recording.status >= 400:
        assert raised["status"] == recording.status, raised
        assert ErrorClass(recording.expect["error"]) in classes_of(recording.status), raised


ASKED = [
    replace(recording, options=options)
    for api, vendor in VENDORS.items()
    for recording in recordings(api)
    for options in vendor.asked
    if recording.name in {"ok", "tools", "structured"}
]


def named_with_options(recording: Recording) -> str:
    return "-".join((named(recording), *map(str, recording.options.values())))


@pytest.mark.parametrize("recording", ASKED, ids=named_with_options)
async def test_a_request_is_the_vendors_sdks_own(court: Court, recording: Recording) -> None:
    vendor = VENDORS[recording.api]
    ours, (theirs, _) = (await court.ours(recording)).asked, court.theirs(recording)
    assert (ours.method, ours.target) == (theirs.method, theirs.target)
    headers = ({name: asked.headers.get(name) for name in vendor.headers} for asked in (ours, theirs))
    unlike = differences(*headers)
    assert unlike.keys() <= vendor.headers_unlike.keys(), unlike
    bodies = [json.loads(asked.body) for asked in (ours, theirs)]
    names = {name: None for body in bodies for name in body}
    unlike = differences(*(names | body for body in bodies))
    assert unlike.keys() <= vendor.body_unlike.keys(), unlike


@pytest.mark.parametrize("recording", [one for one in ASKED if VENDORS[one.api].typed], ids=named_with_options)
async def test_a_request_is_of_the_type_that_the_vendors_sdk_declares(court: Court, recording: Recording) -> None:
    body = json.loads((await court.ours(recording)).asked.body)
    assert court.sdk(recording.api).problems(body) == []
    assert court.sdk(recording.api).problems(body | {"made_up": 1}) == [".made_up is unknown"]
