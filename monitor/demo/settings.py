"""The text of the demo's configuration file. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from monitor.demo.model_server import CONTEXT_TOKENS, MODEL_NAME

CONFIG_NAME = "demo.yaml"
STORE_NAME = "demo.db"
UPTIME_NAME = "uptime.json"
PROMPT_TOKENS, MAX_TOKENS = 40, 24
"""Short, so that machines with few cores are fast enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The directory, port and addresses of one demo."""

    directory: Path
    """Absolute."""
    port: int
    model: str
    """Address of the model's server: scheme, host, port."""
    proxy: str
    """Address of the fault proxy."""
    pace: float = 1.0
    """The factor by which deadlines, SLO and intervals are longer on a slow machine."""

    @property
    def page_url(self) -> str:
        """The URL of the overview page."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def scores_url(self) -> str:
        """The URL of the daemon's scores."""
        return f"{self.page_url}v1/scores"

    @property
    def ready_url(self) -> str:
        """The URL that the daemon answers with 200 when it is ready."""
        return f"{self.page_url}readyz"

    @property
    def uptime_file(self) -> Path:
        """The published file with the scores."""
        return self.directory / UPTIME_NAME


def config_text(settings: Settings) -> str:
    """The configuration of the demo's daemon, with comments for users who copy it."""
    return _CONFIG.format(
        port=settings.port,
        store=_quoted(f"sqlite:///{settings.directory / STORE_NAME}"),
        steady=_quoted(f"{settings.model}/v1"),
        slow=_quoted(f"{settings.proxy}/slow/v1"),
        flaky=_quoted(f"{settings.proxy}/flaky/v1"),
        uptime=_quoted(str(settings.uptime_file)),
        model=MODEL_NAME,
        context=CONTEXT_TOKENS,
        prompt_tokens=PROMPT_TOKENS,
        max_tokens=MAX_TOKENS,
        every=f"{4 * settings.pace:g}s",
        ttft_timeout=f"{4 * settings.pace:g}s",
        timeout=f"{6 * settings.pace:g}s",
        slo=f"{1500 * settings.pace:.0f}ms",
    )


def _quoted(text: str) -> str:
    """A YAML double-quoted scalar; JSON's strings are a subset of them."""
    return json.dumps(text)


_CONFIG = """\
# Written by `providerwatch demo`, and overwritten by each start.
vantage: local
listen: 127.0.0.1:{port}
store: {store}

providers:
  steady:                     # the model's own server
    api: openai_chat
    base_url: {steady}
  slow:                       # the same model behind a proxy that answers late and slowly
    api: openai_chat
    base_url: {slow}
  flaky:                      # the same model behind a proxy that refuses, stalls, truncates, errs in the stream
    api: openai_chat
    base_url: {flaky}

models:
  huggingfacetb/smollm2-135m-instruct:
    name: "SmolLM2 135M Instruct"
    context_length: {context}
    endpoints:
      - {{provider: steady, model: {model}}}
      - {{provider: slow, model: {model}}}
      - {{provider: flaky, model: {model}}}

probes:
  chat:
    task: chat
    every: {every}
    prompt_tokens: {prompt_tokens}         # short, so that machines with few cores are fast enough
    max_tokens: {max_tokens}
    ttft_timeout: {ttft_timeout}
    timeout: {timeout}
    slo: {{ttft: {slo}}}       # the slow provider misses it

publish:
  files:
    - format: scores
      path: {uptime}
"""
