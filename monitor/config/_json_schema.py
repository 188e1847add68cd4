"""The JSON Schema of the configuration, for editors. It has no checks across sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.config._schema import File, WithoutNull
from monitor.config._section import Section
from monitor.config.options import Extensions, FileSection, SinkSection


def json_schema(extensions: Extensions) -> dict[str, Any]:
    """The JSON Schema, with the options of every sink and format."""
    schema = File.model_json_schema(schema_generator=WithoutNull)
    parts = schema["$defs"]
    del parts["Provider"]["required"]  # the catalogue may provide it
    del parts[SinkSection.__name__], parts[FileSection.__name__]
    schema["properties"]["sinks"]["additionalProperties"] = _any_of(parts, "sink", "kind", extensions.sinks)
    parts["Publish"]["properties"]["files"]["items"] = _any_of(parts, "file", "format", extensions.formats)
    for name in extensions.sinks:
        parts[f"sink-{name}"]["required"].remove("kind")  # the sink's name may be its kind
    return {"$schema": WithoutNull.schema_dialect, **schema, "title": "Providerwatch"}


def _any_of(parts: dict[str, Any], what: str, key: str, kinds: Mapping[str, type[Section]]) -> dict[str, Any]:
    """A schema for one of several sections, selected by `key`. Their definitions are added to `parts`."""
    for name, kind in kinds.items():
        part = kind.model_json_schema(schema_generator=WithoutNull)
        part["properties"][key]["enum"] = [name]
        parts |= {**part.pop("$defs", {}), f"{what}-{name}": part}
    return {"anyOf": [{"$ref": f"#/$defs/{what}-{name}"} for name in kinds]}
