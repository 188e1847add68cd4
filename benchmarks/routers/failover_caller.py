"""Runs in LiteLLM's environment: sends requests through its router or its proxy at given times, and times picks.

The argument is JSON: `{"model_list", "settings", "plugin", "url", "token"}` for a router, `{"proxy", "key"}` for a
caller. It prints "ready", then answers lines of JSON: `{"at", "offsets"}` has a request made at each offset from a
moment of the monotonic clock, which all processes of a machine share, whether or not earlier ones have ended;
`{"picks"}` has as many picks timed, with and without the plug-in in turns.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

Ask: TypeAlias = Callable[[], Awaitable[str]]
"""Sends a request and returns the deployment that answered. Raises whatever LiteLLM raises."""

MODEL: Final = "llama"
# Short, since three model servers, LiteLLM and the rest share two cores, and the model's speed is not measured. Without
# a system message the model's template would add a longer one.
MESSAGES: Final = [{"role": "system", "content": "Hi."}, {"role": "user", "content": "Hello."}]
MOST_TOKENS: Final = 2
_TURN: Final = 100
"""Picks in a row: both ways of picking share the machine's noise."""


class Refused(Exception):  # noqa: N818  # its name is what the report shows
    """The proxy answered with an error; the text is the status code."""


async def paced(ask: Ask, start_s: float, offsets: Sequence[float]) -> list[Mapping[str, Any]]:
    """The record of each request. An open loop: requests do not wait for earlier answers."""
    tasks = []
    for offset in offsets:
        await asyncio.sleep(start_s + offset - time.monotonic())
        tasks.append(asyncio.create_task(_record(ask, start_s)))
    return await asyncio.gather(*tasks)


async def _record(ask: Ask, start_s: float) -> Mapping[str, Any]:
    began_s = time.monotonic()
    try:
        by, error = await ask(), None
    except Exception as raised:  # noqa: BLE001  # whatever LiteLLM raises is the answer
        by, error = None, str(raised) if isinstance(raised, Refused) else type(raised).__name__
    ended_s = time.monotonic()
    return {"at_s": began_s - start_s, "took_s": ended_s - began_s, "by": by, "error": error}


async def timed_picks(router: Any, plugins: list[Any], count: int) -> Mapping[str, list[float]]:  # noqa: ANN401  # LiteLLM's
    """Seconds of each pick, by way of picking."""
    import litellm  # noqa: PLC0415  # not there for the caller of a proxy that has it elsewhere

    found: dict[str, list[float]] = {"without": [], "with": []}
    for turn in range(2 * count // _TURN):
        way = ("without", "with")[turn % 2]
        litellm.callbacks = plugins if way == "with" else []
        for _ in range(_TURN):
            began_s = time.perf_counter()
            await router.async_get_available_deployment(MODEL, {}, messages=MESSAGES)
            found[way].append(time.perf_counter() - began_s)
            await asyncio.sleep(0)
    litellm.callbacks = plugins
    return found


def router_and_plugins(config: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """LiteLLM's router, and its plug-in if any."""
    import litellm  # noqa: PLC0415  # as above

    plugins = []
    if config["plugin"]:
        from monitor.integrations.litellm import Providerwatch  # noqa: PLC0415  # not without the plug-in

        plugins = [Providerwatch(config["url"], config["token"], report=config["plugin"] == "reports")]
        litellm.callbacks = list(plugins)
    return litellm.Router(model_list=config["model_list"], **config["settings"]), plugins


def by_router(router: Any) -> Ask:  # noqa: ANN401  # LiteLLM's
    """Requests through LiteLLM's router, in this process."""

    async def ask() -> str:
        answer = await router.acompletion(MODEL, messages=MESSAGES, max_tokens=MOST_TOKENS)
        return str(answer._hidden_params["model_id"])  # noqa: SLF001  # where LiteLLM puts it

    return ask


def by_proxy(session: Any, url: str, key: str) -> Ask:  # noqa: ANN401  # aiohttp's, of LiteLLM's environment
    """Requests through LiteLLM's proxy."""
    body = {"model": MODEL, "max_tokens": MOST_TOKENS, "messages": MESSAGES}

    async def ask() -> str:
        headers = {"Authorization": f"Bearer {key}"}
        async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as response:
            await response.read()
            if response.status != 200:
                raise Refused(str(response.status))
            return str(response.headers["x-litellm-model-id"])

    return ask


async def answer_lines(ask: Ask, picks: Callable[[int], Awaitable[object]] | None) -> None:
    """Handles each line of stdin and prints its result."""
    await ask()  # LiteLLM imports much at its first request
    print(json.dumps("ready"), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        wanted = json.loads(line)
        if picks is not None and "picks" in wanted:
            print(json.dumps(await picks(wanted["picks"])), flush=True)
        else:
            print(json.dumps(await paced(ask, wanted["at"], wanted["offsets"])), flush=True)


async def main() -> None:
    """Handles lines until stdin ends."""
    config = json.loads(sys.argv[1])
    if "proxy" in config:
        import aiohttp  # noqa: PLC0415  # the router does not need it here

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await answer_lines(by_proxy(session, config["proxy"], config["key"]), None)
        return
    router, plugins = router_and_plugins(config)
    await answer_lines(by_router(router), lambda count: timed_picks(router, plugins, count))


if __name__ == "__main__":
    asyncio.run(main())
