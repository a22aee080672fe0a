"""The watchdog: notices, from a thread of its own, when a plugin keeps the loop from running."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import FrameType

MOST_FRAMES = 12
"""Innermost frames that a report shows."""


@dataclass(frozen=True, slots=True)
class Blockage:
    """The loop stood still for `seconds`; `stack` is where, `plugin` whose code it was."""

    plugin: str
    seconds: float
    stack: str


def blame(modules: Iterable[str], homes: Mapping[str, str], owner: str | None) -> str | None:
    """The plugin that the innermost of `modules` belongs to, else the `owner` of the task.

    `homes` maps each plugin to the module, or the package, of its class; of several plugins with
    the same home it is the owner, if it is one of them.
    """
    for module in modules:
        near = {name: home for name, home in homes.items() if _is_within(module, home)}
        if near:
            longest = max(map(len, near.values()))
            found = [name for name, home in near.items() if len(home) == longest]
            return owner if owner in found else found[0]
    return owner


def _is_within(module: str, home: str) -> bool:
    return module == home or module.startswith(f"{home}.")


class Watchdog:
    """Pings the loop and reports when the answer takes longer than `limit` seconds.

    `blame(modules, task)` names the plugin for the modules on the stack, innermost first, and the
    running task. `on_blocked` is called from the thread as soon as it is noticed, `on_released` on
    the loop when it runs again.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limit: float,
        blame: Callable[[list[str], asyncio.Task[object] | None], str],
        on_blocked: Callable[[Blockage], None],
        on_released: Callable[[Blockage], None],
    ) -> None:
        self._loop = loop
        self._limit = limit
        self._blame = blame
        self._on_blocked = on_blocked
        self._on_released = on_released
        self._watched = threading.get_ident()
        self._ended = threading.Event()
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hookbus-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch the thread that made this object."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching, without waiting for an answer that the loop cannot give meanwhile."""
        self._ended.set()
        self._answered.set()
        self._thread.join(timeout=self._limit + 1)

    def _watch(self) -> None:
        while not self._ended.wait(self._limit / 4):
            answered = self._answered = threading.Event()
            began = time.monotonic()
            if self._ended.is_set():
                return
            try:
                self._loop.call_soon_threadsafe(answered.set)
            except RuntimeError:
                return
            if not answered.wait(self._limit) and not self._ended.is_set():
                self._blocked(answered, began)

    def _blocked(self, answered: threading.Event, began: float) -> None:
        plugin, stack = self._look()
        self._on_blocked(Blockage(plugin, time.monotonic() - began, stack))
        while not answered.wait(self._limit):
            pass
        if self._ended.is_set():
            return
        blockage = Blockage(plugin, time.monotonic() - began, stack)
        try:
            self._loop.call_soon_threadsafe(self._on_released, blockage)
        except RuntimeError:
            return

    def _look(self) -> tuple[str, str]:
        frame = sys._current_frames().get(self._watched)
        stack = "".join(traceback.format_stack(frame)[-MOST_FRAMES:])
        return self._blame(_modules(frame), asyncio.current_task(self._loop)), stack


def _modules(frame: FrameType | None) -> list[str]:
    modules = []
    while frame is not None:
        modules.append(str(frame.f_globals.get("__name__", "")))
        frame = frame.f_back
    return modules
