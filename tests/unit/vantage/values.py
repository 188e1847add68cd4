"""Values for tests of the vantage: origins, and samples of silence and of speech."""

from __future__ import annotations

from typing import Any

from monitor.vantage.origin import Origin
from probes._model import ErrorClass, Sample
from tests.unit.score.values import after, make_sample

P, Q, R = (Origin(name=name, host=f"{name}.example", port=443) for name in ("p", "q", "r"))
CANARY = Origin(name="203.0.113.9:443", host="203.0.113.9", port=443)
NAMED_CANARY = Origin(name="canary.example:443", host="canary.example", port=443)
NEAR = Origin(name="gpu", host="10.0.0.7", port=8000)
SINGLE = Origin(name="lone", host="203.0.113.5", port=443)
ORIGINS = {"p:one": P, "p:two": P, "q:one": Q, "r:one": R}
CONNECT_S = 10.0
"""How long a connection was tried before it was given up."""


def spoke(at_s: float, endpoint: str = "q:one", **fields: Any) -> Sample:
    """A success whose answer ended at this second."""
    fields = {"cold": True, "dns_s": 0.01, "connect_s": 0.02, "e2e_s": 1.0, "status_code": 200, **fields}
    return make_sample(after(at_s - 1.0), None, endpoint=endpoint, **fields)


def unheard(at_s: float, endpoint: str = "p:one", error: ErrorClass = ErrorClass.CONNECT, **fields: Any) -> Sample:
    """A probe that ended at this second without any answer."""
    return make_sample(after(at_s - CONNECT_S), error, **{"endpoint": endpoint, "detail": "no answer", **fields})


def fell_silent(at_s: float, endpoint: str = "p:one", waited_s: float = CONNECT_S, **fields: Any) -> Sample:
    """A probe that was given up at this second after it had connected."""
    fields = {"cold": True, "dns_s": 0.01, "connect_s": 0.02, "detail": "no answer to the request", **fields}
    return make_sample(after(at_s - waited_s), ErrorClass.TIMEOUT_TTFT, endpoint=endpoint, **fields)
