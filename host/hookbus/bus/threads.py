"""Threads for handlers that are plain functions: one worker per subscription.

A thread cannot be cancelled. One that hangs is left behind and replaced, so that it holds up no
other subscription; after `MOST_LEFT_BEHIND` of them the subscription is given up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any

from hookbus.bus.delivery import refuse_coroutine
from hookbus.containment.contained import FAILURES
from hookbus.containment.limits import MOST_LEFT_BEHIND, HandlerSwallowedCancellation
from hookbus.envelope import Envelope, current_envelope


class ThreadWork:
    """A slice of events that a thread works through."""

    def __init__(self, envelopes: Sequence[Envelope]) -> None:
        self.envelopes = list(envelopes)
        self.finished: asyncio.Future[None]
        self._handled = 0
        self._failures: list[tuple[Envelope, BaseException]] = []
        self._ending = False
        self._stopped = False
        self._lock = threading.Lock()

    def run(self, handler: Callable[[Any], Any], *, whole: bool) -> None:
        """Handle one event after the other, in the thread, until told to stop."""
        for envelope in self.envelopes:
            if self._ending:
                return
            current_envelope.set(envelope)
            error = _try(handler, envelope if whole else envelope.event)
            with self._lock:
                if self._stopped:
                    return
                self._handled += 1
                if error is not None:
                    self._failures.append((envelope, error))

    def in_hand(self) -> list[Envelope]:
        """The envelope that the thread is working on, if any."""
        return self.envelopes[self._handled : self._handled + 1]

    def begin_no_more(self) -> None:
        """Let the thread end after the event in hand, which still counts."""
        self._ending = True

    def stop(self) -> tuple[int, list[tuple[Envelope, BaseException]]]:
        """Let the thread begin nothing more; how many events it has handled, and the failures."""
        with self._lock:
            self._ending = self._stopped = True
            return self._handled, self._failures


def _try(handler: Callable[[Any], Any], argument: Any) -> BaseException | None:
    try:
        if (answer := handler(argument)) is not None:
            refuse_coroutine(answer)
    except FAILURES as error:
        return error
    return None


class _Pool:
    """Daemon threads that take calls from one queue: one that hangs does not outlive the program.

    The threads of a `ThreadPoolExecutor` are joined when the interpreter ends, however long that
    takes.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        """Have a thread make a call."""
        future: Future[Any] = Future()
        self._calls.put((future, call))
        if len(self._threads) < self._most:
            name = f"{self._name}_{len(self._threads)}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """Let each thread end after what it is doing."""
        for _ in self._threads:
            self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            future, call = item
            if future.set_running_or_notify_cancel():
                _answer(future, call)
            del item, future, call


def _answer(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - raised again where the answer is awaited
        future.set_exception(error)
    else:
        future.set_result(result)


class ThreadCaller:
    """The worker threads of one subscription."""

    def __init__(self, handler: Callable[[Any], Any], name: str, workers: int = 1) -> None:
        self._handler = handler
        self._name = name
        self._workers = workers
        self._pool: _Pool | None = None
        self._left_behind = 0

    def _submit(self, call: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        if self._pool is None:
            self._pool = _Pool(self._workers, self._name)
        return asyncio.wrap_future(self._pool.submit(partial(copy_context().run, call, *arguments)))

    async def call(self, argument: Any) -> None:
        """Call the handler once; a cancelled call leaves its thread behind."""
        try:
            error = await self._submit(_try, self._handler, argument)
        except asyncio.CancelledError:
            self.renew()
            raise
        if error is not None:
            raise error

    def begin(self, envelopes: Sequence[Envelope], *, whole: bool) -> ThreadWork:
        """Start on a slice of events; await `finished` of what is returned."""
        work = ThreadWork(envelopes)
        work.finished = self._submit(lambda: work.run(self._handler, whole=whole))
        return work

    def renew(self) -> None:
        """Replace the threads; raises `HandlerSwallowedCancellation` when it happens too often."""
        self.close()
        self._left_behind += 1
        if self._left_behind > MOST_LEFT_BEHIND:
            raise HandlerSwallowedCancellation

    def close(self) -> None:
        """Let the threads end once they have finished what they do."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
