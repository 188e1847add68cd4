"""Reports which of LiteLLM's deployments have scores: once per model, and again after a change. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from monitor.integrations._choice import name_of

Deployment: TypeAlias = Mapping[str, Any]

_MOST_MODELS = 1_000
"""Further models are ignored: a proxy with wildcards may have any number."""
_MOST_NAMES = 5
_REMEDY = "give each a `model_info.id` that an endpoint's `router_ids: {litellm: …}` names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A log message about one model."""

    words: str
    is_warning: bool


class Coverage:
    """The deployments seen of each model, and whether each has an endpoint."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, tuple[bool, str]]] = {}

    def look(self, model: str, deployments: Iterable[Deployment], known: Container[str]) -> Notice | None:
        """Record a pick; None if nothing changed. LiteLLM omits deployments in cooldown."""
        seen = self._seen.get(model)
        if seen is None:
            if len(self._seen) >= _MOST_MODELS:
                return None
            seen = self._seen[model] = {}
        news = False
        for deployment in deployments:
            name = name_of(deployment.get("model_info") or {})
            before = seen.get(name)
            if before is None or before[0] is not (name in known):
                seen[name] = name in known, str((deployment.get("litellm_params") or {}).get("model", ""))
                news = True
        return _notice(model, seen) if news else None


def _notice(model: str, seen: Mapping[str, tuple[bool, str]]) -> Notice:
    unknown = [f"{name} ({theirs})" if theirs else name for name, (is_known, theirs) in seen.items() if not is_known]
    followed = f"{len(seen) - len(unknown)} of {len(seen)} deployment{'' if len(seen) == 1 else 's'} of {model}"
    if not unknown:
        return Notice(words=f"following {followed}", is_warning=False)
    if len(unknown) == len(seen):
        words = f"following none of the {followed.partition(' of ')[2]}; unknown: {_listed(unknown)}; {_REMEDY}"
        return Notice(words=words, is_warning=True)
    return Notice(words=f"following {followed}; unknown: {_listed(unknown)}; {_REMEDY}", is_warning=True)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
