"""Example data of a probe: an `Exchange` from pieces of bytes and their arrival times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from probes._exchange import Exchange
from probes._meter import Arrival
from probes._model import Deadlines, Endpoint, Prompt, Run, Secret, Task
from probes._prompts import FORM

KEY = "sk-recorded-0123456789abcdef"
"""The key of every made-up endpoint. Recordings hold it where a provider echoes the key."""
EVENT_STREAM: Mapping[str, str] = {"content-type": "text/event-stream"}
BEGAN_AT = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
BEGAN_NS = 7_000_000_000
T0_NS = BEGAN_NS + 250_000_000
NS_PER_BYTE = 1_000_000
"""How long a byte takes in `cut`: long enough that microseconds show every byte."""


PROMPTS: Mapping[Task, Prompt] = {
    Task.CHAT: Prompt(text="[nonce] Repeat these numbers: 1, 2, 3", max_tokens=64, expected=(1, 2, 3), tokens=15),
    Task.TOOL_CALL: Prompt(text="[nonce] Call the tool with 1, 2, 3", max_tokens=64, tokens=15, form=FORM),
    Task.STRUCTURED_OUTPUT: Prompt(text="[nonce] In JSON: 1, 2, 3", max_tokens=64, tokens=14, form=FORM),
    Task.EMBEDDING: Prompt(text="[nonce] 1, 2, 3", max_tokens=64, tokens=11, dimensions=4),
    Task.REACH: Prompt(text="", max_tokens=64),
}


def run_to(
    api: str = "openai_chat", *, task: Task = Task.CHAT, deadlines: Deadlines | None = None, **endpoint: Any
) -> Run:
    """A probe of an example endpoint, or of `endpoint`."""
    asked = Endpoint(
        id="acme:tiny", provider="acme", model="tiny", api=api, base_url="https://acme.test/v1", api_key=Secret(KEY)
    )
    return Run(
        id="00000000000000aa",
        endpoint=replace(asked, **endpoint),
        vantage="here",
        probe="chat",
        task=task,
        prompt=PROMPTS[task],
        deadlines=deadlines or Deadlines(ttft_s=10.0, total_s=30.0),
        scheduled_at=BEGAN_AT,
    )


def exchange_of(pieces: Iterable[tuple[float, bytes]] = (), **fields: Any) -> Exchange:
    """An answer of status 200 whose pieces came so many seconds after the request; `fields` in place of the rest."""
    body, arrivals = b"", []
    for at_s, piece in pieces:
        body += piece
        arrivals.append(Arrival(at_ns=T0_NS + round(at_s * 1e9), end=len(body)))
    last_ns = arrivals[-1].at_ns if arrivals else T0_NS
    seen = Exchange(
        began_at=BEGAN_AT,
        began_ns=BEGAN_NS,
        t0_ns=T0_NS,
        head_ns=T0_NS + 1_000_000,
        status=200,
        headers=EVENT_STREAM,
        body=body,
        arrivals=tuple(arrivals),
        ended_ns=last_ns + 1_000_000,
    )
    return replace(seen, **fields)


def cut(body: bytes, size: int) -> list[tuple[float, bytes]]:
    """`body` in reads of `size` bytes, each at the time at which its last byte came."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    ends = [min(at + size, len(body)) for at in range(0, len(body), size)]
    return [(end * NS_PER_BYTE / 1e9, piece) for end, piece in zip(ends, pieces, strict=True)]
