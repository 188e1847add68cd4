"""Checks a provider's token counts against the prompt and the streamed answer. Pure.

Token counts decide costs and budgets, so impossible counts are ignored. The bounds are wide: tokenizers differ,
templates and gateways add to the prompt, and some models reason beyond their limit.
"""

from __future__ import annotations

import json
from dataclasses import replace

from probes._meter import Reading
from probes._model import Probe, Prompt, Usage

_TIMES_OUTPUT = 2
_MORE_OUTPUT = 1024
"""Allowance for hidden reasoning and for the wrapping of tool calls, besides twice the requested or streamed tokens."""
_TIMES_PROMPT = 4
_MORE_PROMPT = 8192
"""Allowance for a gateway's system prompt and the template of tools, besides four times the sent characters."""


def plausible_usage(
    usage: Usage | None, codec: Probe, prompt: Prompt, reading: Reading
) -> tuple[Usage | None, str | None]:
    """The usage with plausible counts, and a note about impossible counts, if any.

    An impossible prompt count is replaced with the bound of the sent prompt, an impossible output count with None.
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
    return kept, f"impossible usage ignored: {words}" if wrong else None


def is_cut(usage: Usage | None, codec: Probe, prompt: Prompt) -> bool:
    """Whether an answer used all of its allowed tokens. Then it was cut, even if its finish reason says otherwise."""
    # Some APIs count the end token. A longer answer was not limited, and so not cut.
    return usage is not None and usage.output is not None and 0 <= usage.output - codec.most_tokens(prompt) <= 1


def _is_possible(count: object, bound: int) -> bool:
    # A codec may be a third party's.
    return isinstance(count, int) and 0 <= count <= bound


def _part(count: int | None, whole: int | None, bound: int) -> int | None:
    """The count of a part, if it is not larger than the whole or, without a plausible whole, than the bound."""
    return count if _is_possible(count, whole if whole is not None and _is_possible(whole, bound) else bound) else None


def _output_bound(codec: Probe, prompt: Prompt, reading: Reading) -> int:
    # A token is at least one character, except in exotic scripts, whose characters take up to four tokens.
    streamed = sum(event.size for event in reading.content)
    return _TIMES_OUTPUT * max(codec.most_tokens(prompt), streamed) + _MORE_OUTPUT


def _prompt_bound(prompt: Prompt) -> int:
    form = json.dumps(dict(prompt.form.schema)) if prompt.form is not None else ""
    return _TIMES_PROMPT * (len(prompt.text) + len(form)) + _MORE_PROMPT
