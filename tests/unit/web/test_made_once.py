"""What takes long is made when it is asked for, beside the loop, and once for all."""

from __future__ import annotations

import asyncio
import threading

from monitor.web.made_once import MadeOnce
from monitor.web.responses import Document, ready


async def test_many_who_ask_at_once_get_the_same_document_which_another_thread_made() -> None:
    threads: list[int] = []

    def make() -> Document:
        threads.append(threading.get_ident())
        return ready(b"{}")

    made = MadeOnce(make)
    assert threads == []
    found = await asyncio.gather(*(made.document() for _ in range(3)))
    assert {id(document) for document in found} == {id(await made.document())}
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
