"""Measures the model's speed on this machine. Deadlines, SLO and intervals of the demo depend on it."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.demo.settings import MAX_TOKENS, PROMPT_TOKENS
from probes._driver import exchange
from probes._loader import codec
from probes._model import Deadlines, Endpoint, Run, Sample, Task
from probes._prompts import prompt_for
from probes._sample import sample

PATIENCE_S = 120.0
"""How long one answer may take during the measurement."""
_AT_A_TIME = 3
"""The number of providers, since their probes may run at the same time."""
_USUAL_TTFT_S, _USUAL_E2E_S = 0.75, 2.0
"""Half of the demo's SLO, and a third of its deadline. A model that is not slower needs no longer limits."""
_STEP = 0.5


class TooSlowError(Exception):
    """The model does not answer; the message contains the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The slowest times of several answers."""

    ttft_s: float
    e2e_s: float

    @property
    def pace(self) -> float:
        """The factor for deadlines, SLO and intervals; 1 on a machine that is fast enough."""
        needed = max(self.ttft_s / _USUAL_TTFT_S, self.e2e_s / _USUAL_E2E_S)
        return 1.0 if needed <= 1 else math.ceil(needed / _STEP) * _STEP


async def measure(address: str, model: str, patience_s: float = PATIENCE_S) -> Speed:
    """Send one request as a warm-up, then as many at a time as the demo may send. Raises TooSlowError."""
    await _asked(address, model, patience_s)
    found = await asyncio.gather(*(_asked(address, model, patience_s) for _ in range(_AT_A_TIME)))
    return Speed(
        ttft_s=max(result.ttft_s or 0.0 for result in found), e2e_s=max(result.e2e_s or 0.0 for result in found)
    )


async def _asked(address: str, model: str, patience_s: float) -> Sample:
    """Run one probe as the daemon does. The answer may be wrong, since a small model often makes mistakes."""
    endpoint = Endpoint(id="demo", provider="demo", model=model, api="openai_chat", base_url=f"{address}/v1")
    run = Run(
        id="demo",
        endpoint=endpoint,
        vantage="local",
        probe="chat",
        task=Task.CHAT,
        prompt=prompt_for(Task.CHAT, "demo", prompt_tokens=PROMPT_TOKENS, max_tokens=MAX_TOKENS),
        deadlines=Deadlines(ttft_s=patience_s, total_s=patience_s),
        scheduled_at=datetime.now(UTC),
    )
    probe = codec(endpoint.api, endpoint.options)
    taken = sample(run, probe, await exchange(run, probe))
    if taken.e2e_s is None:
        raise TooSlowError(
            f"the model gave no answer within {patience_s:g} s ({taken.error}: {taken.detail}): "
            "this machine is too slow or too busy; end other programs and try again"
        )
    return taken
