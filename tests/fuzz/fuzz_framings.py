"""Fuzzes every framing, and JSON itself: bytes are cut into frames, or malformed; frames end where they say.

python -m tests.fuzz.fuzz_framings -max_total_time=300
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from tests.fuzz.fuzzing import fuzz, instrumented

with instrumented():
    from probes import _json
    from probes._framing import MAX_EVENT_BYTES, frames
    from probes._model import Frame, Framing, MalformedError

from probes._loader import codec_class
from tests.contract.recordings import all_recordings

FRAMINGS = tuple(Framing)
PARTS = 256 // len(FRAMINGS)


def one_input(data: bytes) -> None:
    """The first byte chooses a framing and where the body is cut."""
    if not data:
        return
    framing, body = FRAMINGS[data[0] % len(FRAMINGS)], data[1:]
    found = cut(framing, body)
    check(found, body)
    if framing is not Framing.WHOLE:
        length = len(body) * (data[0] // len(FRAMINGS)) // PARTS
        check_beginning(cut(framing, body[:length]), found)
    check_json(body)


def cut(framing: Framing, body: bytes) -> list[Frame]:
    """The frames up to the first that is malformed."""
    found: list[Frame] = []
    with suppress(MalformedError):
        found += frames(framing, body)
    return found


def check(found: list[Frame], body: bytes) -> None:
    end = 0
    for frame in found:
        assert end < frame.end <= len(body), "ends increase"
        assert len(frame.data) <= MAX_EVENT_BYTES
        end = frame.end
    assert all(frame.complete for frame in found[:-1]), "only the last can be cut short"


def check_beginning(early: list[Frame], found: list[Frame]) -> None:
    """The complete frames in a prefix of a stream are the same as in the whole stream."""
    whole = [frame for frame in early if frame.complete]
    assert len(whole) <= len(found)
    for frame, later in zip(whole, found, strict=False):
        assert (frame.event, frame.data, frame.headers) == (later.event, later.data, later.headers)
        assert later.end - frame.end in {0, 1}, "but for the LF behind a CR"


def check_json(body: bytes) -> None:
    try:
        _json.decode(body)
    except MalformedError:
        return
    assert not _json.is_cut(body)


def seeds() -> Iterator[bytes]:
    for recording in all_recordings():
        framing = FRAMINGS.index(codec_class(recording.api).framing)
        yield bytes([framing + len(FRAMINGS) * (PARTS // 2)]) + recording.body[:4000]


if __name__ == "__main__":
    fuzz(one_input, seeds())
