"""Reads a whole LiteLLM configuration. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from monitor.config._catalogue import Catalogue
from monitor.config._source import parse
from monitor.config.litellm_file._reader import LiteLLMReader
from monitor.config.litellm_file._values import (
    Deployment,
    Fields,
    Found,
    LeftOut,
    UnsupportedDeploymentError,
    mapping,
    text,
    words,
)

PLUGIN = "monitor.integrations.litellm.providerwatch"


def read_litellm(content: str, file: str, catalogue: Catalogue) -> Found:
    """Read the deployments. Raises ConfigError if the text is not YAML, ValueError if it is not LiteLLM's."""
    data = parse(content, file).data
    listed = data.get("model_list") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not (isinstance(listed, list) or words(data, "include")):
        raise ValueError("has no `model_list:`, so it is no configuration of LiteLLM's proxy with deployments")
    found = list(_all(listed if isinstance(listed, list) else [], _credentials(data), catalogue))
    callbacks = mapping(data, "litellm_settings").get("callbacks")
    return Found(
        deployments=tuple(item for item in found if isinstance(item, Deployment)),
        left_out=tuple(item for item in found if isinstance(item, LeftOut)),
        has_plugin=PLUGIN in (callbacks if isinstance(callbacks, list) else [callbacks]),
        includes=tuple(words(data, "include")),
    )


def _all(
    listed: list[object], credentials: Mapping[str, Fields], catalogue: Catalogue
) -> Iterator[Deployment | LeftOut]:
    for number, item in enumerate(listed, start=1):
        plain = item if isinstance(item, Mapping) else {}
        params = mapping(plain, "litellm_params")
        params = {**credentials.get(text(params, "litellm_credential_name"), {}), **params}
        name, model = text(plain, "model_name"), text(params, "model")
        if not model:
            yield LeftOut(model_name=name or f"number {number}", model="", why="has no litellm_params.model")
            continue
        try:
            yield LiteLLMReader(catalogue, name or model, params, mapping(plain, "model_info")).deployment()
        except UnsupportedDeploymentError as error:
            yield LeftOut(model_name=name or model, model=model, why=str(error))


def _credentials(data: Fields) -> Mapping[str, Fields]:
    """Shared parameters by credential name."""
    listed = data.get("credential_list")
    named = [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []
    return {text(item, "credential_name"): mapping(item, "credential_values") for item in named}
