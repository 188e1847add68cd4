"""From the configuration to sinks."""

from __future__ import annotations

from pathlib import Path

from monitor.config import Config, EndpointSpec, InfluxSpec, NdjsonSpec
from monitor.sinks import create_sinks
from monitor.sinks._lines import LineOrigin
from monitor.sinks.influx import InfluxSink
from monitor.sinks.ndjson import NdjsonSink
from probes._model import Endpoint


def test_every_sink_that_is_configured_is_made_under_its_name() -> None:
    endpoint = Endpoint(id="mine", provider="groq", model="llama-8b", api="openai_chat", base_url="http://h")
    config = Config(
        providers={},
        endpoints=(EndpointSpec(endpoint=endpoint, model="meta/llama", probes=()),),
        probes={},
        sinks=(
            InfluxSpec(name="vm", url="http://h", bucket="b"),
            NdjsonSpec(name="lines", path=Path("a")),
        ),
    )
    influx, ndjson = create_sinks(config)
    assert isinstance(influx, InfluxSink)
    assert isinstance(ndjson, NdjsonSink)
    assert (influx.name, ndjson.name) == ("vm", "lines")
    assert influx._origins == {"mine": LineOrigin(provider="groq", model="meta/llama")}
