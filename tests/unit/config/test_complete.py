"""A provider in the catalogue needs no entry, or a partial one; the file overrides the catalogue."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from monitor.config import Catalogue, Config, Entry, Quirk
from probes._model import Endpoint, Secret

Load = Callable[..., Config]
Lines = Callable[..., list[str]]

KNOWN = Catalogue(
    families=(
        Quirk(match="thinker", apis=("openai_chat",), options={"depth": 1, "effort": "low"}),
        Quirk(match="thinker", apis=("grpc",), options={"nonsense": 1}),
    ),
    providers={
        "swift": Entry(
            title="Swift",
            api="openai_chat",
            base_url="https://api.swift.example/v1",
            keys=("SWIFT_KEY", "SWIFT_TOKEN"),
            options={"word": "a", "depth": 0},
            models=(
                Quirk(match="^big", options={"effort": "high"}),
                Quirk(match="^claude", api="anthropic_messages", options={"effort": "low"}),
            ),
        ),
        "cloud": Entry(
            title="Cloud",
            api="openai_chat",
            base_url=None,
            hint="https://NAME.cloud.example",
            keys=("CLOUD_ID:CLOUD_SECRET:CLOUD_SESSION", "CLOUD_ID:CLOUD_SECRET"),
        ),
        "near": Entry(title="Near", api="openai_chat", base_url="http://127.0.0.1:8000/v1", local=True),
        "hub": Entry(
            title="Hub", api="openai_chat", base_url="http://127.0.0.1:4000", keys=("HUB_KEY",), key_optional=True
        ),
    },
)
ENV = {"SWIFT_KEY": "k3y"}
BARE = """\
models:
  a/b:
    endpoints:
      - {provider: swift, model: MODEL}
"""


@pytest.fixture
def endpoint(load_text: Load) -> Callable[..., Endpoint]:
    """The first endpoint of a file."""

    def endpoint_of(text: str, env: dict[str, str] | None = None) -> Endpoint:
        return load_text(text, ENV if env is None else env, KNOWN).endpoints[0].endpoint

    return endpoint_of


def written(provider: str, fields: str = "", model: str = "m") -> str:
    """A file with one provider, and an endpoint at it."""
    name = provider.partition(":")[0]
    endpoint = f"{{provider: {name}, model: {model}{fields}}}"
    return f"providers:\n  {provider}\nmodels: {{a/b: {{endpoints: [{endpoint}]}}}}"


def test_an_endpoint_alone_makes_a_working_file(load_text: Load) -> None:
    config = load_text(BARE.replace("MODEL", "m"), ENV, KNOWN)
    assert config.endpoints[0].endpoint == Endpoint(
        id="swift:m",
        provider="swift",
        model="m",
        api="openai_chat",
        base_url="https://api.swift.example/v1",
        api_key=Secret("k3y"),
        options={"word": "a", "depth": 0},
    )
    assert list(config.providers) == ["swift"]


def test_the_first_variable_that_is_set_gives_the_key(endpoint: Callable[..., Endpoint]) -> None:
    text = BARE.replace("MODEL", "m")
    assert endpoint(text, {"SWIFT_KEY": "", "SWIFT_TOKEN": "t0ken"}).api_key == Secret("t0ken")
    assert endpoint(text, {"SWIFT_TOKEN": "t0ken", "SWIFT_KEY": "k3y"}).api_key == Secret("k3y")


def test_a_key_of_several_parts_needs_all_of_them(endpoint: Callable[..., Endpoint]) -> None:
    text = written("cloud: {base_url: 'https://me.cloud.example'}")
    parts = {"CLOUD_ID": "id", "CLOUD_SECRET": "s3cret"}
    assert endpoint(text, parts).api_key == Secret("id:s3cret")
    assert endpoint(text, {**parts, "CLOUD_SESSION": "s"}).api_key == Secret("id:s3cret:s")


def test_what_is_written_wins(endpoint: Callable[..., Endpoint]) -> None:
    found = endpoint(written("swift: {api: anthropic_messages, base_url: 'http://other', api_key: mine}"))
    assert (found.api, found.base_url, found.api_key) == ("anthropic_messages", "http://other", Secret("mine"))
    assert found.options == {}, "the catalogue's are of another api"


def test_options_lie_over_each_other_from_the_catalogue_to_the_endpoint(endpoint: Callable[..., Endpoint]) -> None:
    assert endpoint(written("swift: {}", model="big-thinker")).options == {"word": "a", "depth": 1, "effort": "high"}
    over = endpoint(written("swift: {options: {effort: low, depth: 2}}", ", options: {depth: 3}", "big-thinker"))
    assert over.options == {"word": "a", "depth": 3, "effort": "low"}


def test_a_pattern_is_searched_whatever_the_case(endpoint: Callable[..., Endpoint]) -> None:
    assert endpoint(written("swift: {}", model="Big")).options["effort"] == "high"
    assert "effort" not in endpoint(written("swift: {}", model="not-big")).options


def test_a_model_may_have_another_api_than_its_provider(endpoint: Callable[..., Endpoint]) -> None:
    found = endpoint(written("swift: {options: {depth: 9}}", model="claude"))
    assert (found.api, found.options) == ("anthropic_messages", {"effort": "low"})
    assert endpoint(written("swift: {api: openai_chat}", model="claude")).api == "openai_chat"
    assert endpoint(written("swift: {}", ", api: openai_chat", "claude")).api == "openai_chat"


ELSEWHERE = [
    "http://api.swift.example/v1",
    "https://swift.example",
    "https://api.swift.example.evil",
    "http://127.0.0.1",
]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_key_from_the_environment_goes_to_no_other_address(address: str, endpoint: Callable[..., Endpoint]) -> None:
    assert endpoint(written(f"swift: {{base_url: '{address}'}}")).api_key is None


def test_a_key_goes_to_another_address_of_the_provider(endpoint: Callable[..., Endpoint]) -> None:
    assert endpoint(written("swift: {base_url: 'https://eu.api.swift.example/v2'}")).api_key == Secret("k3y")


def test_a_server_of_ones_own_needs_no_key(endpoint: Callable[..., Endpoint]) -> None:
    assert endpoint(written("near: {}"), {}).api_key is None
    assert endpoint(written("hub: {}"), {}).api_key is None
    assert endpoint(written("hub: {}"), {"HUB_KEY": "k3y"}).api_key == Secret("k3y")


def test_a_provider_of_the_catalogue_that_no_one_uses_needs_no_key(load_text: Load) -> None:
    text = "providers: {swift: {max_concurrent: 2}}\nmodels: {a/b: {endpoints: [{provider: near, model: m}]}}"
    config = load_text(text, {}, KNOWN)
    assert config.providers["swift"].max_concurrent == 2


def test_a_missing_key_is_reported_once_where_the_provider_is_named(lines: Lines) -> None:
    text = BARE.replace("MODEL", "m") + "      - {provider: swift, model: n}\n"
    assert lines(text, {}, KNOWN) == [
        "pw.yaml:4:20: models.a/b.endpoints[0].provider: 'swift' has no key; set SWIFT_KEY or SWIFT_TOKEN in the "
        "environment, or write it as `providers: {swift: {api_key: …}}`"
    ]
    assert lines(written("swift: {max_concurrent: 1}"), {}, KNOWN) == [
        "pw.yaml:2:10: providers.swift: has no key; set SWIFT_KEY or SWIFT_TOKEN in the environment, "
        "or write it as `api_key:`"
    ]


def test_a_missing_address_is_reported_with_its_form(lines: Lines) -> None:
    env = {"CLOUD_ID": "id", "CLOUD_SECRET": "s3cret"}
    text = BARE.replace("swift", "cloud").replace("MODEL", "m")
    assert lines(text, env, KNOWN) == [
        "pw.yaml:4:20: models.a/b.endpoints[0].provider: 'cloud' needs its address, such as "
        "https://NAME.cloud.example; write it as `providers: {cloud: {base_url: …}}`"
    ]
    assert lines(written("cloud: {labels: {a: b}}"), {}, KNOWN) == [
        "pw.yaml:2:10: providers.cloud: has no key; set CLOUD_ID and CLOUD_SECRET and CLOUD_SESSION, or CLOUD_ID and "
        "CLOUD_SECRET in the environment, or write it as `api_key:`",
        "pw.yaml:2:10: providers.cloud: needs its address, such as https://NAME.cloud.example; write it as `base_url:`",
    ]


def test_a_variable_that_can_be_no_key_is_reported_without_its_value(lines: Lines) -> None:
    assert lines(BARE.replace("MODEL", "m"), {"SWIFT_KEY": "s3cret two"}, KNOWN) == [
        "pw.yaml:4:20: models.a/b.endpoints[0].provider: 'swift' has no usable key: SWIFT_KEY must be ASCII characters "
        "without spaces or line breaks; check for a stray one"
    ]


def test_a_wrong_name_is_compared_with_the_files_and_the_catalogues(lines: Lines) -> None:
    text = """\
providers: {steady: {api: openai_chat, base_url: http://h}}
models: {a/b: {endpoints: [{provider: stedy, model: m}, {provider: swfit, model: m}]}}
"""
    told = [line.partition("(")[2] for line in lines(text, ENV, KNOWN)]
    assert told == ["did you mean 'steady'?)", "did you mean 'swift'?)"]


def test_a_mistake_in_a_provider_that_is_not_written_has_the_place_where_it_is_used(lines: Lines) -> None:
    wrong = Catalogue(providers={"odd": Entry(title="Odd", api="grpc", base_url="http://127.0.0.1")})
    [line] = lines(BARE.replace("swift", "odd"), {}, wrong)
    assert line.startswith("pw.yaml:4:20: providers.odd.api: 'grpc' is not an api of this version")


MISTAKEN = [
    "providers: []\nmodels: {a/b: {endpoints: [{provider: swift, model: m}]}}",
    "providers: {swift: }\nmodels: {a/b: {endpoints: [{provider: swift, model: m}]}}",
    "providers: {swift: {api: 1}}\nmodels: {a/b: {endpoints: [{provider: swift, model: m}]}}",
    "providers: {swift: {options: 1}}\nmodels: {a/b: {endpoints: [{provider: swift, model: m}]}}",
    "models: {a/b: {endpoints: [{provider: swift, model: m, options: 1}]}}",
    "models: {a/b: {endpoints: [{provider: swift, model: m, api: [1]}]}}",
    "models: {a/b: {endpoints: [{provider: swift, model: 1}]}}",
    "models: {a/b: {endpoints: [{provider: near, model: m}, 1]}}",
    "models: {a/b: {endpoints: 1}}",
    "models: {a/b: 1}",
    "models: 1",
    "providers: {swift: {}}",
    "1",
]


@pytest.mark.parametrize("text", MISTAKEN)
def test_a_mistake_around_a_completed_value_is_reported_once_and_alone(text: str, lines: Lines) -> None:
    assert len(lines(text, ENV, KNOWN)) == 1


def test_an_address_that_is_none_gets_no_key(lines: Lines) -> None:
    [line] = lines(written("swift: {base_url: 'https://[bad'}"), {}, KNOWN)
    assert "is not an address" in line
