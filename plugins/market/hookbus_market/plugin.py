"""The plugin that publishes the bars of a feed, each at its time."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hookbus import Plugin, PluginContext, Summary, hookimpl

from hookbus_market.errors import ignore, refuse
from hookbus_market.feed import open_feed
from hookbus_market.replay import Replay
from hookbus_market.settings import MarketSettings


class MarketPlugin(Plugin):
    """Replays bars from CSV and Parquet files, or from a seeded synthetic market."""

    name = "market"
    requires = ("trading",)
    hook_api = 1
    Settings = MarketSettings

    settings: MarketSettings

    def __init__(self, settings: MarketSettings) -> None:
        super().__init__(settings)
        self._replay: Replay | None = None

    @hookimpl
    def hookbus_simulation_start(self, base: Path) -> datetime | None:
        """The time of the first bar."""
        feed = open_feed(self.settings, lambda path: base / path.expanduser())
        return feed.first_time(ignore if self.settings.on_bad_row == "skip" else refuse)

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Look at every file, so that one that is no good fails here, and start the source."""
        feed = open_feed(self.settings, context.path)
        if not feed.sources:
            context.log.warning("no bars to replay: set files or synthetic in [plugins.market]")
            return
        for source in feed.sources:
            context.log.info("feed opened", feed=source.name, estimated_bars=source.estimated_bars)
        self._replay = Replay(context, feed, self.settings)
        context.start_source(self._replay.run, "bars")

    @hookimpl
    def hookbus_summary(self) -> Summary | None:
        """What was replayed, if there was anything to replay."""
        return None if self._replay is None else Summary("Market", self._replay.summary())
