"""One endpoint at one moment. All published documents are made from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from monitor.config.model import EndpointSpec
from monitor.domain.status import Status
from monitor.domain.tier import Tier, tier_of
from monitor.score.health import Trouble
from monitor.score.latency import Summary
from monitor.score.outcomes import Counts
from probes._model import Pricing, Task

DIGITS: Final = 6
"""Decimals of published figures."""
Source: TypeAlias = Literal["synthetic", "traffic", "mixed"]
"""What the figures are made of: probes, reported real requests, or both."""


def rounded(value: float | None) -> float | None:
    """A figure as published: microseconds for times, and more than enough for ratios."""
    return None if value is None else round(value, DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSnapshot:
    """Its configuration, status, score and figures."""

    spec: EndpointSpec
    status: Status
    since: datetime
    score: float | None
    account: Trouble | None = None
    measured_at: datetime | None = None
    """Start of the newest counted sample."""
    counts: Mapping[str, Counts]
    """By window name."""
    summaries: Mapping[str, Summary]
    """Of the last half hour, by figure name."""
    task_counts: Mapping[Task, Counts] = field(default_factory=dict)
    """Of the last day, by task with a required form of the answer; a wrong answer is a failure here."""
    source: Source = "synthetic"
    """Of the last half hour's figures."""

    @property
    def id(self) -> str:
        """The endpoint's id."""
        return self.spec.endpoint.id

    @property
    def provider(self) -> str:
        """The provider's name in ids and labels."""
        return self.spec.endpoint.provider

    @property
    def provider_name(self) -> str:
        """The display name of the provider."""
        return self.spec.listing.provider.name or self.provider

    @property
    def model(self) -> str:
        """The public name of the weights, `author/slug`."""
        return self.spec.model

    @property
    def model_name(self) -> str:
        """What people call the model."""
        return self.spec.model_name or self.model

    @property
    def tag(self) -> str:
        """The name among the endpoints of its model in OpenRouter's documents, such as `deepinfra/turbo`."""
        return self.spec.listing.tag or self.provider

    @property
    def pricing(self) -> Pricing | None:
        """What it charges; None: not known."""
        return self.spec.endpoint.pricing

    @property
    def tier(self) -> Tier:
        """Its tier for routers."""
        return tier_of(self.status, refused=self.account is not None)
