"""The keeper: it carries the controller's state over a restart, however the run ends."""

from __future__ import annotations

import asyncio
from typing import Any

from hookbus import Clock

from hookbus_msc.controller import Controller
from hookbus_msc.statefile import StateFile, UnusableState

__all__ = ["Keeper"]


class Keeper:
    """Restores a controller, and writes its state.

    The mode, pins, and the moment at which an input stopped being calm are written before anybody
    hears of them, so that no kill makes the next run relax earlier. All else is written now and
    then. `failures` counts writings that did not succeed.
    """

    def __init__(self, controller: Controller, file: StateFile, clock: Clock, log: Any) -> None:
        self._controller = controller
        self._file = file
        self._clock = clock
        self._log = log
        self._taken = 0
        self._level = -1
        self._seen = 0
        self._failing = False
        self.failures = 0

    def restore(self) -> None:
        """Take up the state of an earlier run; one that cannot be used is put aside and told."""
        try:
            state = self._file.read()
        except UnusableState as error:
            kept = self._file.put_aside()
            self._log.warning(
                "state file cannot be used: the policy begins as defensive",
                file=str(self._file.path),
                reason=str(error),
                kept=None if kept is None else str(kept),
            )
            self._controller.distrust(f"{self._file.path.name}: {error}")
            return
        if state is not None:
            self._controller.restore(state, self._clock.now_ns())
            self._log.info("state restored", file=str(self._file.path), mode=state.mode)

    def follow(self) -> None:
        """Save if the level has changed, or the calm that was written has ended."""
        ratchet = self._controller.ratchet
        if ratchet.level != self._level or ratchet.seen < self._seen:
            self.save()

    def save(self) -> None:
        """Write the state now."""
        self._write(*self._take())

    async def run(self, seconds: float) -> None:
        """Write the state every so many seconds, in a thread, for as long as nobody cancels it."""
        while True:
            await self._clock.sleep(seconds)
            await asyncio.to_thread(self._write, *self._take())

    def _take(self) -> tuple[Any, int]:
        controller = self._controller
        self._taken += 1
        self._level, self._seen = controller.ratchet.level, controller.ratchet.seen
        return controller.state(self._clock.now_ns()), self._taken

    def _write(self, state: Any, number: int) -> None:
        try:
            self._file.write(state, number)
        except OSError as error:
            self.failures += 1
            if not self._failing:
                self._log.error("state is not saved", file=str(self._file.path), reason=str(error))
            self._failing = True
        else:
            self._failing = False

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: writings that did not succeed, where there are any."""
        return (("State not saved", f"{self.failures:,} times"),) if self.failures else ()
