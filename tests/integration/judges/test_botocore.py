"""AWS' own library as judge: our signatures, frames, requests and decoded answers equal those of botocore."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ClientError, EventStreamError
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from probes._driver import measure
from probes._framing import aws_messages
from probes._meter import Reading
from probes._model import MalformedError, Request, Run, Secret, Task
from probes._sample import decode_into
from probes.bedrock_converse import BedrockConverse
from tests.contract.exchanges import KEY, cut, run_to
from tests.contract.recordings import Recording, recordings
from tests.integration.probes.provider import Act, Visit, head, serving

STAMP = "%Y%m%dT%H%M%SZ"
ACCESS = "AKIDEXAMPLE", "the-secret-of-the-key", "the-session-token"
CLAUDE = "anthropic.claude-3-5-sonnet-20241022-v2:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0"
RECORDINGS = recordings("bedrock_converse")
REFUSED = [recording for recording in RECORDINGS if recording.status != 200]
STREAMS = [recording for recording in RECORDINGS if recording.status == 200]
READABLE = [recording for recording in STREAMS if recording.expect["error"] != "malformed"]


def named(recording: Recording) -> str:
    return recording.name


def session() -> Session:
    """AWS' library with nothing of this machine's but what it is given."""
    made = Session()
    for name in ("config_file", "credentials_file"):
        made.set_config_variable(name, os.devnull)
    made.set_credentials(*ACCESS)
    return made


@contextmanager
def client(base_url: str | None = None, *, region: str = "us-east-1", of: Session | None = None) -> Iterator[Any]:
    """A client of Bedrock that never asks twice."""
    config = Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=10)
    place = {"region_name": region, "endpoint_url": base_url}
    made = (of or session()).create_client("bedrock-runtime", **place, config=config)
    try:
        yield made
    finally:
        made.close()


def run_at(base_url: str, task: Task = Task.CHAT, model: str = CLAUDE) -> Run:
    return run_to("bedrock_converse", task=task, base_url=base_url, model=model, api_key=Secret(":".join(ACCESS)))


def question(request: Request) -> dict[str, Any]:
    """What we ask, in botocore's words: its parameters bear the names of the body's fields."""
    asked: dict[str, Any] = json.loads(request.body)
    return asked


# Signing

words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=40)
secrets = st.text(
    st.characters(codec="ascii", categories=["L", "N"], include_characters="+/="), min_size=1, max_size=60
)
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True)
hosts = st.one_of(
    st.lists(labels, min_size=1, max_size=5).map(".".join), st.just("[::1]"), st.ip_addresses(v=4).map(str)
)
ports = st.none() | st.integers(1, 65535) | st.sampled_from([80, 443])
models = st.one_of(
    st.sampled_from([CLAUDE, PROFILE]),
    st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9:/._-]{0,100}", fullmatch=True),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
).filter(lambda model: set(model) != {"."})
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.timezones())  # noqa: DTZ001  # they get zones


def judged(request: Request, region: str, at: str, credentials: Credentials) -> str:
    """The proof that botocore gives the same request at the same time."""
    kept = {name: value for name, value in request.headers if name.lower() == "content-type"}
    own = AWSRequest(method=request.method, url=request.url, headers=kept, data=request.body)
    own.context["timestamp"] = at
    signer = SigV4Auth(credentials, "bedrock", region)
    signer._modify_request_before_signing(own)
    signature = signer.signature(signer.string_to_sign(own, signer.canonical_request(own)), own)
    return str(signer._inject_signature_to_request(own, signature).headers["Authorization"])


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["http", "https"]), hosts, ports, models, st.data())
def test_any_request_gets_botocores_signature(
    scheme: str, host: str, port: int | None, model: str, data: st.DataObject
) -> None:
    base_url = f"{scheme}://{host}" + (f":{port}" if port else "") + data.draw(st.sampled_from(["", "/a", "/a/b.c/"]))
    access, secret = data.draw(words), data.draw(secrets)
    token, at, region = data.draw(st.none() | secrets), data.draw(times), data.draw(labels)
    key = Secret(":".join(filter(None, (access, secret, token))))
    run = replace(run_at(base_url, model=model))
    endpoint = replace(run.endpoint, api_key=key)
    codec = BedrockConverse(region=region)
    asked = codec.request(endpoint, run.task, replace(run.prompt, text=data.draw(st.text(max_size=30))))
    told = dict(codec.sign(asked, endpoint, at).headers)
    stamp = at.astimezone(UTC).strftime(STAMP)
    assert told["X-Amz-Date"] == stamp
    assert told.get("X-Amz-Security-Token") == token
    assert told["Authorization"] == judged(asked, region, stamp, Credentials(access, secret, token))


def test_a_signature_that_botocore_made_by_its_own_clock_is_ours_of_that_time() -> None:
    run = run_at("https://bedrock-runtime.us-east-1.amazonaws.com")
    asked = BedrockConverse().request(run.endpoint, run.task, run.prompt)
    own = AWSRequest("POST", asked.url, {"Content-Type": "application/json"}, asked.body)
    SigV4Auth(Credentials(*ACCESS), "bedrock", "us-east-1").add_auth(own)
    at = datetime.strptime(own.headers["X-Amz-Date"], STAMP).replace(tzinfo=UTC)
    ours = dict(BedrockConverse().sign(asked, run.endpoint, at).headers)
    assert ours["Authorization"] == own.headers["Authorization"]


@pytest.mark.parametrize("model", [CLAUDE, PROFILE, "us.amazon.nova-lite-v1:0"])
async def test_what_arrives_over_http_bears_botocores_signature(model: str) -> None:
    """The path in particular: an HTTP client that writes it otherwise than it was signed gets nothing but 403."""
    answer = next(recording for recording in STREAMS if recording.name == "ok")
    with serving(Act.ASKED, head(headers=answer.headers) + answer.body) as provider:
        run = run_at(f"http://127.0.0.1:{provider.port}", model=model)
        taken = await measure(run, BedrockConverse(region="us-east-1"))
    assert (taken.error, taken.answer_ok, taken.output_tokens, taken.server_s) == (None, True, 8, 0.412)
    visit = provider.visit
    told, (method, target, _) = dict(visit.headers), visit.head.split("\r\n")[0].split(" ")
    arrived = Request(
        method=method, url=f"http://{told['host']}{target}", headers=tuple(visit.headers), body=visit.body
    )
    assert told["authorization"] == judged(arrived, "us-east-1", told["x-amz-date"], Credentials(*ACCESS))


def test_the_region_is_read_from_every_host_that_botocore_knows() -> None:
    known = session()
    partitions = known.get_available_partitions()
    # botocore keeps no list of Bedrock's regions; EC2 is everywhere.
    regions = {name for found in partitions for name in known.get_available_regions("ec2", found)}
    assert len(regions) > 10
    for region in regions:
        with client(region=region, of=known) as judge:
            plain = judge.meta.endpoint_url
        for base_url in (plain, plain.replace("bedrock-runtime.", "bedrock-runtime-fips.")):
            run, codec = run_at(base_url), BedrockConverse()
            asked = codec.request(run.endpoint, run.task, run.prompt)
            told = dict(codec.sign(asked, run.endpoint, run.scheduled_at).headers)
            assert f"/{region}/bedrock/aws4_request" in told["Authorization"], base_url


# Framing


def ours(body: bytes) -> tuple[list[tuple[Mapping[str, str], bytes]], bool]:
    """The messages of a body, and whether something in it is broken."""
    read = []
    try:
        for frame in aws_messages(body):
            read.append((frame.headers, frame.data))  # noqa: PERF401  # those before the broken one are wanted
    except MalformedError:
        return read, True
    return read, False


def theirs(body: bytes) -> tuple[list[tuple[Mapping[str, str], bytes]], bool]:
    buffer, read = EventStreamBuffer(), []
    buffer.add_data(body)
    try:
        for message in buffer:
            read.append((message.headers, message.payload))  # noqa: PERF401
    except Exception:  # noqa: BLE001  # whatever it is, botocore gives up
        return read, True
    return read, False


@pytest.mark.parametrize("recording", STREAMS, ids=named)
def test_every_recording_is_cut_into_the_same_messages(recording: Recording) -> None:
    assert ours(recording.body) == theirs(recording.body)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(STREAMS), st.data())
def test_a_cut_or_damaged_recording_is_cut_into_the_same_messages(recording: Recording, data: st.DataObject) -> None:
    body = bytearray(recording.body[: data.draw(st.integers(0, len(recording.body)))])
    if body and data.draw(st.booleans()):
        body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    assert ours(bytes(body)) == theirs(bytes(body))


# Asking


@pytest.mark.parametrize("model", [CLAUDE, PROFILE])
@pytest.mark.parametrize("task", sorted(BedrockConverse.tasks - {Task.REACH}))
async def test_botocore_accepts_our_questions_and_asks_them_in_the_same_words(task: Task, model: str) -> None:
    probe = BedrockConverse(region="us-east-1", reasoning_effort="low", model_fields='{"top_k": 1}')
    with serving(Act.ASKED, head("403 Forbidden")) as provider:
        run = run_at(f"http://127.0.0.1:{provider.port}", task, model)
        await measure(run, probe)
        with client(run.endpoint.base_url) as judge, pytest.raises(ClientError):
            judge.converse_stream(modelId=model, **question(probe.request(run.endpoint, task, run.prompt)))
    our, their = (Asked.of(visit) for visit in provider.visits)
    assert our == their


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What makes two requests the same: a colon in a path may be written `%3A`, JSON with or without spaces."""

    method: str
    path: str
    body: object
    content_type: str
    signed: list[str]
    token: str

    @classmethod
    def of(cls, visit: Visit) -> Asked:
        told, (method, target, _) = dict(visit.headers), visit.head.split("\r\n")[0].split(" ")
        segments = [unquote(segment) for segment in urlsplit(target).path.split("/")]
        return cls(
            method=method,
            path="|".join(segments),
            body=json.loads(visit.body),
            content_type=told["content-type"],
            signed=[part.strip().partition("=")[2] for part in told["authorization"].split(",")][1:2],
            token=told["x-amz-security-token"],
        )


class HaltError(Exception):
    """Stops botocore when it has a request ready: it sends a bearer over TLS alone."""


def test_an_api_key_goes_out_as_botocore_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
    run, sent = run_to("bedrock_converse"), {}
    asked = BedrockConverse().request(run.endpoint, run.task, run.prompt)

    def halt(request: Any, **_: object) -> None:
        sent.update(request.headers)
        raise HaltError

    with client() as judge:
        judge.meta.events.register("before-send", halt)
        with pytest.raises(HaltError):
            judge.converse_stream(modelId="tiny", **question(asked))
    assert sent["Authorization"] == dict(asked.headers)["Authorization"].encode()


# Reading


@dataclass(slots=True)
class Heard:
    """What a client made of a stream."""

    answer: str = ""
    thought: str = ""
    calls: dict[int, dict[str, str]] = field(default_factory=dict)
    stop_reason: str | None = None
    usage: tuple[int, int, int | None] | None = None
    server_s: float | None = None
    error: str | None = None


def heard_by_botocore(events: Any) -> Heard:
    heard = Heard()
    try:
        for event in events:
            ((kind, value),) = event.items()
            take(heard, kind, value)
    except EventStreamError as error:
        told = error.response["Error"]
        heard.error = f"{told['Code']}: {told['Message']}"
    finally:
        events.close()
    return heard


def take(heard: Heard, kind: str, value: Any) -> None:
    match kind, value:
        case "contentBlockStart", {"start": {"toolUse": {"name": name}}, "contentBlockIndex": index}:
            heard.calls[index] = {"name": name, "arguments": ""}
        case "contentBlockDelta", {"delta": delta, "contentBlockIndex": index}:
            heard.answer += delta.get("text", "")
            heard.thought += delta.get("reasoningContent", {}).get("text", "")
            if "toolUse" in delta:
                heard.calls[index]["arguments"] += delta["toolUse"]["input"]
        case "messageStop", {"stopReason": reason}:
            heard.stop_reason = reason
        case "metadata", {"usage": usage, "metrics": metrics}:
            cached = usage.get("cacheReadInputTokens")
            prompt = usage["inputTokens"] + (cached or 0) + usage.get("cacheWriteInputTokens", 0)
            heard.usage = (prompt, usage["outputTokens"], cached)
            heard.server_s = metrics["latencyMs"] / 1000


def heard_by_us(recording: Recording) -> Heard:
    reading = Reading()
    for _ in decode_into(reading, recording.run(), recording.codec(), recording.exchange(cut(recording.body, 7))):
        pass
    usage, fault = reading.usage, reading.fault
    return Heard(
        answer=reading.answer,
        thought=reading.thought,
        calls=dict(
            enumerate({"name": call.name or "", "arguments": call.arguments} for call in reading.calls.values())
        ),
        stop_reason=reading.stop_reason,
        usage=(usage.prompt or 0, usage.output or 0, usage.cached) if usage else None,
        server_s=reading.server_s,
        error=fault.detail if fault else None,
    )


def as_faults(heard: Heard) -> Heard:
    """Stop reasons that end a probe as a fault, behind which we read nothing."""
    if heard.stop_reason in {
        "guardrail_intervened",
        "content_filtered",
        "malformed_model_output",
        "malformed_tool_use",
    }:
        return replace(heard, stop_reason=None, usage=None, server_s=None, error=f"stop reason: {heard.stop_reason}")
    return heard


@contextmanager
def asking(recording: Recording) -> Iterator[tuple[Any, Run]]:
    """A client of botocore and a probe of ours, both before a server that gives the recorded answer."""
    answer = head(f"{recording.status} Recorded", recording.headers) + recording.body
    with serving(Act.ASKED, answer) as provider:
        run = run_at(f"http://127.0.0.1:{provider.port}", recording.task)
        with client(run.endpoint.base_url) as judge:
            yield judge, run


@pytest.mark.parametrize("recording", READABLE, ids=named)
def test_botocore_decodes_the_same_from_every_stream(recording: Recording) -> None:
    with asking(recording) as (judge, run):
        request = BedrockConverse().request(run.endpoint, run.task, run.prompt)
        answer = judge.converse_stream(modelId=CLAUDE, **question(request))
        heard = heard_by_botocore(answer["stream"])
    in_order = dict(enumerate(heard.calls[index] for index in sorted(heard.calls)))
    assert heard_by_us(recording) == as_faults(replace(heard, calls=in_order))


@pytest.mark.parametrize("recording", REFUSED, ids=named)
def test_botocore_finds_the_same_code_and_message_in_every_refusal(recording: Recording) -> None:
    with asking(recording) as (judge, run):
        request = BedrockConverse().request(run.endpoint, run.task, run.prompt)
        with pytest.raises(ClientError) as refused:
            judge.converse_stream(modelId=CLAUDE, **question(request))
    code, message = (refused.value.response["Error"][key] for key in ("Code", "Message"))
    status = refused.value.response["ResponseMetadata"]["HTTPStatusCode"]
    # Where an answer names no code, botocore takes the status for one, and the status line's words for a message.
    words = (code, message) if code != str(status) else ()
    fault = BedrockConverse().refusal(recording.status, recording.headers, recording.body)
    assert fault.detail == ": ".join(filter(None, (f"HTTP {status}", *words)))
