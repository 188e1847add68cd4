"""Generated history: families of endpoints share their values, so that each family's hour is generated once.

Every endpoint has ids, places in the order of appending, and starts of its own; what was measured repeats within a
family. A block and a rollup hold one endpoint, so their sizes do not depend on families.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from probes._model import ErrorClass, Sample, Task, Timing, TokensFrom

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
VANTAGE: Final = "fra1"
PROBE: Final = "chat"
FAILURES: Final = 0.005
OUTAGES_A_DAY: Final = 0.15
OUTAGE_MINUTES: Final = (15, 50)
_ENDPOINTS_A_FAMILY: Final = 20
_FAILURES: Final = (
    (ErrorClass.OVERLOADED, 529, "Overloaded"),
    (ErrorClass.SERVER_ERROR, 500, "Internal server error"),
    (ErrorClass.SERVER_ERROR, 502, "<html><head><title>502 Bad Gateway</title></head>"),
    (ErrorClass.RATE_LIMITED, 429, "Rate limit reached for requests per minute"),
    (ErrorClass.TIMEOUT_TTFT, 200, None),
    (ErrorClass.CONNECT, None, "Connection refused"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Amount of history: one sample a minute for each endpoint, one task, one vantage."""

    endpoints: int
    days: int
    raw_days: int
    now: datetime
    seed: int = 1

    @property
    def families(self) -> int:
        """Number of families."""
        return -(-self.endpoints // _ENDPOINTS_A_FAMILY)

    def hours(self, days: float) -> int:
        """The hour since 1970 that lies this many days before now."""
        return int((self.now - timedelta(days=days) - EVER) // HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Properties that the endpoints of a family share."""

    number: int
    ttft_s: float
    gap_s: float
    connect_s: float
    is_reasoning: bool
    has_server_s: bool
    usd_per_token: float


def endpoint_id(number: int) -> str:
    """The id of an endpoint, of realistic length."""
    return f"provider-{number % 40}:vendor/model-{number}-instruct"


def family(plan: Plan, number: int) -> Family:
    """The family of a number; equal seeds give equal families."""
    chance = random.Random(f"{plan.seed}/{number}")
    return Family(
        number=number,
        ttft_s=chance.lognormvariate(math.log(0.4), 0.6),
        gap_s=1 / chance.uniform(25, 200),
        connect_s=chance.uniform(0.002, 0.12),
        is_reasoning=chance.random() < 0.2,
        has_server_s=chance.random() < 0.3,
        usd_per_token=chance.choice((0.05, 0.2, 0.6, 2.5, 15.0)) * 1e-6,
    )


def family_hour(plan: Plan, number: int, hour: int) -> list[Sample]:
    """A family's samples of an hour, one at the start of each minute, without ids."""
    kind = family(plan, number)
    chance = random.Random(f"{plan.seed}/{number}/{hour}")
    outage = _outage(plan, number, hour)
    return [
        _sample(kind, chance, EVER + hour * HOUR + minute * MINUTE, 0.8 if minute in outage else FAILURES)
        for minute in range(60)
    ]


def of_endpoint(sample: Sample, number: int, chance: random.Random) -> Sample:
    """The sample of one endpoint, from its family's sample."""
    shift = phase(number)
    return replace(
        sample,
        id=f"{chance.getrandbits(64):016x}",
        endpoint=endpoint_id(number),
        scheduled_at=sample.scheduled_at + shift,
        started_at=sample.started_at + shift,
    )


def phase(number: int) -> timedelta:
    """Time in the minute of an endpoint's probes: evenly spread, and early enough that no lag leaves the hour."""
    return timedelta(microseconds=(number * 618_033_989) % 57_000_000)


def _outage(plan: Plan, number: int, hour: int) -> range:
    """The minutes of an hour in which most probes fail."""
    chance = random.Random(f"{plan.seed}/{number}/{hour}/outage")
    if chance.random() > OUTAGES_A_DAY / 24:
        return range(0)
    begin = chance.randrange(60)
    return range(begin, min(60, begin + chance.randint(*OUTAGE_MINUTES)))


def _sample(kind: Family, chance: random.Random, due: datetime, failures: float) -> Sample:
    lag_s = chance.expovariate(1 / 0.002)
    began = Sample(
        id="",
        endpoint="",
        vantage=VANTAGE,
        probe=PROBE,
        task=Task.CHAT,
        scheduled_at=due,
        started_at=due + timedelta(seconds=min(lag_s, 1.0)),
        lag_s=lag_s,
        cold=True,
        dns_s=chance.lognormvariate(math.log(0.001), 0.5),
        connect_s=_spread(chance, kind.connect_s, 0.1),
        tls_s=_spread(chance, kind.connect_s * 1.8, 0.1),
        rtt_s=_spread(chance, kind.connect_s, 0.05),
        retransmits=int(chance.random() < 0.01),
        rx_lag_s=chance.lognormvariate(math.log(0.0001), 0.5),
        merged_reads=0,
        timing=Timing.KERNEL,
        clock_step=False,
    )
    return _failed(began, chance) if chance.random() < failures else _answered(began, kind, chance)


def _failed(began: Sample, chance: random.Random) -> Sample:
    error, status_code, detail = chance.choice(_FAILURES)
    return replace(
        began,
        error=error,
        blame=error.blame,
        status_code=status_code,
        detail=detail,
        headers_s=None if status_code is None else chance.uniform(0.05, 5),
        retry_after_s=5.0 if status_code == 429 else None,
    )


def _answered(began: Sample, kind: Family, chance: random.Random) -> Sample:
    tokens = chance.randint(40, 64)
    gap_s = _spread(chance, kind.gap_s, 0.15)
    ttft_s = _spread(chance, kind.ttft_s, 0.35)
    thinking = chance.randint(30, 60) if kind.is_reasoning else 0
    writing_s = (tokens + thinking - 1) * gap_s
    return replace(
        began,
        status_code=200,
        answer_ok=True,
        headers_s=ttft_s * chance.uniform(0.5, 0.98),
        ttft_s=ttft_s,
        ttat_s=ttft_s + thinking * gap_s,
        e2e_s=ttft_s + writing_s,
        itl_p50_s=gap_s,
        itl_p99_s=gap_s * chance.uniform(1.5, 3),
        itl_max_s=gap_s * chance.uniform(3, 12),
        prompt_tokens=chance.randint(98, 104),
        output_tokens=tokens + thinking,
        reasoning_tokens=thinking if kind.is_reasoning else None,
        cached_tokens=0,
        tokens_from=TokensFrom.USAGE,
        output_tps=1 / gap_s,
        tpot_s=gap_s,
        e2e_tps=(tokens + thinking) / (ttft_s + writing_s),
        cost_usd=(tokens + thinking + 25) * kind.usd_per_token,
        server_s=ttft_s * 0.8 if kind.has_server_s else None,
    )


def _spread(chance: random.Random, middle: float, sigma: float) -> float:
    return chance.lognormvariate(math.log(middle), sigma)


def minutes(plan: Plan, hour: int) -> Iterator[int]:
    """The minutes of an hour that have passed at the plan's now."""
    over = int((plan.now - EVER - hour * HOUR) // MINUTE)
    yield from range(max(0, min(60, over)))
