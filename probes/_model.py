"""The words of a probe: what is asked, of whom, what came back, and the record that remains.

Every type here is a frozen value. Times ending in `_s` are seconds as floats, times ending in `_ns` are
nanoseconds of one monotonic clock, datetimes are aware and UTC. What was not measured is None, never 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from typing import ClassVar, Self, TypeAlias


class Task(StrEnum):
    """What a probe asks."""

    CHAT = "chat"
    TOOL_CALL = "tool_call"
    STRUCTURED_OUTPUT = "structured_output"
    EMBEDDING = "embedding"
    REACH = "reach"
    """Whether the provider can be reached and takes the key; costs no tokens."""


class Blame(StrEnum):
    """Whose fault a failed probe is. Only `PROVIDER` counts against an endpoint's uptime."""

    PROVIDER = "provider"
    ACCOUNT = "account"
    MONITOR = "monitor"
    NETWORK = "network"


class ErrorClass(StrEnum):
    """Every way a probe can fail, and whose fault that is by the published table."""

    blame: Blame

    def __new__(cls, word: str, blame: Blame = Blame.PROVIDER) -> Self:
        """A word, blamed on the provider unless said otherwise."""
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
    """Which clock stamped the arrivals: the kernel on receipt, or the event loop on reading."""

    KERNEL = "kernel"
    LOOP = "loop"


class TokensFrom(StrEnum):
    """Where token counts come from: the provider's own usage, or counted locally."""

    USAGE = "usage"
    COUNTED = "counted"


@dataclass(frozen=True, slots=True)
class Secret:
    """A string that shows itself only when asked; its repr and str are stars."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The string itself."""
        return self._value

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What an endpoint charges, in USD per million tokens."""

    prompt: float
    completion: float
    cached: float | None = None
    """Of prompt tokens that the provider had in its cache; None: as any other prompt token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One model at one provider, as a probe needs it."""

    id: str
    provider: str
    model: str
    """The model's name as the provider calls it."""
    api: str
    base_url: str
    api_key: Secret | None = None
    headers: tuple[tuple[str, Secret], ...] = ()
    """Extra request headers; values are secret because they often carry credentials."""
    options: Mapping[str, object] = field(default_factory=dict)
    """The codec's own YAML options: its dataclass fields by name."""
    pricing: Pricing | None = None
    proxy: Secret | None = None
    """URL of the HTTP proxy between, which may hold a password; `direct`: none is to be used. None: not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What an answer has to fill in: the tool to be called, or the shape of a structured answer."""

    name: str
    description: str
    fields: tuple[str, ...]
    """What the object has to hold: an integer each, and nothing else."""

    @property
    def schema(self) -> Mapping[str, object]:
        """The JSON Schema of the tool's arguments, or of the answer: only what every API's own dialect of it knows."""
        return {
            "type": "object",
            "properties": {name: {"type": "integer"} for name in self.fields},
            "required": [*self.fields],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One synthetic question, and what its answer must hold."""

    text: str
    """Starts with a nonce, so that no prompt cache answers."""
    max_tokens: int
    expected: tuple[int, ...] = ()
    """Numbers that a right answer to `chat` holds as an uninterrupted run."""
    tokens: int | None = None
    """An upper bound of the text's tokens in o200k_base, found without encoding it."""
    form: Form | None = None
    """For `tool_call` and `structured_output`."""
    dimensions: int | None = None
    """For `embedding`: how many numbers the model's vectors have; None: not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """The two deadlines of a probe, seconds after the request was handed to the kernel."""

    ttft_s: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One probe to be made: one task against one endpoint, one try."""

    id: str
    """The id of the sample that it will become."""
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
    """An HTTP request that a codec wants sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


class Framing(Enum):
    """How a wire API cuts its answer into frames. The value is the content type that such an answer has."""

    SSE = "text/event-stream"
    JSON_LINES = "application/x-ndjson"
    AWS_EVENT_STREAM = "application/vnd.amazon.eventstream"
    WHOLE = "application/json"
    """The answer is one JSON text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One framed message of a stream."""

    data: bytes
    event: str | None = None
    """The event's name, where the framing has one: of SSE, and `:event-type` or `:exception-type` of AWS."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Text headers of the message itself; only AWS' framing has any."""
    end: int
    """Offset in the body of the byte after the frame's last."""
    complete: bool = True
    """False when the stream ended before the frame did."""
    stray: bool = False
    """True for what stands between the messages of a stream, where it may be an error, and is nothing else."""


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
    """A piece of a tool call; `arguments` is a fragment of JSON text, `name` may be one of a name."""

    index: int
    """Its place among the calls; of a call that comes without one, its place in the message."""
    name: str | None = None
    arguments: str = ""
    id: str | None = None
    """The provider's name for this call, if it gave one."""
    whole: bool = False
    """Whether the arguments came as an object; fragments that follow replace them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """An embedding."""

    size: int
    finite: bool
    """Whether every one of its numbers is finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Token counts as the provider reports them. `output` includes `reasoning`, `prompt` includes `cached`."""

    prompt: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cached: int | None = None


@dataclass(frozen=True, slots=True)
class ServerTime:
    """The provider's own processing time, told in the answer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """The end of the stream; `reason` in the provider's word, if it gave one."""

    reason: str | None = None
    cut: bool = False
    """Whether the token limit ended the answer."""
    proof: bool = True
    """False where an API tells the reason first, and what proves that the stream came to its end is still to come."""
    known: bool = True
    """Whether the reason is in the table of reasons; an unknown one is named in the sample's `detail`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A refusal or an error that the provider reported."""

    error: ErrorClass
    detail: str | None = None
    """In the provider's words, whole: they are rid of secrets first and shortened last, when the sample is made."""
    retry_after_s: float | None = None


Event: TypeAlias = Text | Reasoning | ToolCall | Vector | Usage | ServerTime | Done | Fault
Headers: TypeAlias = Mapping[str, str]
"""Response headers with lower-case names."""


class MalformedError(ValueError):
    """A frame or body that the wire API does not allow; its message is fit for a sample's `detail`."""


class Probe(ABC):
    """A wire API: how to ask, how to read, what a refusal means. Subclasses are frozen dataclasses.

    A codec is pure: no socket, no clock, no `async`. Its dataclass fields are its YAML options. Whatever
    `read` raises makes the sample `malformed`.
    """

    __slots__ = ()
    framing: ClassVar[Framing] = Framing.SSE
    tasks: ClassVar[frozenset[Task]]

    @property
    def lists_models(self) -> bool:
        """Whether `reach` asks for the list of models, so that only an answer of 2xx will do.

        Where an API has none, `reach` is any small request, and every answer but a server error shows that somebody
        is there.
        """
        return False

    @abstractmethod
    def request(self, endpoint: Endpoint, task: Task, prompt: Prompt) -> Request:
        """The request that asks `prompt` of `endpoint`."""

    def sign(self, request: Request, endpoint: Endpoint, at: datetime) -> Request:
        """The request as it goes out at a moment, for an API whose signatures hold the time."""
        return request

    def most_tokens(self, prompt: Prompt) -> int:
        """How many output tokens the request of a prompt allows: its own limit, and the option `reasoning_tokens`."""
        more = getattr(self, "reasoning_tokens", 0)
        return prompt.max_tokens + (more if isinstance(more, int) else 0)

    def models(self, body: bytes) -> frozenset[str]:
        """The models that the answer to `reach` names, as the provider calls them. Raises MalformedError."""
        return frozenset()

    @abstractmethod
    def read(self, frame: Frame) -> Iterable[Event]:
        """The events that one frame of the answer holds, in order. Answers to `reach` are not read."""

    @abstractmethod
    def refusal(self, status: int, headers: Headers, body: bytes) -> Fault:
        """What an answer outside 2xx means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The record of one probe: the fields of a sample in the order in which people read them."""

    id: str
    endpoint: str
    vantage: str
    probe: str
    task: Task
    scheduled_at: datetime
    started_at: datetime
    """When the request's last byte was handed to the kernel; when the probe began if it never was."""
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
    """Of the connection; of one that was refused, the time until the refusal: the only figure that a refusal has."""
    retransmits: int | None = None
    server_s: float | None = None
    retry_after_s: float | None = None
    rx_lag_s: float | None = None
    merged_reads: int | None = None
    timing: Timing | None = None
    clock_step: bool | None = None
