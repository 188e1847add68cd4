"""Suggestions for misspelt words."""

from __future__ import annotations

from monitor.domain.spelling import closest, id_hint

IDS = ("groq:Llama-8b", "near:large", "far:large")


def test_a_word_that_is_like_an_option_was_meant_to_be_it_whatever_the_case() -> None:
    assert closest("near:lrge", IDS) == "near:large"
    assert closest("GROQ:LAMA-8B", IDS) == "groq:Llama-8b"


def test_a_word_that_is_like_none_was_meant_to_be_none() -> None:
    assert closest("zzz", IDS) is None
    assert closest("near:lrge", IDS, cutoff=0.99) is None
    assert closest("near:large", ()) is None


def test_the_hint_names_what_was_meant_or_all_that_there_are() -> None:
    assert id_hint("near:lrge", IDS) == " (did you mean 'near:large'?)"
    assert id_hint("zzz", IDS) == "; there are: far:large, groq:Llama-8b, near:large"
