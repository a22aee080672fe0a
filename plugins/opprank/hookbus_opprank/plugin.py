"""The plugin: bars go to the board, the scheduler asks for rankings, the bus hears of them."""

from __future__ import annotations

from collections.abc import Iterable

from hookbus import Event, Job, Plugin, PluginContext, Summary, WouldBlock, hookimpl
from hookbus_trading import Bar

from hookbus_opprank.board import TOO_MANY, Board
from hookbus_opprank.events import RankingRequested
from hookbus_opprank.ranking import Ranking
from hookbus_opprank.settings import OpprankSettings

__all__ = ["OpprankPlugin"]


class OpprankPlugin(Plugin):
    """Ranks symbols by momentum, volatility-adjusted return, liquidity and range."""

    name = "opprank"
    requires = ("trading",)
    hook_api = 1
    Settings = OpprankSettings

    settings: OpprankSettings

    def __init__(self, settings: OpprankSettings) -> None:
        super().__init__(settings)
        self._board = Board(settings)
        self._weights = settings.weights.used()
        self._bars_between = settings.bars_between
        self._ranking: Ranking | None = None
        self._told: tuple[str, ...] | None = None
        self._published = 0
        self._unchanged = 0
        self._warned = False

    @hookimpl
    def hookbus_events(self) -> Iterable[type[Event]]:
        """The request for a ranking."""
        return (RankingRequested,)

    @hookimpl
    def hookbus_jobs(self) -> Iterable[Job]:
        """The ranking, by the schedule of the settings."""
        return (self.settings.job(self._rank),)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Listen to bars."""
        self._context = context
        context.bus.subscribe(Bar, self._on_bar, mode="inline", name="bars")

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """What was published, the last ranking, and what became of the bars."""
        rows = [("Rankings published", f"{self._published:,}")]
        if self._unchanged:
            rows.append(("Rankings not published: unchanged", f"{self._unchanged:,}"))
        if self._ranking is not None:
            rows += self._ranking.rows()
        return Summary("Opportunities", (*rows, *self._board.rows()))

    def _on_bar(self, bar: Bar) -> None:
        board, between = self._board, self._bars_between
        if board.push(bar) and between and not board.instants % between:
            self._request(RankingRequested(reason=f"bar {board.instants:,}", time=bar.time))

    def _request(self, request: RankingRequested) -> None:
        try:
            self._context.bus.publish_nowait(request)
        except WouldBlock:
            self._context.bus.publish_forced(request)

    async def _rank(self) -> None:
        self._warn_of_too_many()
        ranking = self._ranking = self._board.rank(self._context.clock.now())
        if self.settings.publish == "changed" and ranking.symbols == self._told:
            self._unchanged += 1
            return
        self._told = ranking.symbols
        self._published += 1
        await self._context.bus.publish(ranking.event(self._weights, self.settings.maximum_reasons))

    def _warn_of_too_many(self) -> None:
        if self._warned or not self._board.ignored[TOO_MANY]:
            return
        self._warned = True
        self._context.log.warning(
            "there are more symbols than maximum_symbols, and bars of the others are ignored",
            maximum_symbols=self.settings.maximum_symbols,
        )
