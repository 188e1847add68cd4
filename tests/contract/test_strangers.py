"""Unexpected answers: the words of the API with other structures and types."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes._loader import available, codec, codec_class
from probes._model import Blame, Fault, Frame, Framing, MalformedError, Sample, Task
from probes._sample import sample
from probes._serialize import sample_from_plain, sample_to_plain
from tests.contract import strangers
from tests.contract.exchanges import KEY, cut, exchange_of, run_to
from tests.support.examples import examples

APIS = available()
every_api = pytest.mark.parametrize("api", APIS)


def judged(api: str, task: Task, body: bytes, status: int = 200) -> Sample:
    """The sample of an answer, which has to be one that can be stored and shown."""
    taken = sample(run_to(api, task=task), codec(api, {}), exchange_of(cut(body, 100), status=status))
    assert taken.blame in {None, Blame.PROVIDER, Blame.ACCOUNT}, taken.detail
    assert taken.error is None or taken.detail
    told = json.dumps(sample_to_plain(taken))
    assert sample_from_plain(json.loads(told)) == taken
    assert KEY not in told
    return taken


def tasks(api: str) -> st.SearchStrategy[Task]:
    return st.sampled_from(sorted(codec_class(api).tasks - {Task.REACH}))


@every_api
@settings(max_examples=examples(60))
@given(data=st.data())
def test_a_stream_in_which_any_part_is_of_another_shape_is_judged(api: str, data: st.DataObject) -> None:
    framing = codec_class(api).framing
    recorded = st.sampled_from(strangers.recorded_frames(api))
    most = 1 if framing is Framing.WHOLE else 6
    frames = data.draw(st.lists(recorded | strangers.changed_frames(api), min_size=1, max_size=most))
    judged(api, data.draw(tasks(api)), b"".join(strangers.framed(framing, frame) for frame in frames))


@pytest.mark.parametrize("words", ["", " ", "\u200b\u0627"])
@pytest.mark.parametrize("api", ["ollama_chat", "openai_chat"])
def test_an_error_without_readable_words_has_a_detail_too(api: str, words: str) -> None:
    frame = Frame(data=json.dumps({"error": words}).encode(), end=0)
    assert judged(api, Task.CHAT, strangers.framed(codec_class(api).framing, frame)).detail


@every_api
@settings(max_examples=examples(40))
@given(data=st.data())
def test_a_refusal_in_an_apis_own_words_has_a_class(api: str, data: st.DataObject) -> None:
    status = data.draw(st.sampled_from([301, 400, 401, 403, 404, 408, 413, 422, 429, 500, 503, 529]))
    body = json.dumps(data.draw(strangers.values(api))).encode()
    headers = data.draw(st.dictionaries(st.sampled_from(["x-amzn-errortype", "retry-after", "date"]), st.text()))
    assert isinstance(codec(api, {}).refusal(status, headers, body), Fault)
    assert judged(api, data.draw(tasks(api)), body, status).error is not None


@every_api
@settings(max_examples=examples(40))
@given(data=st.data())
def test_a_list_of_models_in_an_apis_own_words_names_some_or_is_malformed(api: str, data: st.DataObject) -> None:
    body = json.dumps(data.draw(strangers.values(api))).encode()
    with suppress(MalformedError):
        assert all(name for name in codec(api, {}).models(body))


@every_api
def test_the_words_of_an_api_are_found_in_its_recordings(api: str) -> None:
    assert len(strangers.recorded_frames(api)) > 10 or codec_class(api).framing is Framing.WHOLE
