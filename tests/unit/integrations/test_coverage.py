"""Reports on the monitored deployments: once, and again after a change."""

from __future__ import annotations

from monitor.integrations._coverage import Coverage, Notice

A = {"model_info": {"id": "a"}, "litellm_params": {"model": "openai/gpt"}}
B = {"model_info": {"id": "b"}, "litellm_params": {"model": "azure/gpt"}}
C = {"model_info": {"id": "c"}}


def said(notice: Notice | None) -> tuple[str, bool]:
    assert notice is not None
    return notice.words.partition("; give each")[0], notice.is_warning


def test_it_says_how_many_it_follows_and_which_it_does_not_know() -> None:
    notice = Coverage().look("llama", [A, B, C], {"a", "c"})
    assert said(notice) == ("following 2 of 3 deployments of llama; unknown: b (azure/gpt)", True)
    assert notice is not None
    assert "model_info.id" in notice.words


def test_all_followed_is_no_warning() -> None:
    assert said(Coverage().look("llama", [A, B], {"a", "b"})) == ("following 2 of 2 deployments of llama", False)
    assert said(Coverage().look("llama", [A], {"a"})) == ("following 1 of 1 deployment of llama", False)


def test_that_nothing_matches_is_a_warning() -> None:
    notice = Coverage().look("llama", [A, C], {"near", "far"})
    assert said(notice) == ("following none of the 2 deployments of llama; unknown: a (openai/gpt), c", True)
    assert said(Coverage().look("llama", [A], ()))[0].startswith("following none of the 1 deployment of llama")


def test_it_says_it_once_for_each_model_and_again_when_it_changes() -> None:
    coverage = Coverage()
    assert coverage.look("llama", [A, B], {"a"}) is not None
    assert coverage.look("llama", [A, B], {"a"}) is None
    assert coverage.look("llama", [A], {"a"}) is None, "what cools down is left out of a pick, and still a deployment"
    assert said(coverage.look("llama", [A, B], {"a", "b"})) == ("following 2 of 2 deployments of llama", False)
    assert said(coverage.look("qwen", [C], {"c"})) == ("following 1 of 1 deployment of qwen", False)


def test_an_endpoint_that_the_deployment_names_itself_is_followed() -> None:
    key = {"model_info": {"id": "key-2", "providerwatch": "near:llama"}}
    assert said(Coverage().look("llama", [key], {"near:llama"}))[1] is False


def test_many_unknown_ones_are_counted_and_many_models_are_not_remembered() -> None:
    many = [{"model_info": {"id": str(number)}} for number in range(8)]
    assert "unknown: 0, 1, 2, 3, 4 and 3 more" in said(Coverage().look("llama", many, ()))[0]
    coverage = Coverage()
    notices = [coverage.look(f"model-{number}", [A], ()) for number in range(1_001)]
    assert [notice is None for notice in notices] == [False] * 1_000 + [True]
