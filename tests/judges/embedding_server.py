"""A process that serves the demo's real model on loopback for embeddings: the mean of what it makes of each token.

    python -m tests.judges.embedding_server

prints `{"address": …}` as its only line on stdout once it answers, and ends when its stdin does.
"""

from __future__ import annotations

import json
import os
import sys

import xllamacpp

from monitor.demo.model_server import find_model, threads

_STDOUT, _STDERR = 1, 2


def main() -> None:
    """Serve until stdin ends."""
    out = os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)  # what llama.cpp prints may not be read as the address
    params = xllamacpp.CommonParams()
    params.model.path = str(find_model())
    params.n_ctx = 1024
    params.cpuparams.n_threads = threads()
    params.verbosity = 1
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    with os.fdopen(out, "w") as line:
        json.dump({"address": server.listening_address}, line)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
