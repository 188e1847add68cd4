"""Valid but suspicious settings: the daemon starts, `check` warns, and no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import Config
from tests.unit.config.conftest import Load

SECRET = "s3cret-0123456789abcdef"
BASE = """\
store: {store}
token: {token}
providers:
  groq: {{api: openai_chat, base_url: "{url}", api_key: {key}, headers: {{{header}}}}}
models:
  llama:
    endpoints:
      - {{provider: groq, model: b}}
{rest}"""


def warned(
    load_text: Load,
    folder: Path,
    *,
    key: str = "${env:KEY}",
    token: str = "${env:KEY}",
    url: str = "https://api.example.com/v1",
    header: str = "",
    store: str | None = None,
    rest: str = "",
) -> list[str]:
    """The warnings of a file, each without the file's name and position."""
    text = BASE.format(
        store=store or f"sqlite:///{folder}/pw.db", token=token, url=url, key=key, header=header, rest=rest
    )
    config: Config = load_text(text, {"KEY": SECRET, "PGPASSWORD": SECRET})
    lines = [str(problem) for problem in config.warnings]
    assert SECRET not in "".join(lines)
    return [line.partition(": ")[2] for line in lines]


def test_a_file_with_keys_from_outside_and_folders_that_are_there_is_not_warned_of(
    load_text: Load, tmp_path: Path
) -> None:
    files = f"publish: {{files: [{{format: scores, path: {tmp_path}/u.json}}]}}"
    assert warned(load_text, tmp_path, rest=files, header='Authorization: "${env:KEY}", X-Team: red') == []


@pytest.mark.parametrize(
    ("written", "variable"),
    [
        ("$KEY", "KEY"),
        ("$NOT_SET", "NAME"),
        ("os.environ/GROQ_API_KEY", "GROQ_API_KEY"),
        ("os.environ['GROQ_API_KEY']", "GROQ_API_KEY"),
        ("env:GROQ_API_KEY", "GROQ_API_KEY"),
        ("process.env.GROQ_API_KEY", "GROQ_API_KEY"),
        ("%KEY%", "KEY"),
        ("$(KEY)", "KEY"),
        ("{{ KEY }}", "KEY"),
        ("<your-key>", "NAME"),
    ],
)
def test_a_key_written_as_other_programs_write_variables_is_warned_of(
    load_text: Load, tmp_path: Path, written: str, variable: str
) -> None:
    quoted = f'"{written}"'
    if " " in written:  # what no header can carry is refused
        quoted = f'"{written.replace(" ", "")}"'
    (line,) = warned(load_text, tmp_path, key=quoted)
    assert line == (
        f"providers.groq.api_key: warning: is sent as it is written; write ${{env:{variable}}} for a variable"
    )


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ({"key": SECRET}, "providers.groq.api_key"),
        ({"token": SECRET}, "token"),
        ({"header": f'Authorization: "Bearer {SECRET}"'}, "providers.groq.headers.Authorization"),
        ({"header": f"x-api-key: {SECRET}"}, "providers.groq.headers.x-api-key"),
        ({"store": f"postgresql://me:{SECRET}@db/pw"}, "store"),
        ({"rest": f"sinks: {{influx: {{url: http://h:1, bucket: b, token: {SECRET}}}}}"}, "sinks.influx.token"),
    ],
)
def test_a_secret_in_plain_is_warned_of_wherever_it_stands(
    load_text: Load, tmp_path: Path, place: dict[str, str], line: str
) -> None:
    assert warned(load_text, tmp_path, **place) == [
        f"{line}: warning: holds a secret in plain text; "
        "write ${env:NAME}, ${file:/absolute/path} or ${credential:NAME}"
    ]


@pytest.mark.parametrize("key", ["none", "EMPTY", "sk-dummy", "not-needed"])
def test_a_word_for_a_server_without_keys_is_no_secret(load_text: Load, tmp_path: Path, key: str) -> None:
    assert warned(load_text, tmp_path, key=key) == []


@pytest.mark.parametrize("added", ["/chat/completions", "/messages", "/responses", "/embeddings", "/models"])
def test_a_base_url_that_ends_in_what_its_api_adds_is_warned_of(load_text: Load, tmp_path: Path, added: str) -> None:
    (line,) = warned(load_text, tmp_path, url=f"https://api.example.com/v1{added}")
    assert line == f"providers.groq.base_url: warning: ends in {added}, which its api adds itself; remove it"


def test_a_folder_that_is_missing_is_warned_of_with_its_name(load_text: Load, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    rest = f"""
publish: {{files: [{{format: scores, path: {gone}/u.json}}]}}
sinks: {{ndjson: {{path: {gone}/s.ndjson}}}}
"""
    lines = warned(load_text, tmp_path, store=f"sqlite:///{gone}/pw.db", rest=rest)
    missing = f"warning: the folder '{gone}' does not exist; make it, or have systemd make it"
    assert lines == [f"{place}: {missing}" for place in ("store", "publish.files[0].path", "sinks.ndjson.path")]


def test_a_folder_from_outside_of_the_file_is_not_named(load_text: Load, tmp_path: Path) -> None:
    (line,) = warned(load_text, tmp_path, store="sqlite:///${env:KEY}/pw.db")
    assert line == "store: warning: its folder does not exist; make it, or have systemd make it"


def test_a_folder_that_cannot_be_written_to_is_warned_of(load_text: Load, tmp_path: Path) -> None:
    (line,) = warned(load_text, tmp_path, store="sqlite:////proc/1/pw.db")
    assert line.startswith("store: warning: the folder '/proc/1' cannot be written to")
