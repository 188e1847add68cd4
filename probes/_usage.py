"""The token counts of a provider, held against what was asked and what was streamed. Pure.

A count decides what a probe cost and when a budget is spent, so one that cannot be true is not believed. Bounds are
wide: tokenizers differ, templates and gateways add to the prompt, and some models think beyond their limit.
"""

from __future__ import annotations

import json
from dataclasses import replace

from probes._meter import Reading
from probes._model import Probe, Prompt, Usage

_TIMES_OUTPUT = 2
_MORE_OUTPUT = 1024
"""Hidden reasoning and the wrapping of tool calls, on top of twice what was asked or streamed."""
_TIMES_PROMPT = 4
_MORE_PROMPT = 8192
"""A gateway's own system prompt, and the template of tools, on top of four times the characters that were sent."""


def plausible_usage(
    usage: Usage | None, codec: Probe, prompt: Prompt, reading: Reading
) -> tuple[Usage | None, str | None]:
    """The counts that can be true; and words about those that cannot, if there are any.

    In the place of these stands what is known of the prompt that was sent, and for the output nothing.
    """
    if usage is None:
        return None, None
    bounds = {"prompt": _prompt_bound(prompt), "output": _output_bound(codec, prompt, reading)}
    reported = {name: getattr(usage, name) for name in bounds}
    wrong = [name for name, count in reported.items() if count is not None and not _is_possible(count, bounds[name])]
    ours = {"prompt": prompt.tokens, "output": None}
    kept = replace(
        usage,
        **{name: ours[name] for name in wrong},
        reasoning=_part(usage.reasoning, usage.output, bounds["output"]),
        cached=_part(usage.cached, usage.prompt, bounds["prompt"]),
    )
    words = ", ".join(f"{reported[name]} {name} tokens (at most {bounds[name]} are possible)" for name in wrong)
    return kept, f"usage ignored, it cannot be true: {words}" if wrong else None


def is_cut(usage: Usage | None, codec: Probe, prompt: Prompt) -> bool:
    """Whether an answer took all the tokens that it was allowed, so that it was cut, whatever its end is called."""
    # Some count the token that ends an answer. One that is longer was not held to the limit, and so not cut by it.
    return usage is not None and usage.output is not None and 0 <= usage.output - codec.most_tokens(prompt) <= 1


def _is_possible(count: object, bound: int) -> bool:
    # A codec may be a third party's.
    return isinstance(count, int) and 0 <= count <= bound


def _part(count: int | None, whole: int | None, bound: int) -> int | None:
    """A part's count, if it is no more than the whole, as far as that can be true."""
    return count if _is_possible(count, whole if whole is not None and _is_possible(whole, bound) else bound) else None


def _output_bound(codec: Probe, prompt: Prompt, reading: Reading) -> int:
    # A token is a character at least, but for exotic scripts, whose characters take up to four.
    streamed = sum(event.size for event in reading.content)
    return _TIMES_OUTPUT * max(codec.most_tokens(prompt), streamed) + _MORE_OUTPUT


def _prompt_bound(prompt: Prompt) -> int:
    form = json.dumps(dict(prompt.form.schema)) if prompt.form is not None else ""
    return _TIMES_PROMPT * (len(prompt.text) + len(form)) + _MORE_PROMPT
