"""The words of a probe: blame as the specification has it, and secrets that do not show."""

from __future__ import annotations

import dataclasses
import json
import pprint
import traceback
from types import ModuleType

import pytest

from probes import _exchange, _meter, _model
from probes._exchange import Exchange
from probes._model import Blame, Endpoint, ErrorClass, Probe, Request, Secret
from tests.contract.exchanges import BEGAN_AT, EVENT_STREAM, KEY, run_to

BY_THE_SPECIFICATION = {
    Blame.PROVIDER: (
        "dns connect tls timeout_ttft timeout_total stalled overloaded server_error malformed truncated stream_error "
        "empty wrong_answer"
    ),
    Blame.ACCOUNT: "auth payment rate_limited not_found bad_request content_filter geo",
    Blame.MONITOR: "skipped cancelled internal overrun budget tainted",
    Blame.NETWORK: "vantage_offline",
}


def test_every_error_class_has_the_blame_of_the_specification() -> None:
    blames = {ErrorClass(word): blame for blame, words in BY_THE_SPECIFICATION.items() for word in words.split()}
    assert {error: error.blame for error in ErrorClass} == blames


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(KEY)),
        str(Secret(KEY)),
        f"{Secret(KEY)}",
        f"{Secret(KEY)!r}",
        f"{Secret(KEY)!s:>40}",
        "{}".format(Secret(KEY)),  # noqa: UP032
        "%s %r" % (Secret(KEY), Secret(KEY)),  # noqa: UP031
        ascii(Secret(KEY)),
        repr([Secret(KEY)]),
        pprint.pformat({"key": Secret(KEY)}),
        json.dumps({"key": Secret(KEY)}, default=str),
    ],
)
def test_a_secret_shows_stars_alone(shown: str) -> None:
    assert "***" in shown
    assert not [at for at in range(len(KEY) - 3) if KEY[at : at + 4] in shown]


def holders() -> list[object]:
    run = run_to(headers=(("X-Api-Key", Secret(KEY)),))
    request = Request(method="POST", url="https://acme.test", headers=(("Authorization", KEY),), body=KEY.encode())
    seen = Exchange(began_at=BEGAN_AT, began_ns=0, ended_ns=0, headers={"echo": KEY}, body=KEY.encode(), status=401)
    return [run, run.endpoint, request, seen, (run, [request]), {"run": run}, dataclasses.replace(run, id="b")]


@pytest.mark.parametrize("holder", holders(), ids=lambda holder: type(holder).__name__)
def test_no_value_that_holds_a_secret_shows_it(holder: object) -> None:
    shown = (repr(holder), str(holder), f"{holder}", pprint.pformat(holder, width=20))
    assert not [text for text in shown if KEY in text]


def test_a_traceback_through_a_secret_does_not_show_it() -> None:
    try:
        int(Secret(KEY))  # type: ignore[call-overload]
    except TypeError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert KEY not in "".join(told.format())


def test_a_secret_tells_itself_when_asked() -> None:
    assert Secret(KEY).reveal() == KEY


def test_secrets_are_values() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


def test_values_cannot_be_changed() -> None:
    endpoint = Endpoint(id="a:b", provider="a", model="b", api="openai_chat", base_url="https://acme.test")
    with pytest.raises(dataclasses.FrozenInstanceError):
        endpoint.id = "c:d"  # type: ignore[misc]


@pytest.mark.parametrize("module", [_exchange, _meter, _model], ids=lambda module: module.__name__)
def test_values_are_frozen_and_slotted(module: ModuleType) -> None:
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    for kind in kinds:
        assert kind is _meter.Reading or kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert "__slots__" in vars(kind)


def test_a_codec_that_leaves_something_out_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Probe()  # type: ignore[abstract]


def test_header_values_in_an_exchange_are_kept_for_reading() -> None:
    seen = Exchange(began_at=BEGAN_AT, began_ns=0, ended_ns=0, headers=EVENT_STREAM)
    assert seen.headers["content-type"] == "text/event-stream"
