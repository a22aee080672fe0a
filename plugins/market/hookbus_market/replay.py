"""One replay of a feed: every bar published at its time, and an account of it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

from hookbus import PluginContext, Source
from hookbus_trading import Bar

from hookbus_market.errors import BadRow, SkippedRows, refuse
from hookbus_market.feed import Feed
from hookbus_market.tally import Tally

__all__ = ["Replay"]

_REPORT_EVERY = 256
_GIVE_WAY_EVERY = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Replay:
    """Publishes the bars of `feed` on the bus of `context`; `run` is the function of a source.

    Bad rows end it, unless `skip_bad_rows`. Under the simulated clock, bars before the instant at
    which it begins are left out.
    """

    def __init__(self, context: PluginContext, feed: Feed, *, skip_bad_rows: bool) -> None:
        self._context = context
        self._feed = feed
        self._tally = Tally()
        self._skipped = SkippedRows(self._log_bad_row)
        self._on_bad_row = self._skipped if skip_bad_rows else refuse
        self._too_early = 0

    async def run(self, source: Source) -> None:
        """Publish all bars; raises `FeedError` or `BadRow` when the feed is no good."""
        clock = self._context.clock
        begin = clock.now_ns() if clock.simulated else None
        expected = self._feed.estimated_bars
        with closing(self._feed.read(self._on_bad_row)) as bars:
            for bar in bars:
                time_ns = _to_ns(bar.time)
                if begin is not None and time_ns < begin:
                    self._too_early += 1
                    continue
                await clock.sleep_until(time_ns)
                await self._publish(bar)
                if self._tally.bars % _REPORT_EVERY == 0:
                    source.progress(self._tally.bars, max(expected, self._tally.bars), "bars")
        source.progress(self._tally.bars, self._tally.bars, "bars")
        self._log_unreported()

    def summary(self) -> tuple[tuple[str, str], ...]:
        """Labels and values for a reader."""
        rows = (*self._tally.rows(), ("Rows skipped", f"{self._skipped.count:,}"))
        if self._too_early:
            rows += (("Bars before the start", f"{self._too_early:,}"),)
        return rows

    async def _publish(self, bar: Bar) -> None:
        await self._context.bus.publish(bar)
        self._tally.add(bar)
        if self._tally.bars % _GIVE_WAY_EVERY == 0:
            # Bars that are overdue are published without waiting, and others must have their turn.
            await self._context.clock.sleep(0)

    def _log_bad_row(self, bad: BadRow) -> None:
        self._context.log.warning(
            "bad row skipped",
            file=bad.file,
            line=bad.line,
            column=bad.column,
            value=bad.value,
            reason=bad.reason,
        )

    def _log_unreported(self) -> None:
        if self._skipped.unreported:
            self._context.log.warning("more bad rows skipped", rows=self._skipped.unreported)


def _to_ns(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND * 1_000
