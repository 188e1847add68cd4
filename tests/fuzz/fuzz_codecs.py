"""Fuzzes every codec from the wire to the sample: any answer becomes a sample whose blame is not the monitor.

python -m tests.fuzz.fuzz_codecs -max_total_time=300
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from tests.fuzz.fuzzing import fuzz, instrumented

with instrumented():
    from probes._loader import available, codec, codec_class
    from probes._model import Blame, Framing, MalformedError, Task
    from probes._sample import sample, transcript
    from probes._serialize import sample_from_plain, sample_to_plain

    APIS = available()
    CODECS = [codec(api, {}) for api in APIS]

from probes._framing import aws_messages
from tests.contract.aws import aws_message
from tests.contract.exchanges import KEY, cut, exchange_of, run_to
from tests.contract.recordings import Recording, all_recordings

TASKS = [sorted(codec_class(api).tasks - {Task.REACH}) for api in APIS]
STATUSES = (200, 400, 429, 500)
READ_BYTES = 50


def one_input(data: bytes) -> None:
    """The first two bytes choose the API, the task and the status; the others are the body."""
    if len(data) < 2:
        return
    number = data[0] % len(APIS)
    task = TASKS[number][data[0] // len(APIS) % len(TASKS[number])]
    status = STATUSES[data[1] % len(STATUSES)]
    check(number, task, status, body_of(number, status, data[2:]))


def body_of(number: int, status: int, data: bytes) -> bytes:
    """The bytes themselves; in AWS' framing, whose checksums chance does not hit, the messages that the lines tell."""
    if CODECS[number].framing is not Framing.AWS_EVENT_STREAM or status != 200:
        return data
    return b"".join(message_of(line) for line in data.split(b"\n"))


def message_of(line: bytes) -> bytes:
    kind, _, rest = line.partition(b"|")
    name, _, payload = rest.partition(b"|")
    names = {"event_type": name, "exception_type": name, "error_code": name, "error_message": payload}
    told = {header: value.decode("utf-8", "replace")[:50] for header, value in names.items()}
    return aws_message(payload, message_type=kind.decode("utf-8", "replace")[:50], **told)


def check(number: int, task: Task, status: int, body: bytes) -> None:
    run, asker = run_to(APIS[number], task=task), CODECS[number]
    seen = exchange_of(cut(body, READ_BYTES), status=status)
    taken = sample(run, asker, seen)
    assert taken.blame in {None, Blame.PROVIDER, Blame.ACCOUNT}, taken.detail
    assert taken.error is None or taken.detail
    assert len(taken.detail or "") <= 200
    told = json.dumps(sample_to_plain(taken))
    assert sample_from_plain(json.loads(told)) == taken
    assert KEY not in told
    assert KEY not in "".join(words for _, words in transcript(run, asker, seen))
    check_models(number, body)


def check_models(number: int, body: bytes) -> None:
    with suppress(MalformedError):
        assert all(CODECS[number].models(body))


def seeds() -> Iterator[bytes]:
    for recording in all_recordings():
        number = APIS.index(recording.api)
        task = TASKS[number].index(recording.task) if recording.task in TASKS[number] else 0
        status = STATUSES.index(recording.status if recording.status in STATUSES else 400)
        yield bytes([number + len(APIS) * task, status]) + words_of(recording)[:6000]


def words_of(recording: Recording) -> bytes:
    """What `body_of` makes the recording of."""
    if codec_class(recording.api).framing is not Framing.AWS_EVENT_STREAM or recording.status != 200:
        return recording.body
    lines = []
    try:
        for frame in aws_messages(recording.body):
            kind = frame.headers.get(":message-type", "")
            name = frame.event or frame.headers.get(":error-code", "")
            lines.append(f"{kind}|{name}|".encode() + frame.data.replace(b"\n", b" "))
    except MalformedError:
        pass
    return b"\n".join(lines)


if __name__ == "__main__":
    fuzz(one_input, seeds())
