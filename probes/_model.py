"""The types of a probe: request, answer, and sample. Every type is a frozen value.

Names with `_s` are seconds as floats, names with `_ns` are nanoseconds of one monotonic clock. Datetimes are in UTC.
A figure that was not measured is None, never 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import ClassVar, Self, TypeAlias

from probes._secret import Secret as Secret  # noqa: PLC0414  # codecs import it from here


class Task(StrEnum):
    """The task of a probe: the kind of answer that it requests."""

    CHAT = "chat"
    TOOL_CALL = "tool_call"
    STRUCTURED_OUTPUT = "structured_output"
    EMBEDDING = "embedding"
    REACH = "reach"
    """Whether the provider is reachable and accepts the key; costs no tokens."""


class Blame(StrEnum):
    """The party at fault for a failed probe. Only `PROVIDER` counts against an endpoint's uptime."""

    PROVIDER = "provider"
    ACCOUNT = "account"
    MONITOR = "monitor"
    NETWORK = "network"


class ErrorClass(StrEnum):
    """Every error class, with its blame by the published table."""

    blame: Blame

    def __new__(cls, word: str, blame: Blame = Blame.PROVIDER) -> Self:
        """An error class, by default blamed on the provider."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.blame = blame
        return member

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT_TTFT = "timeout_ttft"
    TIMEOUT_TOTAL = "timeout_total"
    STALLED = "stalled"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    STREAM_ERROR = "stream_error"
    EMPTY = "empty"
    WRONG_ANSWER = "wrong_answer"
    AUTH = "auth", Blame.ACCOUNT
    PAYMENT = "payment", Blame.ACCOUNT
    RATE_LIMITED = "rate_limited", Blame.ACCOUNT
    NOT_FOUND = "not_found", Blame.ACCOUNT
    BAD_REQUEST = "bad_request", Blame.ACCOUNT
    CONTENT_FILTER = "content_filter", Blame.ACCOUNT
    GEO = "geo", Blame.ACCOUNT
    SKIPPED = "skipped", Blame.MONITOR
    CANCELLED = "cancelled", Blame.MONITOR
    INTERNAL = "internal", Blame.MONITOR
    OVERRUN = "overrun", Blame.MONITOR
    BUDGET = "budget", Blame.MONITOR
    TAINTED = "tainted", Blame.MONITOR
    VANTAGE_OFFLINE = "vantage_offline", Blame.NETWORK


class Timing(StrEnum):
    """Which clock stamped the arrivals: the kernel's on receipt, or the event loop's on reading."""

    KERNEL = "kernel"
    LOOP = "loop"


class TokensFrom(StrEnum):
    """The source of token counts: the provider's usage, or a local count."""

    USAGE = "usage"
    COUNTED = "counted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """The price of an endpoint, in USD per million tokens."""

    prompt: float
    completion: float
    cached: float | None = None
    """The price of cached prompt tokens; None: the same as for other prompt tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One model at one provider, with the data that a probe needs."""

    id: str
    provider: str
    model: str
    """The provider's name of the model."""
    api: str
    base_url: str
    api_key: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    """Extra request headers. Values are secret, since they often hold credentials."""
    options: Mapping[str, object] = field(default_factory=dict)
    """The codec's own YAML options: its dataclass fields by name."""
    pricing: Pricing | None = None
    proxy: Secret | None = None
    """URL of the HTTP proxy, which may contain a password; `direct`: no proxy. None: not configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The required form of an answer: the tool to call, or the schema of a structured answer."""

    name: str
    description: str
    fields: tuple[str, ...]
    """The fields of the object: each one is an integer, and no other fields are allowed."""

    @property
    def schema(self) -> Mapping[str, object]:
        """The JSON Schema of the tool's arguments or of the answer, with features that all APIs support."""
        return {
            "type": "object",
            "properties": {name: {"type": "integer"} for name in self.fields},
            "required": [*self.fields],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One synthetic prompt, and what its answer must contain."""

    text: str
    """Starts with a nonce, so that prompt caches do not apply."""
    max_tokens: int
    expected: tuple[int, ...] = ()
    """Numbers that a right answer to `chat` contains in sequence."""
    tokens: int | None = None
    """An upper bound of the text's tokens in o200k_base, calculated without encoding it."""
    form: Form | None = None
    """For `tool_call` and `structured_output`."""
    dimensions: int | None = None
    """For `embedding`: the size of the model's vectors; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """The deadlines of a probe, in seconds after the request was handed to the kernel."""

    ttft_s: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One probe to run: one task against one endpoint, once."""

    id: str
    endpoint: Endpoint
    vantage: str
    probe: str
    """The probe's name in the configuration."""
    task: Task
    prompt: Prompt
    deadlines: Deadlines
    scheduled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request of a codec."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


class Framing(Enum):
    """How an API frames its answer. The value is the content type."""

    SSE = "text/event-stream"
    JSON_LINES = "application/x-ndjson"
    AWS_EVENT_STREAM = "application/vnd.amazon.eventstream"
    WHOLE = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One framed message of a stream."""

    data: bytes
    event: str | None = None
    """The name of the event: `event` of SSE, `:event-type` or `:exception-type` of AWS."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Text headers of the message; only in AWS' framing."""
    end: int
    """Offset in the body just after the frame."""
    complete: bool = True
    """False: the stream ended within the frame."""
    stray: bool = False
    """True: text between the messages of a stream. It is read only as a possible error."""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the visible answer; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of the model's reasoning; never empty."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A piece of a tool call. `arguments` is a fragment of JSON, `name` may be a fragment, too."""

    index: int
    """The index of the call; if the API sends none, its position in the message."""
    name: str | None = None
    arguments: str = ""
    id: str | None = None
    """The provider's id of the call, if any."""
    whole: bool = False
    """Whether the arguments are a complete object. Later fragments replace it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """An embedding."""

    size: int
    finite: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Reported token counts. `output` includes `reasoning`, `prompt` includes `cached`."""

    prompt: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cached: int | None = None


@dataclass(frozen=True, slots=True)
class ServerTime:
    """The provider's own processing time, from the answer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """The end of the stream. `reason`: the provider's finish reason, if any."""

    reason: str | None = None
    cut: bool = False
    """Whether the token limit cut the answer."""
    proof: bool = True
    """False: the API sends the reason before the event that proves the end of the stream."""
    known: bool = True
    """Whether the reason is in the table; an unknown reason is named in the sample's `detail`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A refusal or an error of the provider."""

    error: ErrorClass
    detail: str | None = None
    """The provider's whole message. The sample redacts secrets first and shortens last."""
    retry_after_s: float | None = None


Event: TypeAlias = Text | Reasoning | ToolCall | Vector | Usage | ServerTime | Done | Fault
Headers: TypeAlias = Mapping[str, str]
"""Response headers with lower-case names."""


class MalformedError(ValueError):
    """A frame or body that violates the API; its message is safe for a sample's `detail`."""


class Probe(ABC):
    """The codec of a wire API: requests, answers, refusals. Subclasses are frozen dataclasses.

    A codec is pure: no socket, no clock, no `async`. Its dataclass fields are its YAML options. Exceptions of `read`
    make the sample `malformed`.
    """

    __slots__ = ()
    framing: ClassVar[Framing] = Framing.SSE
    tasks: ClassVar[frozenset[Task]]

    @property
    def lists_models(self) -> bool:
        """Whether `reach` requests the list of models and needs status 2xx; otherwise status 200 to 499 is enough."""
        return False

    @abstractmethod
    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """The request for a task and prompt."""

    def sign(self, request: Request, endpoint: Endpoint, at: datetime) -> Request:
        """The request signed at a moment, for APIs with signatures."""
        return request

    def most_tokens(self, prompt: Prompt) -> int:
        """The output token limit of a request: the prompt's limit plus the option `reasoning_tokens`."""
        more = getattr(self, "reasoning_tokens", 0)
        return prompt.max_tokens + (more if isinstance(more, int) else 0)

    def models(self, body: bytes) -> frozenset[str]:
        """The model names in an answer to `reach`. Raises MalformedError."""
        return frozenset()

    @abstractmethod
    def read(self, frame: Frame) -> Iterable[Event]:
        """The events of one frame, in order. Answers to `reach` are not read."""

    @abstractmethod
    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """The fault of an answer outside 2xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The record of one probe. The fields are in the published order."""

    id: str
    endpoint: str
    vantage: str
    probe: str
    task: Task
    scheduled_at: datetime
    started_at: datetime
    """When the request's last byte was handed to the kernel; otherwise the start of the probe."""
    error: ErrorClass | None = None
    """None: the probe succeeded."""
    blame: Blame | None = None
    status_code: int | None = None
    detail: str | None = None
    answer_ok: bool | None = None
    lag_s: float | None = None
    cold: bool | None = None
    """True on a fresh connection, False on a reused one."""
    dns_s: float | None = None
    connect_s: float | None = None
    tls_s: float | None = None
    headers_s: float | None = None
    ttft_s: float | None = None
    ttat_s: float | None = None
    e2e_s: float | None = None
    itl_p50_s: float | None = None
    itl_p99_s: float | None = None
    itl_max_s: float | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    tokens_from: TokensFrom | None = None
    output_tps: float | None = None
    tpot_s: float | None = None
    e2e_tps: float | None = None
    cost_usd: float | None = None
    rtt_s: float | None = None
    """The round-trip time of the connection; for a refused connection the time until the refusal."""
    retransmits: int | None = None
    server_s: float | None = None
    retry_after_s: float | None = None
    rx_lag_s: float | None = None
    merged_reads: int | None = None
    timing: Timing | None = None
    clock_step: bool | None = None
