"""A client for routers written in Python: keeps a daemon's scores and sorts candidates, best first.

It never raises, never waits where a request is routed, and fails open: while the daemon is gone or its scores are old,
the order is that of the caller. Nothing but the standard library is imported.
"""

from monitor.client._client import AsyncClient, Client
from monitor.client.scores import ScoredEndpoint, Scores
from monitor.domain.status import Status
from monitor.domain.tier import RoutingUse

Endpoint = ScoredEndpoint
"""The public name of the class."""

__all__ = ["AsyncClient", "Client", "Endpoint", "RoutingUse", "ScoredEndpoint", "Scores", "Status"]
