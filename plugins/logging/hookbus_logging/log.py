"""The log: chosen events become lines, and what could not be written is counted and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from hookbus import Envelope

from hookbus_logging.levels import Rules
from hookbus_logging.lines import Lines
from hookbus_logging.outputs import Output

TOO_SLOW = "the log's consumer was too slow"
"""Why events are missing that came faster than the output took them."""


class EventLog:
    """Writes events in order. A gap is said in the place where it is, as soon as that is possible.

    `written` counts events that are in the output, `lost` the others by reason, `failure` is why
    the last write failed, None when it did not.
    """

    def __init__(self, output: Output, lines: Lines, rules: Rules) -> None:
        self.output = output
        self.written = 0
        self.lost: Counter[str] = Counter()
        self.failure: str | None = None
        self._gap: Counter[str] = Counter()
        self._left = False
        self._lines = lines
        self._rules = rules

    def write(self, envelopes: Sequence[Envelope]) -> None:
        """Write events that `Rules.wants`; never raises because the output failed."""
        for envelope in envelopes:
            if self._left:
                return
            self._say_gap(envelope.time)
            line = self._lines.of_event(envelope, self._rules.level(envelope.event))
            if self._put(line, envelope.time):
                self.written += 1
            else:
                self.miss(1, f"{self.output.name}: {self.failure}")

    def miss(self, count: int, reason: str) -> None:
        """Note that events were not logged."""
        self.lost[reason] += count
        self._gap[reason] += count

    def leave(self) -> None:
        """Begin no further line: a thread that is stuck in a write has been given up."""
        self._left = True

    def finish(self, time: datetime) -> None:
        """Say what is missing at the end, and close the output."""
        self._say_gap(time)
        self.output.close()

    def _say_gap(self, time: datetime) -> None:
        for reason, missed in list(self._gap.items()):
            notice = self._lines.of_notice(time, gap_text(missed, reason), missed=missed)
            if not self._put(notice, time):
                return
            del self._gap[reason]

    def _put(self, line: str, time: datetime) -> bool:
        try:
            self.output.write(line, time)
        except (OSError, ValueError) as error:
            self.failure = getattr(error, "strerror", None) or str(error)
            return False
        self.failure = None
        return True


def gap_text(missed: int, reason: str) -> str:
    """What the log says about events that are not in it."""
    return f"{missed:,} event{'s' if missed != 1 else ''} not logged: {reason}"
