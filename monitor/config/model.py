"""The configuration as the daemon uses it: frozen, resolved, complete. Defaults live here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from monitor.config._errors import Problem
from monitor.config.listing import UNLISTED, Listing
from monitor.domain.budget_unit import BudgetUnit
from monitor.domain.maintenance import MaintenanceWindow
from monitor.domain.retention import Retention
from probes._model import Blame, Endpoint, ErrorClass, Secret, Task

if TYPE_CHECKING:
    from monitor.config.options import FileSection, SinkSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """What is good enough: an answer slower than this counts against the score, not against uptime."""

    ttft_s: float | None = None
    """Longest acceptable time to first token."""
    output_tps: float | None = None
    """Lowest acceptable decode speed, tokens per second."""


_LEAST_S, _LEAST_SHARE = 2.0, 30
"""Where the interval is fixed, probes that settle a doubt come no nearer than this, and this share of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    """One named probe: what to ask, how often, what is good enough."""

    name: str
    task: Task
    every_s: float = 60.0
    """The longest interval: that of the ticks."""
    closest_s: float | None = None
    """The shortest, where the interval adapts to how sure one can be; None: it is fixed."""
    prompt_tokens: int = 100
    max_tokens: int = 64
    ttft_timeout_s: float = 10.0
    timeout_s: float = 30.0
    slo: Slo = Slo()

    @property
    def least_s(self) -> float:
        """How near together its probes may come; after a surprise, that holds from the third on."""
        return self.closest_s or min(max(_LEAST_S, self.every_s / _LEAST_SHARE), self.every_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSpec:
    """One endpoint as configured: how to reach it, and what is published beside its figures."""

    endpoint: Endpoint
    model: str
    """The public name of the weights, `author/slug`."""
    model_name: str | None = None
    """What people call the weights."""
    probes: tuple[str, ...]
    """Names of the probes that apply to it."""
    enabled: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    router_ids: Mapping[str, str] = field(default_factory=dict)
    context_length: int | None = None
    dimensions: int | None = None
    """How many numbers the model's embeddings have."""
    aliases: tuple[str, ...] = ()
    """Ids that it had before; their history is its own."""
    maintenance: tuple[MaintenanceWindow, ...] = ()
    """When it is left alone; spans that neither overlap nor touch, in order."""
    listing: Listing = UNLISTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """A provider's own limits."""

    name: str
    max_concurrent: int = 4
    budget: Mapping[BudgetUnit, float] = field(default_factory=dict)
    """What probing it may cost in a day of UTC. A unit that is missing has no cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringSpec:
    """How samples become statuses."""

    confirm: bool = True
    """Probe beside the ticks where that is worth it: at once after a surprise, then ever later; often while down."""
    count_wrong_answers: bool = True
    """Count a well-formed but wrong answer as a failure."""
    blame: Mapping[ErrorClass, Blame] = field(default_factory=dict)
    """Error classes whose blame is moved between provider and account; all others keep that of the published table."""


class MetricsDetail(StrEnum):
    """How many series `/metrics` has for each endpoint."""

    BASIC = "basic"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """An address that tells whether this machine's own network works: what answers there is of no interest."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Where the HTTP server listens."""

    host: str = "127.0.0.1"
    port: int = 8780

    @property
    def url(self) -> str:
        """The address as a browser takes it."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration."""

    vantage: str = "local"
    canaries: tuple[Canary, ...] = ()
    """Who is asked whether our own network works; without any, other providers."""
    listen: Listen = Listen()
    public: bool = False
    """True allows listening beyond loopback without a token."""
    token: Secret | None = None
    rate_limit: int = 500
    """How many requests per second one client may make of the HTTP server."""
    store: str = field(default="sqlite:providerwatch.db", repr=False)
    """May hold a password."""
    retention: Retention = field(default_factory=Retention)
    max_concurrent: int = 64
    grace_s: float = 30.0
    """How long running probes may take to finish after a request to stop."""
    providers: Mapping[str, ProviderSpec]
    endpoints: tuple[EndpointSpec, ...]
    probes: Mapping[str, ProbeSpec]
    scoring: ScoringSpec = ScoringSpec()
    publish_files: tuple[FileSection, ...] = ()
    haproxy_agent: Listen | None = None
    """Where HAProxy's agent checks are answered."""
    metrics: MetricsDetail = MetricsDetail.BASIC
    sinks: Mapping[str, SinkSection] = field(default_factory=dict)
    """Where samples go, beside the store, by name."""
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    """What the file may say and is likely not meant."""
