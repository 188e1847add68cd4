"""The configuration that the daemon uses: frozen, resolved, complete. All defaults are defined here."""

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
    """The service level objective: a slower answer lowers the score, but not uptime."""

    ttft_s: float | None = None
    """Longest acceptable time to first token."""
    output_tps: float | None = None
    """Lowest acceptable decode speed, tokens per second."""


_LEAST_S, _LEAST_SHARE = 2.0, 30
"""With a fixed interval, extra probes keep a distance of at least these seconds, and of 1/30 of the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSpec:
    """One named probe: its task, interval, limits and objective."""

    name: str
    task: Task
    every_s: float = 60.0
    """The longest interval, which is the interval of the ticks."""
    closest_s: float | None = None
    """The shortest interval, if it adapts to the certainty of the status; None: the interval is fixed."""
    prompt_tokens: int = 100
    max_tokens: int = 64
    ttft_timeout_s: float = 10.0
    timeout_s: float = 30.0
    slo: Slo = Slo()

    @property
    def least_s(self) -> float:
        """The shortest distance between two probes; after a surprise, from the third probe on."""
        return self.closest_s or min(max(_LEAST_S, self.every_s / _LEAST_SHARE), self.every_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSpec:
    """One endpoint as configured: its connection, and the data that is published with its figures."""

    endpoint: Endpoint
    model: str
    """The public name of the weights, `author/slug`."""
    model_name: str | None = None
    """The display name of the weights."""
    probes: tuple[str, ...]
    """Names of the probes that apply to it."""
    enabled: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    router_ids: Mapping[str, str] = field(default_factory=dict)
    context_length: int | None = None
    dimensions: int | None = None
    """The number of dimensions of the model's embeddings."""
    aliases: tuple[str, ...] = ()
    """Former ids of the endpoint. Their history belongs to it."""
    maintenance: tuple[MaintenanceWindow, ...] = ()
    """Windows without probes, in order. They do not overlap or touch."""
    listing: Listing = UNLISTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """The limits of one provider."""

    name: str
    max_concurrent: int = 4
    budget: Mapping[BudgetUnit, float] = field(default_factory=dict)
    """Daily caps on the cost of probes, for a UTC day. A missing unit has no cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringSpec:
    """The settings of scoring."""

    confirm: bool = True
    """Run extra probes between ticks: at once after a surprise, then at growing distances; often while down."""
    count_wrong_answers: bool = True
    """Count a well-formed but wrong answer as a failure."""
    blame: Mapping[ErrorClass, Blame] = field(default_factory=dict)
    """Error classes whose blame is changed between provider and account; others keep that of the published table."""


class MetricsDetail(StrEnum):
    """How many series `/metrics` has for each endpoint."""

    BASIC = "basic"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """An address to test whether this machine's network works. The content of its answer is ignored."""

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
        """The address as a URL for a browser."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration."""

    vantage: str = "local"
    canaries: tuple[Canary, ...] = ()
    """Addresses that test the local network; without any, other providers are used."""
    listen: Listen = Listen()
    public: bool = False
    """True allows listening beyond loopback without a token."""
    token: Secret | None = None
    rate_limit: int = 500
    """The maximum number of HTTP requests per second for one client."""
    pages: bool = True
    """Whether pages for people are served."""
    public_pages: bool = False
    """True serves pages without the token, and without what strangers must not see."""
    store: str = field(default="sqlite:providerwatch.db", repr=False)
    """The URL may contain a password."""
    retention: Retention = field(default_factory=Retention)
    max_concurrent: int = 64
    grace_s: float = 30.0
    """How long running probes may continue after a request to stop."""
    providers: Mapping[str, ProviderSpec]
    endpoints: tuple[EndpointSpec, ...]
    probes: Mapping[str, ProbeSpec]
    scoring: ScoringSpec = ScoringSpec()
    publish_files: tuple[FileSection, ...] = ()
    haproxy_agent: Listen | None = None
    """The address of the server for HAProxy's agent checks."""
    metrics: MetricsDetail = MetricsDetail.BASIC
    sinks: Mapping[str, SinkSection] = field(default_factory=dict)
    """Further destinations of samples besides the store, by name."""
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    """Warnings about valid but suspicious settings."""
