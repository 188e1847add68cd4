"""Runs in LiteLLM's environment: a real router with the plug-in, asked by lines of JSON.

Its argument is LiteLLM's configuration as JSON. A line `{"times": N, "stream": bool}` makes requests; the answer
is a line with the id of the deployment that answered each, or the name of the exception. It begins with "ready".
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import litellm

MESSAGES = [{"role": "user", "content": "Say hello."}]


async def ask(router: Any, stream: bool) -> str:
    try:
        answer = await router.acompletion("llama", messages=MESSAGES, max_tokens=4, stream=stream)
        if stream:
            async for _ in answer:
                pass
        return str(answer._hidden_params["model_id"])
    except Exception as error:  # noqa: BLE001  # whatever LiteLLM raises is the answer
        return type(error).__name__


async def main() -> None:
    config = json.loads(sys.argv[1])
    if config["plugin"]:
        from monitor.integrations.litellm import Providerwatch  # noqa: PLC0415  # not without the plug-in

        litellm.callbacks = [Providerwatch(config["url"], config["token"])]
    router = litellm.Router(model_list=config["model_list"], num_retries=0, disable_cooldowns=True)
    print(json.dumps("ready"), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        wanted = json.loads(line)
        answers = [await ask(router, wanted["stream"]) for _ in range(wanted["times"])]
        print(json.dumps(answers), flush=True)


asyncio.run(main())
