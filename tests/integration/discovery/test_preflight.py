"""`providerwatch check --connect`: present and missing models, accepted and refused keys, and no server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from monitor.config import load
from monitor.demo.model_server import MODEL_NAME
from monitor.discovery.preflight import Key, preflight
from tests.support.daemon import PATIENCE_S, command, free_port, write_config
from tests.support.listing import KEY, listing, models
from tests.support.providers import serving


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """The address of a real model's API."""
    with serving() as providers:
        yield f"{providers.model}/v1"


def provider(url: str, key: str | None = KEY, **more: object) -> dict[str, object]:
    return {"api": "openai_chat", "base_url": url, **({} if key is None else {"api_key": key}), **more}


def config(folder: Path, providers: Mapping[str, object], *endpoints: Mapping[str, object], **top: object) -> Path:
    file = {"providers": providers, "models": {"a/b": {"endpoints": list(endpoints)}}, **top}
    return write_config(folder / "pw.yaml", file)


def check(file: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("check", "--connect", "-c", str(file), *arguments),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={**os.environ, **env},
    )


def plain(file: Path, **env: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code and findings by endpoint."""
    ended = check(file, "--json", **env)
    assert ended.stderr == ""
    assert KEY not in ended.stdout
    document = json.loads(ended.stdout)
    assert document["ok"] is (ended.returncode == 0)
    return ended.returncode, {row["id"]: row for row in document["endpoints"]}


def test_a_real_model_is_found_in_its_servers_list_and_a_misspelt_one_is_not(model: str, tmp_path: Path) -> None:
    near = provider(model, None)
    file = config(tmp_path, {"near": near}, {"provider": "near", "model": MODEL_NAME})
    code, found = plain(file)
    assert code == 0
    assert found[f"near:{MODEL_NAME}"] | {"seconds": 0} == {
        "id": f"near:{MODEL_NAME}",
        "provider": "near",
        "api": "openai_chat",
        "ok": True,
        "key": "none",
        "model_listed": True,
        "listed_name": MODEL_NAME,
        "error": None,
        "blame": None,
        "status_code": 200,
        "detail": None,
        "seconds": 0,
    }
    ended = check(config(tmp_path, {"near": near}, {"provider": "near", "model": "smollm2-135m-instrct"}))
    assert ended.returncode == 1
    assert f"not in its list (did you mean {MODEL_NAME}?)" in ended.stdout
    assert "endpoints ok: 0 of 1" in ended.stdout


def test_a_real_model_is_found_in_the_lists_of_its_other_apis(model: str, tmp_path: Path) -> None:
    apis = ("openai_responses", "anthropic_messages", "openai_embeddings")
    endpoints = [{"provider": "near", "model": MODEL_NAME, "id": api, "api": api} for api in apis]
    probes = {"chat": {"task": "chat"}, "embed": {"task": "embedding"}}
    code, found = plain(config(tmp_path, {"near": provider(model, None)}, *endpoints, probes=probes))
    assert code == 0, found
    assert [row["model_listed"] for row in found.values()] == [True, True, True]


def test_a_key_is_accepted_when_the_list_is_shown_with_it_and_not_without(tmp_path: Path) -> None:
    with listing(models("m"), key=KEY) as server:
        file = config(tmp_path, {"shy": provider("${env:SHY}/v1")}, {"provider": "shy", "model": "m"})
        code, found = plain(file, SHY=server.url)
        assert (code, found["shy:m"]["key"], found["shy:m"]["ok"]) == (0, "accepted", True)
        assert server.asked == [("/v1/models", f"Bearer {KEY}"), ("/v1/models", None)]


def test_a_list_that_needs_no_key_proves_nothing_about_the_key(tmp_path: Path) -> None:
    with listing(models("m")) as server:
        file = config(tmp_path, {"open": provider(server.url)}, {"provider": "open", "model": "m"})
        code, found = plain(file)
        assert (code, found["open:m"]["key"]) == (0, "not_checked")
        assert "open: answers without a key, too, so the key could not be checked\n" in check(file).stdout


def test_a_refused_key_is_reported_and_not_shown_though_the_provider_repeats_it(tmp_path: Path) -> None:
    with listing(models("m"), key="another") as server:
        file = config(tmp_path, {"shy": provider(server.url)}, {"provider": "shy", "model": "m"})
        code, found = plain(file)
        row = found["shy:m"]
        assert (code, row["key"], row["error"], row["blame"], row["status_code"]) == (
            1,
            "refused",
            "auth",
            "account",
            401,
        )
        ended = check(file)
        assert ended.returncode == 1
        assert "shy: HTTP 401: Incorrect API key provided" in ended.stdout
        assert KEY not in ended.stdout + ended.stderr


def test_an_address_without_a_server_is_reported(tmp_path: Path) -> None:
    silent = provider(f"http://127.0.0.1:{free_port()}")
    code, found = plain(config(tmp_path, {"gone": silent}, {"provider": "gone", "model": "m"}))
    row = found["gone:m"]
    assert (code, row["error"], row["key"], row["model_listed"], row["status_code"]) == (1, "connect", None, None, None)


def test_a_provider_without_a_list_is_reached_by_any_answer(tmp_path: Path) -> None:
    with listing({"error": "nothing here"}, status=404) as server:
        bare = provider(server.url, options={"models_path": None})
        file = config(tmp_path, {"bare": bare}, {"provider": "bare", "model": "m"})
        code, found = plain(file)
        row = found["bare:m"]
        assert (code, row["ok"], row["key"], row["model_listed"]) == (0, True, "not_checked", None)
        assert [path for path, _ in server.asked] == ["/"]
        assert "bare: has no list of models, so the key could not be checked\n" in check(file).stdout


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b'{"data": [1]}', b"[" * 100])
def test_a_list_that_cannot_be_read_says_nothing_about_the_model(body: bytes, tmp_path: Path) -> None:
    with listing(body) as server:
        file = config(tmp_path, {"odd": provider(server.url)}, {"provider": "odd", "model": "m"})
        assert plain(file)[1]["odd:m"]["model_listed"] is None


def test_a_list_of_azure_names_no_deployments_and_is_not_taken_for_one(tmp_path: Path) -> None:
    with listing(models("gpt-4.1-mini")) as server:
        azure = {"api": "azure_openai", "base_url": server.url, "api_key": KEY}
        code, found = plain(config(tmp_path, {"azure": azure}, {"provider": "azure", "model": "my-deployment"}))
        assert (code, found["azure:my-deployment"]["model_listed"]) == (0, None)


def test_an_empty_list_holds_no_model(tmp_path: Path) -> None:
    with listing(models()) as server:
        file = config(tmp_path, {"empty": provider(server.url)}, {"provider": "empty", "model": "m"})
        code, found = plain(file)
        assert (code, found["empty:m"]["model_listed"], found["empty:m"]["similar_name"]) == (1, False, None)


def test_a_text_for_the_terminal_in_a_list_is_made_harmless(tmp_path: Path) -> None:
    with listing(models("modell\x1b[2Jx[red]")) as server:
        ended = check(config(tmp_path, {"evil": provider(server.url)}, {"provider": "evil", "model": "modell-x[red]"}))
        assert "\x1b" not in ended.stdout
        assert "did you mean modell\N{REPLACEMENT CHARACTER}[2Jx[red]?" in ended.stdout


async def test_endpoints_of_one_provider_and_key_need_one_answer(tmp_path: Path) -> None:
    with listing(models("m", "n"), key=KEY) as server:
        providers = {"one": provider(server.url), "two": provider(server.url, "other")}
        endpoints = [{"provider": "one", "model": name} for name in ("m", "n", "o")]
        file = config(tmp_path, providers, *endpoints, {"provider": "two", "model": "m"})
        found = await preflight(load(file, {}))
    assert [each.ok for each in found] == [True, True, False, False]
    assert [each.key for each in found] == [Key.ACCEPTED] * 3 + [Key.REFUSED]
    keys = sorted(str(key) for _, key in server.asked)
    assert keys == ["Bearer other", f"Bearer {KEY}", "None"]


async def test_providers_are_asked_side_by_side(tmp_path: Path) -> None:
    with listing(models("m"), meeting=5) as server:
        providers = {f"p{number}": provider(f"{server.url}/{number}", None) for number in range(5)}
        file = config(tmp_path, providers, *({"provider": name, "model": "m"} for name in providers))
        assert all(finding.ok for finding in await preflight(load(file, {})))


async def test_paused_endpoints_are_not_asked(tmp_path: Path) -> None:
    with listing(models("m")) as server:
        providers = {"a": provider(server.url, None), "b": provider(f"{server.url}/b", None)}
        paused = {"provider": "b", "model": "m", "enabled": False}
        file = config(tmp_path, providers, {"provider": "a", "model": "m"}, paused)
        ended = check(file)
        assert ended.returncode == 0
        assert "endpoints ok: 1 of 1; 1 paused, not checked" in ended.stdout
        assert [path for path, _ in server.asked] == ["/models"]


async def test_an_api_without_a_list_is_reached_without_its_key(tmp_path: Path) -> None:
    with listing(models("m")) as server:
        amazon = {"api": "bedrock_converse", "base_url": server.url, "api_key": "id:secret"}
        file = config(tmp_path, {"amazon": amazon}, {"provider": "amazon", "model": "m"})
        [found] = await preflight(load(file, {}))
        assert (found.ok, found.key) == (True, Key.UNCHECKED)
        assert server.asked == [("/", None)]


def test_mistakes_of_the_file_come_first_with_exit_code_2(tmp_path: Path) -> None:
    ended = check(config(tmp_path, {"near": {"api": "openai_chat"}}, {"provider": "near", "model": "m"}))
    assert ended.returncode == 2
    assert "providers.near.base_url: is missing" in ended.stderr
    assert ended.stdout == ""
