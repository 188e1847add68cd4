"""A valid file becomes the configuration that the daemon uses; an unreadable file gives a message of one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from monitor.config import (
    Canary,
    Config,
    ConfigError,
    EndpointSpec,
    Listen,
    ProbeSpec,
    ProviderSpec,
    ScoringSpec,
    Slo,
    default_path,
    load,
)
from monitor.domain.budget_unit import BudgetUnit
from monitor.domain.maintenance import MaintenanceWindow
from monitor.domain.retention import Retention
from monitor.sinks.ndjson import Ndjson
from probes._model import Blame, Endpoint, ErrorClass, Pricing, Secret, Task
from tests.support.router_files import file_of

Load = Callable[..., Config]

SMALL = """\
providers:
  groq: {api: openai_chat, base_url: https://api.groq.com/openai/v1/}
models:
  meta/llama:
    endpoints: [{provider: groq, model: llama-8b}]
"""

WHOLE = """\
vantage: fra1
canaries: ["1.1.1.1:443", "[2606:4700:4700::1111]:53", example.com:80]
listen: "[::]:80"
token: t0ken
public: true
rate_limit: 20
pages: false
public_pages: true
store: sqlite:////var/lib/pw.db
retention: {raw: 2d, hourly: 1y, daily: 3650d}
max_concurrent: 8
grace: 1.5s
providers:
  groq:
    api: openai_chat
    base_url: https://api.groq.com/openai/v1
    api_key: k3y
    max_concurrent: 2
    budget: {usd_per_day: 0.5, tokens_per_day: 200000}
    labels: {region: us, tier: fast}
    headers: {X-Team: a b}
    options: {effort: low, depth: 1}
models:
  meta/llama:
    name: "Meta: Llama"
    context_length: 8192
    endpoints:
      - provider: groq
        model: llama-8b
        id: mine
        aliases: [yours, "groq:llama-8b"]
        enabled: false
        probes: [long]
        pricing: {prompt: 0, completion: 0.2, cached: 0.01}
        labels: {region: eu}
        router_ids: {haproxy: be/srv1}
        options: {depth: 2}
probes:
  chat: {task: chat}
  long:
    task: chat
    every: 2h
    prompt_tokens: 1000
    max_tokens: 128
    ttft_timeout: 500ms
    timeout: 2m
    slo: {ttft: 250ms, output_tps: 20}
scoring: {confirm: false, count_wrong_answers: false, blame: {not_found: provider, dns: account}}
maintenance: [{endpoints: [mine], from: 2026-12-01T03:00+01:00, to: 2026-12-01T04:00:00Z}]
publish: {files: [{format: scores, path: out/uptime.json}]}
"""


def span(begin: int, end: int) -> MaintenanceWindow:
    """From hour to hour of the first of December."""
    day = datetime(2026, 12, 1, tzinfo=UTC)
    return MaintenanceWindow(begin=day.replace(hour=begin), end=day.replace(hour=end))


def test_providers_and_models_alone_make_a_working_file(load_text: Load, tmp_path: Path) -> None:
    endpoint = Endpoint(
        id="groq:llama-8b",
        provider="groq",
        model="llama-8b",
        api="openai_chat",
        base_url="https://api.groq.com/openai/v1",
    )
    assert load_text(SMALL) == Config(
        providers={"groq": ProviderSpec(name="groq")},
        endpoints=(EndpointSpec(endpoint=endpoint, model="meta/llama", probes=("chat",)),),
        probes={"chat": ProbeSpec(name="chat", task=Task.CHAT)},
        store=f"sqlite://{tmp_path}/providerwatch.db",
    )


def test_everything_that_is_written_is_used(load_text: Load, tmp_path: Path) -> None:
    endpoint = Endpoint(
        id="mine",
        provider="groq",
        model="llama-8b",
        api="openai_chat",
        base_url="https://api.groq.com/openai/v1",
        api_key=Secret("k3y"),
        headers=(("X-Team", Secret("a b")),),
        options={"effort": "low", "depth": 2},
        pricing=Pricing(prompt=0.0, completion=0.2, cached=0.01),
    )
    long = ProbeSpec(
        name="long",
        task=Task.CHAT,
        every_s=7200.0,
        prompt_tokens=1000,
        max_tokens=128,
        ttft_timeout_s=0.5,
        timeout_s=120.0,
        slo=Slo(ttft_s=0.25, output_tps=20.0),
    )
    assert load_text(WHOLE) == Config(
        vantage="fra1",
        canaries=(
            Canary(host="1.1.1.1", port=443),
            Canary(host="2606:4700:4700::1111", port=53),
            Canary(host="example.com", port=80),
        ),
        listen=Listen(host="::", port=80),
        public=True,
        token=Secret("t0ken"),
        rate_limit=20,
        pages=False,
        public_pages=True,
        store="sqlite:////var/lib/pw.db",
        retention=Retention(raw=timedelta(days=2), hourly=timedelta(days=365), daily=timedelta(days=3650)),
        max_concurrent=8,
        grace_s=1.5,
        providers={
            "groq": ProviderSpec(
                name="groq", max_concurrent=2, budget={BudgetUnit.USD: 0.5, BudgetUnit.TOKENS: 200_000}
            )
        },
        endpoints=(
            EndpointSpec(
                endpoint=endpoint,
                model="meta/llama",
                model_name="Meta: Llama",
                probes=("long",),
                enabled=False,
                labels={"region": "eu", "tier": "fast"},
                router_ids={"haproxy": "be/srv1"},
                context_length=8192,
                aliases=("yours", "groq:llama-8b"),
                maintenance=(span(2, 4),),
            ),
        ),
        probes={"chat": ProbeSpec(name="chat", task=Task.CHAT), "long": long},
        scoring=ScoringSpec(
            confirm=False,
            count_wrong_answers=False,
            blame={ErrorClass.NOT_FOUND: Blame.PROVIDER, ErrorClass.DNS: Blame.ACCOUNT},
        ),
        publish_files=(file_of("scores", tmp_path / "out/uptime.json"),),
    )


@pytest.mark.parametrize(
    ("written", "closest_s", "every_s", "least_s"),
    [
        ("15s..5m", 15.0, 300.0, 15.0),
        ('"15s .. 5m"', 15.0, 300.0, 15.0),
        ("1s..2s", 1.0, 2.0, 1.0),
        ("${env:EVERY}", 30.0, 120.0, 30.0),
        ("60s", None, 60.0, 2.0),
        ("30m", None, 1_800.0, 60.0),
        ("1s", None, 1.0, 1.0),
    ],
)
def test_an_interval_is_fixed_or_has_limits(
    load_text: Load, written: str, closest_s: float | None, every_s: float, least_s: float
) -> None:
    """What is fixed leaves room for probes that settle a doubt all the same."""
    text = f"{SMALL}probes: {{chat: {{task: chat, every: {written}}}}}"
    probe = load_text(text, {"EVERY": "30s..2m"}).probes["chat"]
    assert (probe.closest_s, probe.every_s, probe.least_s) == (closest_s, every_s, least_s)


def test_every_probe_applies_to_an_endpoint_that_names_none(load_text: Load) -> None:
    text = f"{SMALL}probes: {{a: {{task: chat}}, b: {{task: chat}}}}"
    assert load_text(text).endpoints[0].probes == ("a", "b")


def test_an_endpoint_may_have_another_api_than_its_provider_and_then_lacks_its_options(load_text: Load) -> None:
    text = SMALL.replace("v1/}", "v1/, options: {effort: low}}")
    text = text.replace("model: llama-8b", "model: llama-8b, api: anthropic_messages, options: {depth: 2}")
    endpoint = load_text(text).endpoints[0].endpoint
    assert endpoint.api == "anthropic_messages"
    assert endpoint.options == {"depth": 2}


def test_an_endpoint_that_names_no_probe_gets_those_that_its_api_can_be_asked(load_text: Load) -> None:
    text = f"{SMALL}probes: {{a: {{task: chat}}, b: {{task: embedding}}, c: {{task: chat}}}}"
    assert load_text(text).endpoints[0].probes == ("a", "c")


def test_a_configuration_shows_no_key(load_text: Load) -> None:
    shown = repr(load_text(WHOLE.replace("sqlite:////var/lib/pw.db", "postgresql://pw:pa55word@h/pw")))
    assert "pa55word" not in shown
    assert "k3y" not in shown
    assert "t0ken" not in shown
    assert "a b" not in shown


def test_a_provider_that_no_one_uses_is_fine(load_text: Load) -> None:
    text = SMALL.replace("models:", "  other: {api: openai_chat, base_url: http://localhost}\nmodels:")
    assert set(load_text(text).providers) == {"groq", "other"}


LISTEN = [
    ("127.0.0.1:0", Listen(host="127.0.0.1", port=0)),
    ("127.1.2.3:80", Listen(host="127.1.2.3", port=80)),
    ("localhost:65535", Listen(host="localhost", port=65535)),
    ("'[::1]:8780'", Listen(host="::1", port=8780)),
    ("0.0.0.0:80\ntoken: t", Listen(host="0.0.0.0", port=80)),
    ("0.0.0.0:80\npublic: true", Listen(host="0.0.0.0", port=80)),
]


@pytest.mark.parametrize(("text", "listen"), LISTEN)
def test_an_address_to_listen_on_is_read(text: str, listen: Listen, load_text: Load) -> None:
    assert load_text(f"{SMALL}listen: {text}").listen == listen


URLS = ["http://h", "http://[::1]:8000/v1", "http://10.0.0.1", "https://bücher.example/v1", "http://my_host.:80/a/b"]


@pytest.mark.parametrize("url", URLS)
def test_an_address_of_a_provider_is_read(url: str, load_text: Load) -> None:
    config = load_text(SMALL.replace("https://api.groq.com/openai/v1/", f"'{url}/'"))
    assert config.endpoints[0].endpoint.base_url == url


@pytest.mark.parametrize(
    "store",
    [
        "sqlite:///var/lib/pw.db",
        "sqlite:////var/lib/pw.db",
        "postgresql://pw@db/pw",
        "postgres://pw:s%40cret@db.example:5433/pw?ssl=verify-full",
        "postgresql://[::1]:5432/pw",
        "postgresql:///pw?host=/run/postgresql",
        "postgresql://pw@db/pw?sslmode=verify-ca&sslrootcert=/etc/ssl/ca.pem",
    ],
)
def test_an_address_of_a_database_is_read(store: str, load_text: Load) -> None:
    assert load_text(f"{SMALL}store: {store}").store == store


@pytest.mark.parametrize("name", ["pw.db", "data/pw.db", "../pw.db"])
def test_relative_paths_begin_at_the_folder_of_the_file_wherever_a_command_is_run(
    name: str, load_text: Load, tmp_path: Path
) -> None:
    text = f"{SMALL}store: sqlite:{name}\nsinks: {{ndjson: {{path: {name}.lines}}}}\n"
    config = load_text(f"{text}publish: {{files: [{{format: scores, path: {name}}}]}}\n")
    assert config.store == f"sqlite://{tmp_path / name}"
    sink, (file,) = config.sinks["ndjson"], config.publish_files
    assert isinstance(sink, Ndjson)
    assert (sink.path, file.path) == (tmp_path / f"{name}.lines", tmp_path / name)


DURATIONS = [
    ("1500ms", 1.5),
    ("1.5s", 1.5),
    ("15s", 15.0),
    ("5m", 300.0),
    ("2h", 7200.0),
    ("7d", 604800.0),
    ("1.5y", 47304000.0),
]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_a_duration_is_read(text: str, seconds: float, load_text: Load) -> None:
    assert load_text(f"{SMALL}grace: {text}").grace_s == seconds


def test_an_empty_file_is_reported(lines: Callable[..., list[str]]) -> None:
    for text in ("", "\n", "# only words\n", "---\n", "~"):
        assert lines(text) == ["pw.yaml:1:1: the file is empty; write at least `providers:` and `models:`"]


def test_a_file_that_is_no_mapping_is_reported(lines: Callable[..., list[str]]) -> None:
    assert lines("\njust words") == ["pw.yaml:2:1: must be a mapping: lines of `key: value`"]
    assert lines("- a") == ["pw.yaml:1:1: must be a mapping: lines of `key: value`"]


def told(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "no.yaml"
    assert told(path) == f"{path}: cannot be read: no such file or directory; pass -c FILE or set PROVIDERWATCH_CONFIG"


def test_a_folder_in_place_of_a_file_is_reported(tmp_path: Path) -> None:
    assert told(tmp_path) == f"{tmp_path}: cannot be read: is a directory; pass -c FILE or set PROVIDERWATCH_CONFIG"


def test_a_name_that_no_file_can_have_is_reported() -> None:
    expected = '"a\\u0000b": cannot be read: no file has such a name; pass -c FILE or set PROVIDERWATCH_CONFIG'
    assert told(Path("a\0b")) == expected


def test_a_file_without_end_is_reported() -> None:
    expected = "/dev/zero: is too long: at most 16777216 bytes are allowed; pass -c FILE or set PROVIDERWATCH_CONFIG"
    assert told(Path("/dev/zero")) == expected


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root may read everything, so it lays that down for a moment."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A file in a folder that may not be entered."""
    path = tmp_path / "locked" / "pw.yaml"
    path.parent.mkdir()
    path.write_text(SMALL)
    path.parent.chmod(0)
    yield path
    path.parent.chmod(0o700)


@pytest.mark.usefixtures("locked", "unprivileged")
def test_a_file_that_may_not_be_read_is_reported(locked: Path) -> None:
    expected = f"{locked}: cannot be read: permission denied; pass -c FILE or set PROVIDERWATCH_CONFIG"
    assert told(locked) == expected


def test_a_file_that_is_not_utf_8_is_reported_with_its_place(path: Path) -> None:
    path.write_bytes("vantage: a\nmodels: é".encode() + b"\xff")
    assert told(path) == f"{path}:2:10: not UTF-8 text; save the file as UTF-8"


def test_a_byte_order_mark_and_foreign_line_ends_do_no_harm(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(path, {"GROQ_API_KEY": "k3y"}).endpoints[0].model == "meta/llama"


def test_the_configuration_named_in_the_environment_is_used_first(tmp_path: Path) -> None:
    assert default_path({"PROVIDERWATCH_CONFIG": "x.yaml"}, [tmp_path]) == Path("x.yaml")


def test_the_first_place_that_exists_is_used_else_the_first(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert default_path({"PROVIDERWATCH_CONFIG": ""}, [first, second]) == first
    second.touch()
    assert default_path({}, [first, second]) == second
    assert default_path({}, [second / "below", first, second]) == second


@pytest.mark.usefixtures("locked", "unprivileged")
def test_a_default_path_without_read_permission_is_used_so_that_the_user_gets_the_error(locked: Path) -> None:
    assert default_path({}, [Path("/nowhere/pw.yaml"), locked]) == locked


BUDGETED = SMALL.replace("v1/}", "v1/, budget: {usd_per_day: 1}}")


def test_a_budget_in_usd_wants_no_price_of_what_costs_nothing(load_text: Load) -> None:
    paused = BUDGETED.replace("llama-8b}", "llama-8b, enabled: false}")
    priced = BUDGETED.replace("llama-8b}", "llama-8b, pricing: {prompt: 0, completion: 0}}")
    known = BUDGETED.replace("llama-8b", "llama-3.1-8b-instant")
    budgets = [load_text(text).providers["groq"].budget for text in (paused, priced, known)]
    assert budgets == [{BudgetUnit.USD: 1.0}] * 3


def test_a_budget_in_tokens_wants_no_price(load_text: Load) -> None:
    text = BUDGETED.replace("usd_per_day: 1", "tokens_per_day: 1000")
    assert load_text(text).providers["groq"].budget == {BudgetUnit.TOKENS: 1000}


def test_every_endpoint_without_a_price_is_reported(lines: Callable[..., list[str]]) -> None:
    text = f"{BUDGETED}  meta/other:\n    endpoints: [{{provider: groq, model: other-8b}}]\n"
    assert [line.split(" has no known price")[0].rpartition(" ")[2] for line in lines(text)] == [
        "'llama-8b'",
        "'other-8b'",
    ]


def test_of_an_address_that_cannot_be_read_no_price_is_wanted(lines: Callable[..., list[str]]) -> None:
    (line,) = lines(BUDGETED.replace("https://api.groq.com/openai/v1/", "'http://[::1'"))
    assert "base_url" in line


def test_a_probe_of_another_task_wants_a_price_and_one_that_only_reaches_does_not() -> None:
    text = BUDGETED + "probes: {chat: {task: chat}, reach: {task: reach}}\n"
    reaching = resolved(text.replace("llama-8b}", "llama-8b, probes: [reach]}"))
    assert reaching is None
    assert "has no known price" in (resolved(text) or "")
    assert "has no known price" in (resolved(text.replace("llama-8b}", "llama-8b, probes: [reach, chat]}")) or "")


def resolved(text: str) -> str | None:
    """What loading with the real wire APIs says; None: it loads."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "pw.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            load(path, {"GROQ_API_KEY": "k3y"})
        except ConfigError as error:
            return str(error)
    return None


WINDOWS = """\
maintenance:
  - {endpoints: ["groq:*"], from: 2026-12-01T02:00Z, to: 2026-12-01T04:00Z}
  - {endpoints: ["*:llama-8?"], from: 2026-12-01T03:00Z, to: 2026-12-01T05:00Z}
  - {endpoints: ["odd[1]"], from: 2026-12-01T07:00Z, to: 2026-12-01T08:00Z}
"""


def test_each_endpoint_has_the_maintenance_that_its_id_matches_and_what_overlaps_is_joined(load_text: Load) -> None:
    odd = "    endpoints: [{provider: groq, model: x, id: 'odd[1]'}, {provider: groq, model: y}]\n"
    config = load_text(f"{SMALL}  meta/other:\n{odd}{WINDOWS}")
    assert {spec.endpoint.id: spec.maintenance for spec in config.endpoints} == {
        "groq:llama-8b": (span(2, 5),),
        "odd[1]": (span(7, 8),),
        "groq:y": (span(2, 4),),
    }


def test_a_pattern_is_not_judged_while_an_id_cannot_be_read_which_it_may_match(lines: Callable[..., list[str]]) -> None:
    text = SMALL.replace("llama-8b}", "llama-8b}, {provider: groq, model: [x]}") + WINDOWS
    assert ["matches no" in line for line in lines(text)] == [False]


def test_an_id_that_came_from_outside_of_the_file_is_not_what_was_meant(lines: Callable[..., list[str]]) -> None:
    text = SMALL.replace("llama-8b", "${env:MODEL}") + WINDOWS.replace("groq:*", "groq:secret-modell")
    (first, *_) = lines(text, {"MODEL": "secret-model"})
    assert first.endswith("a pattern such as groq:*")


def test_a_canary_is_shown_as_it_is_written(load_text: Load) -> None:
    config = load_text(WHOLE)
    assert list(map(str, config.canaries)) == ["1.1.1.1:443", "[2606:4700:4700::1111]:53", "example.com:80"]


def test_there_are_no_canaries_unless_some_are_written(load_text: Load) -> None:
    """Providerwatch contacts no host that the configuration does not name."""
    assert load_text(SMALL).canaries == ()
