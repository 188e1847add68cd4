"""The vendors' SDKs: where each looks for its API, what it cannot be alike in, and the process that it runs in."""

from __future__ import annotations

import json
import pkgutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import probes
from probes._model import Blame, ErrorClass, Run
from tests.judges.installed import ROOT, environment, python


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One SDK as the judge of one codec."""

    script: str
    """A module of `tests.judges.sdks`."""
    base: str = ""
    """What stands behind the server's address in the codec's base URL."""
    sdk_base: str = ""
    """The same for the SDK, whose own paths may begin earlier or later."""
    room: int = 0
    """Tokens that the codec asks for beside those of the prompt, to think in."""
    headers: tuple[str, ...] = ("authorization", "content-type")
    """Request headers that have to be alike."""
    headers_unlike: Mapping[str, str] = field(default_factory=dict)
    """Those that may be otherwise, and why."""
    body_unlike: Mapping[str, str] = field(default_factory=dict)
    """Fields of the body (the first level's) that may be otherwise, and why."""
    key: str | None = None
    """Instead of the recordings' key."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Of the codec, wherever it is judged."""
    asked: tuple[Mapping[str, object], ...] = ({},)
    """Options of the codec whose requests are judged."""
    typed: bool = False
    """Whether the SDK declares the types of request bodies, so that ours is held to them."""


class Sdk:
    """A vendor's SDK in its process."""

    def __init__(self, vendor: Vendor, process: subprocess.Popen[str]) -> None:
        self.vendor = vendor
        self._process = process

    def ask(self, run: Run, address: str, options: Mapping[str, object]) -> dict[str, Any]:
        """What the SDK reads when it asks what the run asks, by way of a codec with these options."""
        prompt, key = run.prompt, run.endpoint.api_key
        form = prompt.form and {
            "name": prompt.form.name,
            "description": prompt.form.description,
            "schema": dict(prompt.form.schema),
        }
        return self._tell(
            {
                "api": run.endpoint.api,
                "options": dict(options),
                "base_url": address + self.vendor.sdk_base,
                "api_key": key.reveal() if key else None,
                "model": run.endpoint.model,
                "task": run.task.value,
                "text": prompt.text,
                "max_tokens": prompt.max_tokens + self.vendor.room,
                "form": form,
            }
        )

    def problems(self, body: object) -> list[str]:
        """What the SDK's types have against a request body."""
        found: list[str] = self._tell({"body": body})["problems"]
        return found

    def _tell(self, question: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the SDK's process ended: {self._process.wait()}"
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def running(vendor: Vendor) -> Iterator[Sdk]:
    """An SDK's process; it ends when the block does."""
    command = [str(python()), "-m", f"tests.judges.sdks.{vendor.script}"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Sdk(vendor, process)


_CLAUDE: Mapping[str, object] = {"temperature": None}
"""As Claude is asked, which takes no temperature; what is called `tiny` is taken for a copy, and is sent one."""
_OLDER: Mapping[str, object] = {"auth": "x-api-key", "version": "2023-06-01", **_CLAUDE}
VENDORS: Mapping[str, Vendor] = {
    "openai_chat": Vendor(script="openai_chat", base="/v1", sdk_base="/v1", typed=True),
    "openai_responses": Vendor(script="openai_responses", base="/v1", sdk_base="/v1", typed=True),
    "openai_embeddings": Vendor(
        script="openai_embeddings",
        base="/v1",
        sdk_base="/v1",
        asked=({}, {"encoding_format": "base64"}),
        typed=True,
    ),
    "azure_openai": Vendor(
        script="openai_chat",
        headers=("api-key", "authorization", "content-type"),
        asked=({"auth": "bearer"}, {"api_version": "2024-10-21"}),
        body_unlike={"model": "the deployment stands in the path; the SDK tells it in the body as well"},
    ),
    "anthropic_messages": Vendor(
        script="anthropic_messages",
        base="/v1",
        headers=("authorization", "x-api-key", "anthropic-version", "content-type"),
        asked=(_CLAUDE, _OLDER),
        typed=True,
    ),
    "gemini_generate": Vendor(
        script="gemini_generate",
        base="/v1beta",
        room=1000,
        headers=("x-goog-api-key", "content-type"),
        body_unlike={"tools": "the SDK writes parameters_json_schema, which JSON of protobuf allows as well"},
    ),
    "mistral_chat": Vendor(script="mistral_chat", base="/v1"),
    "cohere_chat": Vendor(script="cohere_chat"),
    "ollama_chat": Vendor(
        script="ollama_chat",
        body_unlike={"tools": "the SDK sends an empty list for none, and leaves additionalProperties out of schemas"},
    ),
    "bedrock_converse": Vendor(
        script="bedrock_converse",
        key="AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        options={"region": "us-east-1"},
        headers_unlike={"authorization": "a signature holds its second; tests/integration/judges proves ours"},
    ),
}
"""By wire API."""


def own_apis() -> set[str]:
    """The wire APIs of this package, without those that others have installed beside it."""
    return {module.name for module in pkgutil.iter_modules(probes.__path__) if not module.name.startswith("_")}


_REFUSED = {
    400: {error for error in ErrorClass if error.blame is Blame.ACCOUNT},
    401: {ErrorClass.AUTH},
    402: {ErrorClass.PAYMENT},
    403: {ErrorClass.AUTH, ErrorClass.GEO, ErrorClass.CONTENT_FILTER, ErrorClass.PAYMENT},
    404: {ErrorClass.NOT_FOUND},
    429: {ErrorClass.RATE_LIMITED, ErrorClass.PAYMENT, ErrorClass.OVERLOADED},
}
_SERVER = {ErrorClass.SERVER_ERROR, ErrorClass.OVERLOADED}


def classes_of(status: int) -> set[ErrorClass]:
    """The classes that a refusal may have whose status an SDK's exception tells."""
    return _REFUSED.get(status, _SERVER if status >= 500 else set(ErrorClass))
