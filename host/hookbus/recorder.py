"""The recorder: writes every event of a run to a file, as JSON Lines of CloudEvents."""

from __future__ import annotations

from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

from hookbus.bus.inline import InlineSubscription
from hookbus.bus.subscription import Subscription
from hookbus.bus.voice import Bus
from hookbus.envelope import Envelope
from hookbus.errors import ConfigurationError, Problem

BATCH = 64
CAPACITY = 4096


class Recorder:
    """Writes the events of one bus, in the order of their sequence.

    The subscription is lossless, so a slow disk slows publishers down and no event is left out.
    Where the file cannot be written any more, it ends after its last whole line, `error` says why,
    and what comes later is not recorded.
    """

    def __init__(self, path: Path, log: Any) -> None:
        self.path = path
        self.written = 0
        self.error: str | None = None
        self._log = log
        self._size = 0
        self._file: FileIO | None = None
        self._subscription: Subscription | InlineSubscription | None = None

    def open(self, bus: Bus) -> None:
        """Create the file and subscribe; raises `ConfigurationError` if it cannot be written."""
        try:
            self._file = FileIO(self.path, "w")
        except OSError as error:
            reason = in_short(error)
            mend = "Choose a path in a folder that exists and that you may write to."
            raise ConfigurationError(
                [Problem(None, "events", str(self.path), reason, mend, source="--events")]
            ) from None
        self._subscription = bus.subscribe(
            "*",
            self._write,
            name="recorder",
            delivery="lossless",
            envelope=True,
            batch=BATCH,
            capacity=CAPACITY,
        )

    async def _write(self, envelopes: list[Envelope]) -> None:
        if self._file is not None:
            lines = "".join(f"{envelope.to_json()}\n" for envelope in envelopes)
            self._append(self._file, lines.encode())

    def _append(self, file: FileIO, lines: bytes) -> None:
        done = 0
        try:
            while done < len(lines):
                done += file.write(lines[done:]) or 0
        except OSError as error:
            whole = lines.rfind(b"\n", 0, done) + 1
            self._count(lines[:whole])
            # A device or a pipe cannot be cut; the reader of either has seen the rest already.
            with suppress(OSError):
                file.truncate(self._size)
            self._fail(error)
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
        """Finish the file."""
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
