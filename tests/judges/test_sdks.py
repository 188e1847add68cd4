"""The vendors' current SDKs as judges: every codec asks as its vendor's SDK asks, and reads what that reads.

Both ask one loopback server, which answers both with the bytes of a recording. Where they differ, the difference is
named with its reason, in `unlike` and in `vendors`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from probes._meter import Reading
from probes._model import ErrorClass
from tests.contract.recordings import Recording, recordings
from tests.judges.court import Court, differences, in_session
from tests.judges.unlike import LET_PASS, UNLIKE, UNREAD
from tests.judges.vendors import VENDORS, classes_of, own_apis

pytestmark = pytest.mark.judges

RECORDINGS = [recording for api in VENDORS for recording in recordings(api)]
SUCCESSES = [recording for recording in RECORDINGS if recording.expect["error"] is None]
FAILURES = [recording for recording in RECORDINGS if recording.expect["error"] is not None]


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    with in_session() as court:
        yield court


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


def test_every_codec_has_a_judge() -> None:
    assert set(VENDORS) == own_apis()


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
