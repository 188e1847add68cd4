"""From the configuration to sinks."""

from __future__ import annotations

from monitor.config import Config, EndpointSpec
from monitor.sinks import SampleOrigin, create_sinks
from monitor.sinks.influx import Influx, InfluxSink
from monitor.sinks.ndjson import Ndjson, NdjsonSink
from probes._model import Endpoint


def test_every_sink_that_is_configured_is_made_under_its_name() -> None:
    endpoint = Endpoint(id="mine", provider="groq", model="llama-8b", api="openai_chat", base_url="http://h")
    config = Config(
        providers={},
        endpoints=(EndpointSpec(endpoint=endpoint, model="meta/llama", probes=()),),
        probes={},
        sinks={
            "vm": Influx.model_validate({"kind": "influx", "url": "http://h", "bucket": "b"}),
            "lines": Ndjson.model_validate({"kind": "ndjson", "path": "a"}),
        },
    )
    influx, ndjson = create_sinks(config)
    assert isinstance(influx, InfluxSink)
    assert isinstance(ndjson, NdjsonSink)
    assert (influx.name, ndjson.name) == ("vm", "lines")
    assert influx._origins == {"mine": SampleOrigin(provider="groq", model="meta/llama")}
