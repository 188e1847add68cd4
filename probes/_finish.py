"""Finish reasons of all APIs: the published table. Pure.

docs/verdicts.md shows the same table; a test compares both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from probes._model import Done, ErrorClass, Fault

ENDS = (
    "stop end stopped eos eos_token end_of_text end_turn end_of_turn stop_sequence stop_token complete completed "
    "finish finished done success normal tool_use tool_call tool_calls function_call function_calls pause_turn "
    "load unload"
)
"""Reasons of a complete answer."""
CUTS = (
    "length max_length length_limit model_length max_tokens max_output_tokens max_completion_tokens max_new_tokens "
    "token_limit continuation incomplete context_length context_window context_length_exceeded "
    "context_window_exceeded model_context_window_exceeded"
)
"""Reasons of an answer that a token limit cut."""
FAULTS: Mapping[ErrorClass, str] = {
    ErrorClass.CONTENT_FILTER: (
        "content_filter content_filtered guardrail_intervened refusal sensitive safety recitation blocklist "
        "prohibited_content spii model_armor escalation error_toxic moderation blocked image_safety "
        "image_prohibited_content image_recitation"
    ),
    ErrorClass.OVERLOADED: "insufficient_system_resource overloaded engine_overloaded preempted",
    ErrorClass.RATE_LIMITED: "rate_limit rate_limited",
    ErrorClass.PAYMENT: "insufficient_quota",
    ErrorClass.AUTH: "pup_limited_disabled",
    ErrorClass.STREAM_ERROR: (
        "error error_limit server_error internal_error network_error model_error failed failure exception abort "
        "aborted cancel cancelled canceled user_cancel interrupted timeout time_limit disconnected other language "
        "malformed_function_call malformed_response malformed_model_output malformed_tool_use "
        "missing_thought_signature unexpected_tool_call too_many_tool_calls image_other no_image"
    ),
}
"""Reasons of a failure, by error class."""
NOTHING = "null none nil undefined unspecified"
"""Values that mean no reason yet."""

_PREFIX = re.compile("^finishreason(?=.)")
_FAULTY = re.compile("error|fail|exception|abort|cancel|timeout|timedout")
_FILTERED = re.compile("contentfilter|safety|sensitive|moderation|guardrail|prohibited")
_LIMITED = re.compile("max[a-z]*tokens|maxlength|tokenlimit|lengthlimit")


def _normalized(reason: str) -> str:
    """A reason in normal form: `MAX_TOKENS`, `maxTokens` and `max-tokens` are the same."""
    return _PREFIX.sub("", re.sub("[^a-z0-9]", "", reason.lower()))


_ENDS, _CUTS, _NOTHING = (frozenset(map(_normalized, words.split())) for words in (ENDS, CUTS, NOTHING))
_FAULTS = {_normalized(word): error for error, words in FAULTS.items() for word in words.split()}


def finish(reason: str, *words: str, proof: bool = True, name: str = "finish reason") -> Done | Fault | None:
    """The event for a finish reason; None: there is no reason yet.

    `words`: the provider's explanation. `name`: the name of the field in the API. An unknown reason is a normal end
    unless it contains a word for a failure.
    """
    word = _normalized(reason)
    if not word or word in _NOTHING:
        return None
    error = _fault_class(word)
    if error is not None:
        return Fault(error=error, detail=": ".join((name, reason, *filter(None, words))))
    cut = word in _CUTS or (word not in _ENDS and _LIMITED.search(word) is not None)
    return Done(reason, cut=cut, proof=proof, known=cut or word in _ENDS)


def _fault_class(word: str) -> ErrorClass | None:
    if word in _FAULTS:
        return _FAULTS[word]
    if word in _ENDS or word in _CUTS:
        return None
    if _FILTERED.search(word):
        return ErrorClass.CONTENT_FILTER
    return ErrorClass.STREAM_ERROR if _FAULTY.search(word) else None
