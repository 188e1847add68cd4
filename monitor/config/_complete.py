"""Adds defaults from the catalogue to the providers in a document: api, address, key, options.

Values in the file override the catalogue. Options are merged in this order, and later ones override earlier ones: the
catalogue's provider, the catalogue's models, the file's provider, the file's endpoint. A key is read from the
environment only for an address of the catalogue's provider.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from monitor.config._catalogue import Catalogue, Entry, joined
from monitor.config._document import ConfigDocument
from monitor.config._errors import Position, Problem, RefusedError
from monitor.config._values import secret
from monitor.schema.place import Place


def complete(document: ConfigDocument, catalogue: Catalogue, env: Mapping[str, str]) -> ConfigDocument:
    """Complete the catalogue's providers and their endpoints. A value that is still missing is a problem."""
    written = document.at(("providers",))
    if not isinstance(document.data, Mapping) or not (isinstance(written, Mapping) or _absent(document)):
        return document
    filling = _Filling(document, catalogue, env)
    providers = filling.providers()
    data = {**document.data, "providers": providers}
    if "models" in data:
        data["models"] = filling.models()
    return replace(
        document,
        data=data,
        keys={**filling.positions, **document.keys},
        values={**filling.positions, **document.values},
        secrets=document.secrets | filling.secrets,
        broken=document.broken | filling.broken,
        problems=(*document.problems, *filling.problems),
    )


def endpoints(document: ConfigDocument) -> Iterator[Place]:
    """The places of all endpoints."""
    for model in document.children("models"):
        yield from document.children(*model, "endpoints")


def _absent(document: ConfigDocument) -> bool:
    return ("providers",) not in document.values


class _Filling:
    """One pass over providers and endpoints. Records which values were added and which are missing."""

    def __init__(self, document: ConfigDocument, catalogue: Catalogue, env: Mapping[str, str]) -> None:
        self.positions: dict[Place, Position] = {}
        self.secrets: set[Place] = set()
        self.broken: set[Place] = set()
        self.problems: list[Problem] = []
        self._document = document
        self._catalogue = catalogue
        self._env = env
        self._uses = _first_uses(document)

    def providers(self) -> dict[str, object]:
        """All providers that the file defines or uses; those in the catalogue are completed."""
        written = self._document.mapping("providers")
        result = dict(written)
        for name in {**written, **self._uses}:
            entry = self._catalogue.providers.get(name)
            if entry is not None and isinstance(written.get(name, {}), Mapping):
                result[name] = self._provider(name, entry)
        return result

    def _provider(self, name: str, entry: Entry) -> dict[str, object]:
        place: Place = ("providers", name)
        written = self._document.mapping(*place)
        if place not in self._document.values:
            self.positions[place] = self._document.position(self._uses[name])
        filled = {"api": entry.api, "name": entry.title, **written}
        if entry.base_url is not None:
            filled = {"base_url": entry.base_url, **filled}
        elif "base_url" not in written:
            self._miss(name, f"needs its address, such as {entry.hint}; write it as", "base_url")
            self.broken.add((*place, "base_url"))
        options = written.get("options", {})
        if filled["api"] == entry.api and isinstance(options, Mapping):
            filled["options"] = {**entry.options, **options}
        if "api_key" not in written and name in self._uses and entry.is_at(filled.get("base_url")):
            filled |= self._key(name, entry)
        return filled

    def _key(self, name: str, entry: Entry) -> dict[str, object]:
        """The provider's key from the environment; empty if there is no usable key."""
        found = entry.key(self._env)
        if found is None:
            if entry.keys and not entry.key_optional:
                variables = joined(entry.keys)
                self._miss(name, f"has no key; set {variables} in the environment, or write it as", "api_key")
            return {}
        variables, value = found
        self.secrets.add(("providers", name, "api_key"))
        try:
            secret(value)
        except RefusedError as refused:
            self._refuse(name, f"has no usable key: {joined([variables])} {refused.message}")
            return {}
        return {"api_key": value}

    def _miss(self, name: str, what: str, key: str) -> None:
        written = ("providers", name) in self._document.values
        self._refuse(name, f"{what} `{key}:`" if written else f"{what} `providers: {{{name}: {{{key}: …}}}}`")

    def _refuse(self, name: str, why: str) -> None:
        """Report a problem of a provider at its definition, or at its first use if the file does not define it."""
        place: Place = ("providers", name)
        if place in self._document.values:
            self.problems.append(self._document.problem(place, RefusedError(why)))
        else:
            self.problems.append(self._document.problem(self._uses[name], RefusedError(f"{{value}} {why}")))

    def models(self) -> object:
        """All models. Endpoints at the catalogue's providers get the quirks of their model."""
        models = self._document.at(("models",))
        if not isinstance(models, Mapping):
            return models
        return {name: self._model(("models", name), model) for name, model in models.items()}

    def _model(self, place: Place, model: object) -> object:
        written = self._document.at((*place, "endpoints"))
        if not isinstance(model, Mapping) or not isinstance(written, list):
            return model
        return {**model, "endpoints": [self._endpoint(endpoint) for endpoint in written]}

    def _endpoint(self, endpoint: object) -> object:
        if not isinstance(endpoint, Mapping):
            return endpoint
        name, model = endpoint.get("provider"), endpoint.get("model")
        if not (isinstance(name, str) and isinstance(model, str) and name in self._catalogue.providers):
            return endpoint
        return self._with_quirks(endpoint, name, model)

    def _with_quirks(self, endpoint: Mapping[str, object], name: str, model: str) -> Mapping[str, object]:
        """An endpoint with the options that its model needs, and with its api if that differs from the provider's."""
        entry, provider = self._catalogue.providers[name], self._document.mapping("providers", name)
        provider_api = provider.get("api", entry.api)
        known = provider_api if "api" in provider else self._catalogue.api(entry, model)
        api, options = endpoint.get("api", known), endpoint.get("options", {})
        if not isinstance(options, Mapping) or not isinstance(api, str):
            return endpoint
        over = self._document.mapping("providers", name, "options") if api == provider_api else {}
        quirks = self._catalogue.quirks(entry, model, api)
        filled = {**endpoint, "options": {**{key: quirks[key] for key in quirks if key not in over}, **options}}
        return filled if api == provider_api else {**filled, "api": api}


def _first_uses(document: ConfigDocument) -> dict[str, Place]:
    """For each provider, the place where an endpoint first uses it."""
    found: dict[str, Place] = {}
    for endpoint in endpoints(document):
        place = (*endpoint, "provider")
        name = document.at(place)
        if isinstance(name, str) and not document.is_broken(place):
            found.setdefault(name, place)
    return found
