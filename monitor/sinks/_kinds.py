"""The kinds of sinks: modules of this package without an underscore, and third parties' entry points."""

from __future__ import annotations

from typing import Final

from monitor.domain.kinds import Kinds
from monitor.sinks._protocol import SinkOptions

SINKS: Final = Kinds("monitor.sinks", "providerwatch.sinks", lambda: SinkOptions)
