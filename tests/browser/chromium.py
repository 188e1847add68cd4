"""A real Chromium, driven over its DevTools protocol: tabs, sizes, themes, screenshots, and what it complains about."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

PATIENT_S: Final = 60.0
"""Upper bound of every wait: reached only when something is broken."""
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


@dataclass
class Tab:
    """One page, and everything that it complained about."""

    socket: ClientWebSocketResponse
    complaints: list[str] = field(default_factory=list)
    _waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _loaded: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Take answers and events until the tab is closed."""
        async for message in self.socket:
            if message.type is not WSMsgType.TEXT:
                break
            self._take(json.loads(message.data))

    def _take(self, event: Mapping[str, Any]) -> None:
        if "id" in event:
            waiting = self._waiting.pop(event["id"])
            if not waiting.done():
                waiting.set_result(event)
            return
        given = event["params"]
        match event["method"]:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(given["exceptionDetails"])[:600])
            case "Runtime.consoleAPICalled" if given["type"] in {"error", "warning", "assert"}:
                self.complaints.append(json.dumps(given["args"])[:600])
            case "Log.entryAdded" if given["entry"]["level"] in {"error", "warning"}:
                self.complaints.append(f"{given['entry']['text']} {given['entry'].get('url', '')}")

    async def ask(self, method: str, **params: Any) -> Mapping[str, Any]:
        """The result of a command."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENT_S):
            answer = await self._waiting[number]
        assert "error" not in answer, (method, answer)
        result: Mapping[str, Any] = answer["result"]
        return result

    async def open(self, url: str) -> None:
        """Open an address, and wait until it is loaded."""
        self._loaded.clear()
        await self.ask("Page.navigate", url=url)
        async with asyncio.timeout(PATIENT_S):
            await self._loaded.wait()

    async def run(self, script: str) -> Any:
        """The value of an expression, a promise's too."""
        answer = await self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until an expression is true."""
        async with asyncio.timeout(PATIENT_S):
            while not await self.run(condition):
                await asyncio.sleep(0.05)

    async def size(self, width: int, height: int = 900) -> None:
        """The window's size in CSS pixels."""
        await self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )

    async def theme(self, theme: str, *, reduced_motion: bool = False) -> None:
        """`light` or `dark`."""
        motion = "reduce" if reduced_motion else "no-preference"
        features = [
            {"name": "prefers-color-scheme", "value": theme},
            {"name": "prefers-reduced-motion", "value": motion},
        ]
        await self.ask("Emulation.setEmulatedMedia", features=features)

    async def without_scripts(self) -> None:
        """No script of the next pages runs."""
        await self.ask("Emulation.setScriptExecutionDisabled", value=True)

    async def screenshot(self, path: Path) -> None:
        """The whole page."""
        content = (await self.ask("Page.getLayoutMetrics"))["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": content["width"], "height": min(content["height"], 6000), "scale": 1}
        shot = await self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@dataclass(frozen=True)
class Browser:
    """A running Chromium."""

    session: ClientSession
    port: int

    @asynccontextmanager
    async def tab(self, *, width: int = 1280, theme: str = "light", scripts: bool = True) -> AsyncIterator[Tab]:
        """A new tab."""
        async with self.session.put(f"http://127.0.0.1:{self.port}/json/new?about:blank") as response:
            made = json.loads(await response.read())
        async with self.session.ws_connect(made["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.ask(f"{domain}.enable")
            await tab.size(width)
            await tab.theme(theme)
            if not scripts:
                await tab.without_scripts()
            try:
                yield tab
            finally:
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening
        async with self.session.get(f"http://127.0.0.1:{self.port}/json/close/{made['id']}") as response:
            await response.read()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium with a profile of its own, ended when the block ends."""
    program = shutil.which("chromium")
    assert program is not None, "Chromium is missing: run `make browser`"
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program,
            *_FLAGS,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "TZ": "Europe/Berlin"},
        )
        try:
            async with asyncio.timeout(PATIENT_S):
                port = await _port(Path(profile) / "DevToolsActivePort")
            async with ClientSession() as session:
                yield Browser(session, port)
        finally:
            process.terminate()
            await process.wait()


async def _port(file: Path) -> int:
    while True:
        with suppress(OSError, ValueError, IndexError):
            return int(file.read_text().splitlines()[0])
        await asyncio.sleep(0.05)
