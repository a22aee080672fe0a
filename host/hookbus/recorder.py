"""The recorder: writes every event of a run to a file, as JSON Lines of CloudEvents."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

from hookbus.bus.inline import InlineSubscription
from hookbus.bus.voice import Bus
from hookbus.clock import Clock, SimulatedClock
from hookbus.envelope import Envelope
from hookbus.errors import ConfigurationError, Problem

BATCH = 512
"""Events that are written at once at most."""


class Recorder:
    """Writes the events of one bus, in the order in which they are dispatched.

    That is the order of their sequence, but for durable events, which are committed first.

    Events are kept until the event loop has its next turn; in a simulation that does not keep pace
    with real time, until there are `BATCH` of them. Where the file cannot be written any more, it
    ends after its last whole line, `error` says why, and what comes later is not recorded.
    """

    def __init__(self, path: Path, log: Any) -> None:
        self.path = path
        self.written = 0
        self.error: str | None = None
        self._log = log
        self._size = 0
        self._file: FileIO | None = None
        self._kept: list[Envelope] = []
        self._timely = True
        self._subscription: InlineSubscription | None = None

    def open(self, bus: Bus, clock: Clock) -> None:
        """Create the file and subscribe; raises `ConfigurationError` if it cannot be written."""
        try:
            self._file = FileIO(self.path, "w")
        except OSError as error:
            reason = in_short(error)
            mend = "Choose a path in a folder that exists and that you may write to."
            raise ConfigurationError(
                [Problem(None, "events", str(self.path), reason, mend, source="--events")]
            ) from None
        self._timely = not isinstance(clock, SimulatedClock) or clock.pace is not None
        subscription = bus.subscribe("*", self._keep, name="recorder", mode="inline", envelope=True)
        if isinstance(subscription, InlineSubscription):
            self._subscription = subscription

    def _keep(self, envelope: Envelope) -> None:
        self._kept.append(envelope)
        if len(self._kept) >= BATCH:
            self.flush()
        elif self._timely and len(self._kept) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Write what has been kept; what cannot be written counts as given up."""
        envelopes, self._kept = self._kept, []
        if self._file is None or not envelopes:
            return
        before = self.written
        lines = "".join(f"{envelope.to_json()}\n" for envelope in envelopes)
        try:
            self._append(self._file, lines.encode())
        except OSError as error:
            self._fail(error)
            if self._subscription is not None:
                lost = envelopes[self.written - before :]
                self._subscription.give_up(lost, in_short(error), attempts=1)

    def _append(self, file: FileIO, lines: bytes) -> None:
        done = 0
        try:
            while done < len(lines):
                done += file.write(lines[done:]) or 0
        except OSError:
            whole = lines.rfind(b"\n", 0, done) + 1
            self._count(lines[:whole])
            # A device or a pipe cannot be cut; the reader of either has seen the rest already.
            with suppress(OSError):
                file.truncate(self._size)
            raise
        self._count(lines)

    def _count(self, lines: bytes) -> None:
        self.written += lines.count(b"\n")
        self._size += len(lines)

    def _fail(self, error: OSError) -> None:
        self.error = f"{self.path} is incomplete: {in_short(error)}, after {self.written:,} events"
        self._log.error("recording has ended", reason=self.error)
        if self._subscription is not None:
            self._subscription.close()

    def close(self) -> None:
        """Write what is left, and finish the file."""
        self.flush()
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        except OSError as error:
            self._fail(error)


def in_short(error: OSError) -> str:
    """What the operating system says, without number and path."""
    return error.strerror or str(error)
