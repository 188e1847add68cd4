"""A provider that abuses text: its messages are shown short and harmless, and never with the key."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from rich.console import Console

from monitor.console.waterfall import waterfall
from monitor.daemon.log import configure
from monitor.domain.text import printable
from monitor.metrics.metrics import Metrics
from probes._driver import exchange, measure
from probes._model import Sample, Secret, Task
from probes._prompts import FORM
from probes._sample import sample, transcript
from probes._serialize import sample_to_plain
from tests.integration.probes.asking import CODEC, run_to
from tests.integration.probes.provider import ANSWER, DONE, STOP, Act, Step, chunk, delta, head, serving
from tests.support.board_values import make_board, make_spec

ID, SECRET = "AKIAEXAMPLE0123", "wJalr/XUtnFEMI+K7MDENG/bPxRfiCY"
PAIR = f"{ID}:{SECRET}"
"""A key of two halves, with characters that JSON and addresses write in other ways."""
HEADER_SECRET = "tok-0123456789abcdef"
HEADERS = (("X-Token", Secret(f"Token {HEADER_SECRET}")),)
NASTY = (
    "\x1b[2J\x1b]0;owned\x07\x1b[31mred\x1b[0m \u202egnp.exe\u202c \u2066hidden\u2069 \u200b\u200d\ufeff "
    "line\r\nbreak\x00\x08\x7f\x9b31m \u2028\u2029 [link=http://evil]click[/link] [bold]x[/bold] "
    "<script>alert(1)</script> \"quoted\" 'single' \\back \U000e0041 \ud83d é"
)
FORBIDDEN = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x202E, 0x2028, 0x2066, 0xFEFF)]


def event(data: object) -> bytes:
    """With escapes, since half characters cannot be written otherwise."""
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def said(words: str) -> dict[str, tuple[Step, ...]]:
    """Every place in an answer whose words may come into a sample, with these words in it."""
    error = {"message": words, "type": words, "code": words}
    call = {"index": 0, "function": {"name": words, "arguments": words}}
    line = words.encode("ascii", "replace").translate(None, b"\r\n\0")
    return {
        "a refusal": (head("400 No"), json.dumps({"error": error}).encode()),
        "a refusal in text": (head("500 No"), json.dumps({"error": words}).encode()),
        "a refusal's metadata": (
            head("502 No"),
            json.dumps({"error": {"message": "no", "metadata": {"raw": words}}}).encode(),
        ),
        "a refusal that is no JSON": (head("500 No"), words.encode("utf-8", "replace")),
        "a status line": (b"HTTP/1.1 500 " + line + b"\r\n\r\n",),
        "an error in the stream": (head(), ANSWER, event({"error": error}).replace(b"\\ud83d", b"")),
        "a wrong answer": (head(), event({"choices": [{"delta": {"content": words}}]}), STOP + DONE),
        "a call": (head(), event({"choices": [{"delta": {"tool_calls": [call]}}]}), STOP + DONE),
        "a finish reason": (head(), event({"choices": [{"delta": {}, "finish_reason": words}]}), DONE),
        "a content type": (b"HTTP/1.1 200 OK\r\nContent-Type: " + line + b"\r\n\r\nno events",),
        "an encoding": (b"HTTP/1.1 200 OK\r\nContent-Encoding: " + line + b"\r\n\r\nno events",),
        "a head that is none": (b"HTTP/1.1 " + line + b"\r\n\r\n",),
        "a head cut short": (b"HTTP/1.1 200 OK\r\nX-Echo: " + line + b"\r\n",),
        "no HTTP": (line + b"\r\n\r\n",),
        "a chunk's size": (head(headers={"Transfer-Encoding": "chunked"}), chunk(ANSWER), line + b"\r\n"),
    }


PLACES = sorted(said(""))


async def asked(place: str, words: str) -> tuple[Sample, list[str]]:
    """A probe of a provider that sends the words there, and every output that could show them."""
    with serving(Act.ASKED, *said(words)[place]) as provider:
        run = run_to(provider.base_url, ttft_s=2.0, api_key=Secret(PAIR), headers=HEADERS)
        if place == "a call":
            run = replace(run, task=Task.TOOL_CALL, prompt=replace(run.prompt, form=FORM))
        seen = await exchange(run, CODEC)
    taken = sample(run, CODEC, seen)
    shown = io.StringIO()
    Console(file=shown, force_terminal=True, width=500).print(waterfall(taken))
    frames = [f"{at_s} {printable(words, longest=None)}" for at_s, words in transcript(run, CODEC, seen)]
    return taken, [repr(run), repr(seen), repr(taken), f"{taken}", shown.getvalue(), *frames]


@pytest.mark.parametrize("place", PLACES)
async def test_what_a_provider_says_is_shown_short_and_harmless(place: str) -> None:
    taken, shown = await asked(place, NASTY)
    assert taken.detail is not None
    assert len(taken.detail) <= 200
    assert taken.detail.isprintable()
    assert [character for character in FORBIDDEN if character in taken.detail] == []
    waterfall_text = shown[4]
    assert "\x1b[2J" not in waterfall_text
    assert "\x1b]" not in waterfall_text
    assert "\x1b[31mred" not in waterfall_text
    for frame in shown[5:]:
        assert frame.isprintable()


async def test_markup_in_a_providers_words_is_shown_as_it_stands() -> None:
    taken, shown = await asked("a refusal in text", "[bold]x[/bold] [link=http://evil]y[/link]")
    assert (taken.detail or "").startswith("HTTP 500: [bold]x[/bold] [link=http://evil]y[/link] (http://127.0.0.1:")
    assert "[bold]x[/bold] [link=http://evil]y[/link]" in shown[4]


def forms(secret: str) -> Iterator[str]:
    """A secret as it is, as two kinds of JSON write it, and as an address does."""
    yield from (secret, secret.replace("/", "\\/"), secret.replace("/", "%2F").replace("+", "%2B").replace(":", "%3A"))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("secret", [PAIR, ID, SECRET, HEADER_SECRET, f"Bearer {PAIR}", f"Token {HEADER_SECRET}"])
async def test_no_secret_that_a_provider_echoes_is_shown(place: str, secret: str) -> None:
    for form in forms(secret):
        taken, shown = await asked(place, f"You sent {form} and {form}.")
        hidden = [ID, HEADER_SECRET, *forms(SECRET)]
        assert taken.error is not None
        assert [word for text in shown for word in hidden if word in text] == []


async def test_a_secret_that_the_pieces_of_an_answer_make_up_is_not_shown() -> None:
    pieces = [PAIR[at : at + 7] for at in range(0, len(PAIR), 7)]
    with serving(Act.ASKED, head(), *map(delta, pieces), STOP + DONE) as provider:
        taken = await measure(run_to(provider.base_url, api_key=Secret(PAIR)), CODEC)
    assert taken.detail == "answered '***'"


async def test_no_word_of_a_provider_becomes_a_label_or_a_line_of_the_log() -> None:
    log = io.StringIO()
    board = make_board(make_spec("scripted:tiny"))
    configure(log)
    try:
        metrics = Metrics("1.0", lambda: board.snapshot)
        for place in PLACES:
            taken, _ = await asked(place, f"marker {NASTY}")
            assert taken.error is not None, place
            metrics.observe(taken, "scripted")
        exposed = (await metrics.text(openmetrics=False)).decode()
    finally:
        logging.getLogger().handlers.clear()
    assert log.getvalue() == ""
    assert 'providerwatch_probes_total{blame="provider",endpoint="scripted:tiny",error="' in exposed
    assert "marker" not in exposed
    assert exposed.isascii()


async def test_a_sample_with_any_words_is_json_that_any_program_reads() -> None:
    for place in PLACES:
        taken, _ = await asked(place, NASTY)
        line = json.dumps(sample_to_plain(taken))
        assert line.isascii()
        assert "\n" not in line
        assert json.loads(line)["detail"] == taken.detail


async def test_what_an_exception_of_ours_says_does_not_hold_the_key() -> None:
    for base_url in ("http://127.0.0.1:1/v1", "http://no-such-host.invalid/v1", "http://[", "http://127.0.0.1:99999/"):
        taken = await measure(run_to(base_url, ttft_s=2.0, api_key=Secret(PAIR), headers=HEADERS), CODEC)
        assert taken.error is not None
        assert [word for word in (ID, SECRET, HEADER_SECRET) if word in repr(taken)] == []


async def test_a_key_that_cannot_be_sent_is_not_told_either() -> None:
    for key in ("sk-with\nnewline-0123456789", "sk-with\x00zero-0123456789", "sk-ключ-0123456789"):
        run = run_to("http://127.0.0.1:1/v1", ttft_s=2.0, api_key=Secret(key))
        taken = await measure(run, CODEC)
        assert taken.error is not None
        assert key not in repr(taken)
        assert "0123456789" not in (taken.detail or "")
