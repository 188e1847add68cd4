"""The plug-in for LiteLLM: sends requests to the best deployments and reports their outcomes.

`litellm_settings: {callbacks: ["monitor.integrations.litellm.providerwatch"]}` in the proxy's configuration, or
`litellm.callbacks = [Providerwatch("http://127.0.0.1:8780")]`. Calls that LiteLLM waits for only read memory. Without
fresh scores, or after an error here, LiteLLM works as without the plug-in.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from litellm.integrations.custom_logger import CustomLogger

from monitor.integrations._choice import choose, name_of
from monitor.integrations._coverage import Coverage, Notice
from monitor.integrations._follower import Follower
from monitor.integrations._reporter import Reporter
from monitor.integrations._reports import outcome

log = logging.getLogger(__name__)

ROUTER: Final = "litellm"
"""The key in `router_ids` for names of deployments."""
_DEFAULT_URL: Final = "http://127.0.0.1:8780"


class Providerwatch(CustomLogger):  # type: ignore[misc]  # LiteLLM is not installed where types are checked
    """Selects deployments and reports outcomes. It reports only with a token, which the daemon requires."""

    def __init__(self, url: str | None = None, token: str | None = None, *, report: bool = True) -> None:
        """Missing arguments come from the environment. Raises ValueError for a wrong address."""
        super().__init__()
        url = (url or os.environ.get("PROVIDERWATCH_URL") or _DEFAULT_URL).rstrip("/")
        token = (token or os.environ.get("PROVIDERWATCH_TOKEN") or "").strip() or None
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("PROVIDERWATCH_URL must begin with http:// or https://")
        self._follower = Follower(url, token, ROUTER)
        self._reporter = Reporter(url, token) if token is not None and report else None
        self._coverage = Coverage()
        self._is_warm = False
        self._failed = False
        self._follower.start()

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Any],
        messages: object = None,
        request_kwargs: dict[str, Any] | None = None,
        parent_otel_span: object = None,
    ) -> list[Any]:
        """Called by LiteLLM for every pick, after its cooldowns. Returns the best deployments, or all."""
        try:
            self._follower.start()
            view = self._follower.view()
            if view is None:
                return healthy_deployments
            self._say(self._coverage.look(model, healthy_deployments, view.scores.names))
            now = view.now(time.monotonic())
            return choose(healthy_deployments, view.scores.names, now, request_kwargs or {})
        except Exception:  # noqa: BLE001  # LiteLLM's data is untrusted, and its request has priority
            self._tell()
            return healthy_deployments

    async def async_log_success_event(
        self, kwargs: Mapping[str, Any], response_obj: object, start_time: object, end_time: object
    ) -> None:
        """Called by LiteLLM after an answer was given."""
        self._report({**kwargs, "end_time": end_time})

    async def async_log_failure_event(
        self, kwargs: Mapping[str, Any], response_obj: object, start_time: object, end_time: object
    ) -> None:
        """Called by LiteLLM after each try that failed."""
        self._report({**kwargs, "end_time": end_time})

    def close(self) -> None:
        """End the threads."""
        self._follower.close()
        if self._reporter is not None:
            self._reporter.close()

    def _report(self, call: Mapping[str, Any]) -> None:
        try:
            view = self._follower.view()
            if self._reporter is None or view is None:
                return
            info = (call.get("litellm_params") or {}).get("model_info") or {}
            endpoint = view.scores.names.get(name_of(info))
            found = None if endpoint is None else outcome(call, endpoint.id, is_warm=self._is_warm)
            if found is not None:
                self._is_warm = self._is_warm or bool(call.get("stream"))
                self._reporter.put(found)
        except Exception:  # noqa: BLE001  # as above
            self._tell()

    def _say(self, notice: Notice | None) -> None:
        if notice is not None:
            level = logging.WARNING if notice.is_warning else logging.INFO
            log.log(level, "%s", notice.words, extra={"action": "deployments_followed"})

    def _tell(self) -> None:
        if not self._failed:
            log.exception("plug-in failed: LiteLLM continues without scores", extra={"action": "plugin_failed"})
        self._failed = True


def __getattr__(name: str) -> Any:  # noqa: ANN401  # what a module's attribute is
    """`providerwatch`: the plug-in, configured by the environment and created at LiteLLM's first access."""
    if name != "providerwatch":
        raise AttributeError(name)
    made = globals()["providerwatch"] = Providerwatch()
    return made
