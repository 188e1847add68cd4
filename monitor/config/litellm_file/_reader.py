"""Converts one deployment of a LiteLLM configuration, or gives the reason why it cannot be probed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from monitor.config._addresses import base_url
from monitor.config._catalogue import Catalogue, Entry
from monitor.config._errors import RefusedError
from monitor.config.litellm_file._keys import aws_key, key, reference, usual_variable
from monitor.config.litellm_file._values import (
    EMBEDDINGS,
    Deployment,
    Fields,
    KeyReference,
    UnsupportedDeploymentError,
    text,
)

_ALIASES: Mapping[str, str] = {
    "azure_ai": "",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "dashscope": "dashscope",
    "featherless_ai": "featherless",
    "fireworks_ai": "fireworks",
    "friendliai": "friendli",
    "github": "github-models",
    "jina_ai": "jina",
    "litellm_proxy": "litellm",
    "lm_studio": "lm-studio",
    "meta_llama": "",
    "nvidia_nim": "nvidia",
    "ollama_chat": "ollama",
    "together_ai": "together",
    "vercel_ai_gateway": "vercel",
}
"""LiteLLM's provider names that differ from the catalogue's. Empty: not supported, although a similar name is."""
_COMPATIBLE = frozenset(
    {"openai", "custom_openai", "openai_like", "hosted_vllm", "vllm", "llamafile", "lm_studio", "xinference"}
    | {"litellm_proxy", "docker_model_runner", "llama"}
)
"""Providers whose `api_base` is an OpenAI-compatible API."""
_INFERRED = (
    (re.compile(r"gpt-|o\d|chatgpt-|text-embedding-|ft:gpt-"), "openai"),
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"command"), "cohere"),
)
"""The providers of model names without a provider."""
_CHATS = frozenset({"openai_chat", "openai_embeddings", "openai_responses"})
_MODES = frozenset({"", "chat", "embedding", "responses"})
_NO_CHAT = re.compile(r"rerank|whisper|(^|[/-])tts|dall-e|gpt-image|moderation", re.IGNORECASE)
_PER_TOKEN = {"prompt": "input_cost_per_token", "completion": "output_cost_per_token"}
_MILLION = 1_000_000


class LiteLLMReader:
    """Converts one deployment."""

    def __init__(self, catalogue: Catalogue, name: str, params: Fields, info: Fields) -> None:
        self._catalogue = catalogue
        self._name = name
        self._params = params
        self._info = info
        self._theirs, self._model = "", text(params, "model")
        self._address = text(params, "api_base") or text(params, "base_url")

    def _split(self) -> tuple[str, str]:
        """LiteLLM's name of the provider, and the model's name without it."""
        model, custom = text(self._params, "model"), text(self._params, "custom_llm_provider")
        head, slash, rest = model.partition("/")
        if custom:
            return custom, rest if head == custom else model
        if slash:
            return head, rest
        inferred = next((provider for pattern, provider in _INFERRED if pattern.match(model)), None)
        if inferred is None:
            raise UnsupportedDeploymentError("names no provider; write litellm_params.model as provider/model")
        return inferred, model

    def deployment(self) -> Deployment:
        """The deployment. Raises UnsupportedDeploymentError with the reason if it cannot be probed."""
        if "*" in self._model or "*" in self._name:
            raise UnsupportedDeploymentError("is a wildcard: write an endpoint for each model that is to be watched")
        mode = text(self._info, "mode")
        if mode not in _MODES or _NO_CHAT.search(self._model):
            raise UnsupportedDeploymentError(
                f"is asked for {mode or 'something else than text'}; only chats and embeddings are probed"
            )
        self._theirs, self._model = self._split()
        provider = self._provider()
        match provider:
            case "azure":
                return self._azure()
            case "bedrock":
                return self._bedrock()
        return self._plain(provider)

    def _provider(self) -> str:
        """The catalogue's name of the provider."""
        ours = _ALIASES.get(self._theirs, self._theirs.replace("_", "-"))
        if self._theirs in _COMPATIBLE and (
            self._address or self._theirs not in {"openai", "lm_studio", "litellm_proxy"}
        ):
            return "openai"
        if ours not in self._catalogue.providers:
            raise UnsupportedDeploymentError(f"is at {self._theirs}, which Providerwatch does not support")
        return ours

    def _plain(self, provider: str) -> Deployment:
        """A deployment at a provider of the catalogue, or at a server with an OpenAI-compatible API."""
        entry = self._catalogue.providers[provider]
        own = self._own_address(entry, provider)
        if own is None and entry.base_url is None:
            raise UnsupportedDeploymentError(f"has no api_base; {entry.title} has an address for each account")
        is_copy = own is not None and entry.api in _CHATS
        api = self._api(entry, is_copy=is_copy)
        model = self._model.removeprefix("responses/")
        at_home = own is None or entry.is_at(own) or (entry.local and entry.api not in _CHATS)
        return Deployment(
            model_name=self._name,
            provider=provider,
            entry=entry if at_home else None,
            api=api,
            model=model,
            base_url=own,
            key=self._key("api_key", entry, provider, own),
            id=self._id(),
            pricing=self._pricing(),
        )

    def _api(self, entry: Entry, *, is_copy: bool) -> str:
        """The api: the catalogue's for the model, or the one for the mode."""
        known = self._catalogue.api(entry, self._model)
        mode = text(self._info, "mode")
        if entry.api not in _CHATS:
            if mode == "responses":
                raise UnsupportedDeploymentError(
                    "uses the Responses API, which is probed only at OpenAI and compatible servers"
                )
            if known != EMBEDDINGS and (mode == "embedding" or "embed" in self._model.lower()):
                raise UnsupportedDeploymentError(f"serves embeddings, which are not probed at {entry.title}")
            return known
        if mode == "responses" or self._model.startswith("responses/"):
            return "openai_responses"
        embeds = mode == "embedding" or (is_copy and not mode and "embed" in self._model.lower())
        return EMBEDDINGS if embeds else known

    def _own_address(self, entry: Entry, provider: str) -> str | None:
        """The base URL if it differs from the catalogue's. LiteLLM completes some addresses itself."""
        if self._theirs in _COMPATIBLE and not self._address and self._theirs != provider:
            raise UnsupportedDeploymentError("has no api_base, so its address is not in this file")
        address = self._checked(self._address)
        if address is None:
            return None
        if provider == "anthropic":
            address = f"{address.removesuffix('/messages').removesuffix('/v1')}/v1"
        if provider == "ollama":
            address = address.removesuffix("/v1").removesuffix("/api/chat")
        address = address.removesuffix("/chat/completions").removesuffix("/embeddings")
        return None if entry.base_url == address else address

    def _azure(self) -> Deployment:
        entry = self._catalogue.providers["azure"]
        address = self._checked(self._address)
        if address is None:
            raise UnsupportedDeploymentError(
                "has no api_base; write the resource's, such as https://NAME.openai.azure.com"
            )
        if text(self._params, "tenant_id") or text(self._params, "client_id"):
            raise UnsupportedDeploymentError(
                "fetches its tokens from Entra (tenant_id, client_id); write a key, or a token of its own"
            )
        host, versionless, _ = address.partition("/openai/v1")
        host = host.partition("/openai/")[0]
        version = "" if versionless else text(self._params, "api_version")
        token = text(self._params, "azure_ad_token")
        options: dict[str, object] = {"api_version": reference(version)} if version else {}
        if token:
            options["auth"] = "bearer"
        if re.match(r"20(1\d|2[0-3]|24-0[1-8])", version):
            options["include_usage"] = False
        model = self._model.removeprefix("responses/")
        if model != self._model or self._catalogue.api(entry, self._base_model()) != entry.api or self._embeds():
            raise UnsupportedDeploymentError(
                "serves embeddings or uses the Responses API, which are not probed at Azure"
            )
        return Deployment(
            model_name=self._name,
            provider="azure",
            entry=entry,
            api=entry.api,
            model=model,
            base_url=host,
            key=self._key("azure_ad_token" if token else "api_key", entry, "azure", None),
            provider_options=options,
            options=self._quirks(entry),
            id=self._id(),
            pricing=self._pricing(),
        )

    def _embeds(self) -> bool:
        return text(self._info, "mode") == "embedding" or "embed" in self._base_model().lower()

    def _base_model(self) -> str:
        """The model of an Azure deployment: `base_model` if given, else the deployment's name."""
        base = text(self._info, "base_model") or text(self._params, "base_model") or self._model
        return base.rpartition("/")[2]

    def _quirks(self, entry: Entry) -> Fields:
        """The quirks of the deployed model, if they differ from those for the deployment's name."""
        known = self._catalogue.quirks(entry, self._model, entry.api)
        wanted = self._catalogue.quirks(entry, self._base_model(), entry.api)
        return wanted if wanted != known else {}

    def _bedrock(self) -> Deployment:
        entry = self._catalogue.providers["bedrock"]
        model, region = self._model, text(self._params, "aws_region_name")
        if "embed" in model:
            raise UnsupportedDeploymentError("serves embeddings, which are not probed at Bedrock")
        model = re.sub(r"^(converse|converse_like|invoke)/", "", model)
        located = re.match(r"([a-z]{2}(?:-[a-z]+)+-\d)/(.+)", model)
        if located:
            region, model = located[1], located[2]
        address = self._checked(text(self._params, "aws_bedrock_runtime_endpoint") or self._address)
        region = region or ("" if address else "os.environ/AWS_REGION_NAME")  # LiteLLM's default
        if text(self._params, "aws_role_name") or text(self._params, "aws_profile_name"):
            raise UnsupportedDeploymentError(
                "uses a role or a profile of AWS; write keys of its own, or a bearer token"
            )
        where = f"https://bedrock-runtime.{reference(region)}.amazonaws.com"
        return Deployment(
            model_name=self._name,
            provider="bedrock",
            entry=entry,
            api=entry.api,
            model=model,
            base_url=address or where,
            key=aws_key(self._params),
            provider_options={"region": reference(region)} if region and (address or "os.environ" in region) else {},
            id=self._id(),
            pricing=self._pricing(),
        )

    def _key(self, name: str, entry: Entry, provider: str, address: str | None) -> KeyReference:
        return key(text(self._params, name), usual_variable(entry, provider, address))

    def _checked(self, value: str) -> str | None:
        """An address in the notation of the configuration; None if there is no address."""
        if not value:
            return None
        if value.startswith("os.environ/"):
            return reference(value)
        try:
            return base_url(value)
        except RefusedError as refused:
            raise UnsupportedDeploymentError(f"has an api_base that {refused.about(None)}") from None

    def _id(self) -> str | None:
        value = self._info.get("id")
        return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and str(value) else None

    def _pricing(self) -> Mapping[str, float]:
        """USD per million tokens; empty unless both prices are known."""
        found: dict[str, float] = {}
        for ours, theirs in _PER_TOKEN.items():
            value = self._params.get(theirs, self._info.get(theirs))
            if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
                found[ours] = round(value * _MILLION, 6)
        return found if len(found) == len(_PER_TOKEN) else {}
