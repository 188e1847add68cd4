"""What a codec asks for and what it reads, without a network."""

from __future__ import annotations

import json
from typing import Any

from probes._model import Event, Frame, Probe, Request, Task
from tests.contract.exchanges import run_to


def asked(codec: Probe, task: Task = Task.CHAT, **endpoint: Any) -> Request:
    """The request to a made-up endpoint of its API; `endpoint` in place of what that would be."""
    run = run_to(type(codec).__module__.rpartition(".")[2], task=task, **endpoint)
    return codec.request(run.endpoint, run.task, run.prompt)


def body_of(codec: Probe, task: Task = Task.CHAT, **endpoint: Any) -> dict[str, Any]:
    """The JSON of that request's body."""
    body: dict[str, Any] = json.loads(asked(codec, task, **endpoint).body)
    return body


def events_of(codec: Probe, message: object, name: str | None = None, *, end: int | None = None) -> list[Event]:
    """The events of one frame; `message`: bytes, or what they are made of as JSON. `end`: not that of the bytes."""
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return list(codec.read(Frame(data=data, event=name, end=len(data) if end is None else end)))
