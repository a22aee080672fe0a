"""One replay of a feed: every bar published at its time, and an account of it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

from hookbus import PluginContext, Source
from hookbus_trading import DataSuspected

from hookbus_market.doubts import Doubts, doubt_about
from hookbus_market.errors import BadRow, FeedError, OnBadRow, refuse
from hookbus_market.feed import Feed
from hookbus_market.quality import Doubt, Quality
from hookbus_market.settings import MarketSettings
from hookbus_market.tally import Tally

__all__ = ["Replay"]

_REPORT_EVERY = 256
_GIVE_WAY_EVERY = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MENDS = {
    "jump": "mend the data, or set on_jump",
    "duplicate": 'take one of the files out, or set on_bad_row = "skip"',
    "out_of_order": 'mend the data, or set on_bad_row = "skip"',
}


class Replay:
    """Publishes the bars of `feed` on the bus of `context`; `run` is the function of a source.

    What is odd about the data is counted, logged and published; `settings` says what ends the
    replay. Under the simulated clock, bars before the instant at which it begins are left out.
    """

    def __init__(self, context: PluginContext, feed: Feed, settings: MarketSettings) -> None:
        skips = settings.on_bad_row == "skip"
        self._context = context
        self._feed = feed
        self._tally = Tally()
        self._quality = Quality(
            maximum_gap=settings.maximum_gap,
            maximum_jump=settings.maximum_jump,
            on_jump=settings.on_jump,
            skip_repeated=skips,
        )
        self._doubts = Doubts()
        self._due: list[DataSuspected] = []
        self._on_bad_row: OnBadRow = self._skip if skips else refuse
        self._too_early = 0

    async def run(self, source: Source) -> None:
        """Publish all bars; raises `FeedError` or `BadRow` when the feed is no good."""
        try:
            await self._replay(source)
        except BadRow as bad:
            self._take(doubt_about(bad, "refused"))
            await self._tell_rest()
            raise
        except FeedError:
            await self._tell_rest()
            raise
        await self._tell_rest()

    async def _replay(self, source: Source) -> None:
        clock, publish = self._context.clock, self._context.bus.publish
        begin = clock.now_ns() if clock.simulated else None
        expected = self._feed.estimated_bars
        tally, check = self._tally, self._quality.check
        with closing(self._feed.read(self._on_bad_row)) as bars:
            for bar in bars:
                time_ns = _to_ns(bar.time)
                if begin is not None and time_ns < begin:
                    self._too_early += 1
                    continue
                doubts = check(bar, time_ns)
                await clock.sleep_until(time_ns)
                if (doubts or self._due) and not await self._judge(doubts):
                    continue
                await publish(bar)
                tally.add(bar)
                if tally.bars % _REPORT_EVERY == 0:
                    source.progress(tally.bars, max(expected, tally.bars), "bars")
                if tally.bars % _GIVE_WAY_EVERY == 0:
                    # Bars that are overdue do not wait, and others must have their turn.
                    await clock.sleep(0)
        source.progress(tally.bars, tally.bars, "bars")

    def summary(self) -> tuple[tuple[str, str], ...]:
        """Labels and values for a reader."""
        rows = (*self._tally.rows(), ("Rows skipped", f"{self._doubts.skipped:,}"))
        if self._too_early:
            rows += (("Bars before the start", f"{self._too_early:,}"),)
        return (*rows, *self._doubts.rows())

    def _skip(self, bad: BadRow) -> None:
        self._take(doubt_about(bad, "skipped"))

    def _take(self, doubt: Doubt) -> None:
        """Count and log what is odd, and keep the event that tells of it until the next bar."""
        event = self._doubts.add(doubt)
        if event is not None:
            self._due.append(event)
        if self._doubts.is_among_first(doubt.kind):
            self._context.log.warning(
                "data in doubt",
                kind=doubt.kind,
                symbol=doubt.symbol,
                time=_written(doubt.time),
                decision=doubt.decision,
                detail=doubt.detail,
            )

    async def _tell(self) -> None:
        due, self._due = self._due, []
        for event in due:
            await self._context.bus.publish(event)

    async def _tell_rest(self) -> None:
        self._due.extend(self._doubts.untold())
        await self._tell()
        for kind, count in self._doubts.more():
            self._context.log.warning("more data in doubt", kind=kind, count=count)

    async def _judge(self, doubts: tuple[Doubt, ...]) -> bool:
        """Tell what is odd, and whether the bar is passed on; raises `FeedError` if refused."""
        for doubt in doubts:
            self._take(doubt)
        await self._tell()
        for doubt in doubts:
            if doubt.decision == "refused":
                files = ", ".join(one.name for one in self._feed.sources)
                reason = f"{doubt.symbol} at {_written(doubt.time)}: {doubt.detail}"
                raise FeedError(files, reason, _MENDS[doubt.kind])
        return all(doubt.decision == "passed" for doubt in doubts)


def _to_ns(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND * 1_000


def _written(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%SZ}"
