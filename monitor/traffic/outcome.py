"""The body of `POST /v1/outcomes`: what a reporter says of real requests. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, NotRequired

from annotated_types import Interval, Len, MaxLen
from typing_extensions import TypedDict

from monitor.schema.types import Field, SkipValidation, Time
from probes._model import Blame, ErrorClass

MOST: Final = 1_000
"""Maximum number of outcomes in a batch."""
OK: Final = "ok"
ERRORS: Final = tuple(error for error in ErrorClass if error.blame in {Blame.PROVIDER, Blame.ACCOUNT})
"""The error classes that an outcome may have."""

Came = StrEnum("Came", {OK.upper(): OK, **{error.name: error.value for error in ERRORS}})  # type: ignore[misc]
"""How a request ended."""
Seconds = Annotated[float, Interval(ge=0, le=86_400)]
Tokens = Annotated[int, Interval(ge=0, le=1_000_000_000)]


class Outcome(TypedDict):
    """The outcome of one real request."""

    id: Annotated[str, Len(1, 200)]
    """Unique per request; an outcome with a known id is skipped."""
    endpoint: NotRequired[str | None]
    """The endpoint's id. Either `endpoint` or `router_id` is required."""
    router_id: NotRequired[dict[str, str] | None]
    """The endpoint's name in one router: `{"litellm": "dep-17"}`."""
    at: Time
    """When the request began: at most 15 minutes ago and at most 60 s in the future."""
    outcome: Annotated[Came, Field(strict=False)]
    """`ok`, or the error class."""
    status_code: NotRequired[Annotated[int, Interval(ge=100, le=599)] | None]
    ttft_s: NotRequired[Seconds | None]
    """Judged by the SLO of the endpoint's probes."""
    e2e_s: NotRequired[Seconds | None]
    prompt_tokens: NotRequired[Tokens | None]
    output_tokens: NotRequired[Tokens | None]
    reasoning_tokens: NotRequired[Tokens | None]
    app: NotRequired[Annotated[str, Len(1, 64)] | None]
    """The application that sent the request."""


class Outcomes(TypedDict):
    """A batch."""

    outcomes: Annotated[list[SkipValidation[Outcome | Any]], MaxLen(MOST)]
    """An entry that is no valid `Outcome` is rejected; the others are accepted."""
