"""A thread that does blocking work for the event loop, one piece after another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue


class Worker:
    """Runs plain functions in a thread of its own, in order.

    The thread is a daemon: a reader that has stopped reading can keep it waiting for ever, but
    not keep the process from ending.
    """

    def __init__(self, name: str) -> None:
        self._inbox: SimpleQueue[tuple[Callable[[], None], Future[None]] | None] = SimpleQueue()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, call: Callable[[], None]) -> None:
        """Wait until the thread has run `call`; raises what it raises."""
        done: Future[None] = Future()
        self._inbox.put((call, done))
        await asyncio.wrap_future(done)

    def post(self, call: Callable[[], None]) -> None:
        """Have the thread run `call`, which must not raise, without waiting for it."""
        self._inbox.put((call, Future()))

    async def stop(self, limit: float) -> bool:
        """Let it end after the work it has; False when that took more than `limit` seconds."""
        self._inbox.put(None)
        await asyncio.wait({asyncio.wrap_future(self._ended)}, timeout=limit)
        if not self._ended.done():
            return False
        self._thread.join()
        return True

    def _work(self) -> None:
        for call, done in iter(self._inbox.get, None):
            if done.set_running_or_notify_cancel():
                try:
                    call()
                except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                    done.set_exception(error)
                else:
                    done.set_result(None)
        self._ended.set_result(None)
