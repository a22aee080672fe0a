"""The recorder: writes every event of a run to a file, as JSON Lines of CloudEvents."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from hookbus.bus.voice import Bus
from hookbus.envelope import Envelope
from hookbus.errors import ConfigurationError, Problem

BATCH = 64
CAPACITY = 4096


class Recorder:
    """Writes the events of one bus, in the order of their sequence.

    The subscription is lossless, so a slow disk slows publishers down and no event is left out.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self._file: IO[str] | None = None

    def open(self, bus: Bus) -> None:
        """Create the file and subscribe; raises `ConfigurationError` if it cannot be written."""
        try:
            self._file = self.path.open("w", encoding="utf-8", newline="\n")
        except OSError as error:
            reason = error.strerror or str(error)
            mend = "Choose a path in a folder that exists and that you may write to."
            raise ConfigurationError(
                [Problem(None, "events", str(self.path), reason, mend, source="--events")]
            ) from None
        bus.subscribe(
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
            self._file.writelines(f"{envelope.to_json()}\n" for envelope in envelopes)
            self.written += len(envelopes)

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
