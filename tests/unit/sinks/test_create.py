"""From the configuration to sinks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from monitor.config import Config, EndpointSpec
from monitor.sinks import SampleOrigin, SampleOrigins, create_sinks, origins_of
from monitor.sinks.influx import Influx, InfluxSink
from monitor.sinks.ndjson import Ndjson, NdjsonSink
from probes._model import Endpoint

INFLUX = {"kind": "influx", "url": "http://h", "bucket": "b", "token": "s3cret"}


def spec(name: str, model: str = "meta/llama") -> EndpointSpec:
    endpoint = Endpoint(id=name, provider="groq", model="llama-8b", api="openai_chat", base_url="http://h")
    return EndpointSpec(endpoint=endpoint, model=model, probes=())


def config_of(*specs: EndpointSpec, path: str = "a", **influx: Any) -> Config:
    return Config(
        providers={},
        endpoints=specs,
        probes={},
        sinks={
            "vm": Influx.model_validate(INFLUX | influx),
            "lines": Ndjson.model_validate({"kind": "ndjson", "path": path}),
        },
    )


def test_every_sink_that_is_configured_is_made_under_its_name() -> None:
    config, origins = config_of(spec("mine")), SampleOrigins({})
    influx, ndjson = [created.sink for created in create_sinks(config, origins)]
    assert isinstance(influx, InfluxSink)
    assert isinstance(ndjson, NdjsonSink)
    assert (influx.name, ndjson.name) == ("vm", "lines")
    assert influx._origins is origins


def test_a_sink_whose_name_and_options_stay_is_kept_and_any_other_is_made_anew() -> None:
    origins = SampleOrigins({})
    running = create_sinks(config_of(spec("mine")), origins)
    assert create_sinks(config_of(spec("other")), origins, running) == running
    for changed in (config_of(token="n3w"), config_of(timeout="3s"), config_of(url="http://i")):
        influx, ndjson = create_sinks(changed, origins, running)
        assert influx.sink is not running[0].sink
        assert ndjson is running[1]
    renamed = replace(config_of(), sinks={"files": running[1].options})
    (files,) = create_sinks(renamed, origins, running)
    assert files.sink.name == "files"


def test_origins_are_those_of_the_endpoints_that_are_configured_now() -> None:
    origins = SampleOrigins({})
    assert dict(origins) == {}
    origins.apply(origins_of(config_of(spec("mine"), spec("other", "qwen/qwen3"))))
    assert dict(origins) == {
        "mine": SampleOrigin(provider="groq", model="meta/llama"),
        "other": SampleOrigin(provider="groq", model="qwen/qwen3"),
    }
    origins.apply(origins_of(config_of(spec("mine", "meta/llama-3"))))
    assert (len(origins), origins["mine"].model) == (1, "meta/llama-3")
