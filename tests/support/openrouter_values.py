"""Values for tests of OpenRouter's documents: endpoints, how they do, documents held against two schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from monitor.config.listing import Listing
from monitor.domain.status import Status
from monitor.schema.json_schema import document_schema
from monitor.score.latency import Summary
from monitor.score.outcomes import Counts
from monitor.scoreboard.endpoint import EndpointSnapshot
from probes._model import Pricing
from tests.support.board_values import make_spec
from tests.unit.score.values import START

THEIRS = json.loads((Path(__file__).parents[1] / "unit/routing/openrouter/openrouter.schema.json").read_text())
PLENTY = Counts(ok=9, failed=1)
WINDOWS = ("5m", "30m", "1h", "1d", "7d", "30d", "90d")


def summary(*values: float | None, count: int = 10, falling: bool = False) -> Summary:
    """Quantiles p50, p75, p90 and p99; of a speed, what is reached is each taken from 100."""
    found = dict(zip(("p50", "p75", "p90", "p99"), values, strict=True))
    reached = {name: None if value is None else 100 - value for name, value in found.items()}
    return Summary(count=count, quantiles=found, inflated=None, reached=reached if falling else None)


QUICK: Mapping[str, Summary] = {
    "ttft_s": summary(0.2, 0.25, 0.3, 0.5),
    "output_tps": summary(50, 60, 70, 80, falling=True),
    "e2e_tps": summary(40, 45, 50, 55, falling=True),
}


def make_endpoint(name: str = "groq:llama", *, pricing: Pricing | None = None, **fields: Any) -> EndpointSnapshot:
    """An endpoint that does well; what is no field of a snapshot is one of its listing or of its configuration."""
    listing = {each: fields.pop(each) for each in [*fields] if each in Listing.__slots__}
    told = {each: fields.pop(each) for each in [*fields] if each in EndpointSnapshot.__slots__}
    spec = make_spec(name, listing=Listing(**listing), **fields)
    if pricing is not None:
        spec = replace(spec, endpoint=replace(spec.endpoint, pricing=pricing))
    plain = EndpointSnapshot(
        spec=spec,
        status=Status.UP,
        since=START,
        score=0.99,
        measured_at=START,
        counts=dict.fromkeys(WINDOWS, PLENTY),
        summaries=QUICK,
    )
    return replace(plain, **told)


def unpriced(endpoint: EndpointSnapshot) -> EndpointSnapshot:
    """The same without a price."""
    return replace(endpoint, spec=replace(endpoint.spec, endpoint=replace(endpoint.spec.endpoint, pricing=None)))


def valid(document: Mapping[str, Any], kind: object, theirs: str | None = None) -> Any:
    """The document as a reader of JSON has it: by our types to the last key, and by OpenRouter's fields."""
    plain = json.loads(json.dumps(document, allow_nan=False))
    _ours(kind).validate(plain)
    if theirs is not None:
        Draft202012Validator({"$ref": f"#/$defs/{theirs}", **THEIRS}).validate(plain)
    return plain


@cache
def _ours(kind: object) -> Draft202012Validator:
    return Draft202012Validator(document_schema(kind, "strict", closed=True))
