"""A trader: one strategy of the settings, with an object of it for each symbol."""

from collections.abc import Callable, Mapping
from datetime import datetime

from hookbus import Event
from hookbus_trading.contracts import Decision, Strategy
from hookbus_trading.control import StrategyPromoted
from hookbus_trading.fields import Direction, Stage
from hookbus_trading.flow import Bar, Indicator, TradingSignal
from hookbus_trading.runners import RunnerFailed

from hookbus_paper.books import book_of
from hookbus_paper.strategy.settings import StrategySettings, StrategySpec

__all__ = ["Desk", "Trader"]


class Desk:
    """One strategy on one symbol: feeds its indicators, asks it, and remembers what it wants.

    The object of the strategy is made at the first bar, where its failures are those of a bar.
    """

    def __init__(self, trader: "Trader", symbol: str) -> None:
        self.trader = trader
        self.symbol = symbol
        self.values: dict[str, float] = {}
        self.wanted: Direction = "flat"
        self.price = 0.0
        self.failures = 0
        self.stopped = False
        self._strategy: Strategy | None = None
        self._indicators: tuple[tuple[str, Callable[[Bar], float | None]], ...] = ()

    def begin_anew(self) -> None:
        """Forget everything: bars have been missed."""
        self.values.clear()
        self._strategy = None

    def decide(self, bar: Bar) -> Decision | None:
        """What the strategy says to the next bar."""
        strategy = self._strategy
        if strategy is None:
            strategy = self._begin()
        values = self.values
        for name, update in self._indicators:
            value = update(bar)
            if value is not None:
                values[name] = value
        return strategy.on_bar(bar, values)

    def _begin(self) -> Strategy:
        strategy: Strategy = self.trader.spec.build()
        self._indicators = tuple(
            (name, indicator.update) for name, indicator in strategy.indicators().items()
        )
        self._strategy = strategy
        return strategy

    def indicators(self, bar: Bar) -> list[Event]:
        """The indicators that are ready, as events."""
        return [
            Indicator(symbol=bar.symbol, name=name, time=bar.time, value=value)
            for name, value in self.values.items()
        ]


class Trader:
    """Turns bars into signals on the book of the stage that the strategy is in.

    `signals` counts the signals, `failures` the bars at which the strategy raised.
    """

    def __init__(
        self, name: str, spec: StrategySpec, stage: Stage, settings: StrategySettings
    ) -> None:
        self.name = name
        self.spec = spec
        self.stage: Stage = stage
        self.signals = 0
        self.failures = 0
        self._maximum_failures = settings.maximum_failures
        self._publish_indicators = settings.publish_indicators
        self._desks: dict[str, Desk] = {}

    @property
    def book(self) -> str:
        """The book that it trades on now."""
        return book_of(self.name, self.stage)

    def desk(self, symbol: str) -> Desk | None:
        """Its desk for a symbol, made at the first bar; None for one that it does not trade."""
        if self.spec.symbols and symbol not in self.spec.symbols:
            return None
        if symbol not in self._desks:
            self._desks[symbol] = Desk(self, symbol)
        return self._desks[symbol]

    def on_bar(self, desk: Desk, bar: Bar) -> list[Event]:
        """Indicators if they are asked for, and the signal that a bar leads to.

        Or what went wrong, which stops nobody else.
        """
        desk.price = bar.close
        try:
            decision = desk.decide(bar)
            told = desk.indicators(bar) if self._publish_indicators else []
            if decision is not None:
                told.append(self._signal(desk, bar, decision))
        except Exception as error:  # noqa: BLE001 - a strategy belongs to its author
            return self._failed(desk, bar, error)
        desk.failures = 0
        return told

    def _signal(self, desk: Desk, bar: Bar, decision: Decision) -> TradingSignal:
        signal = TradingSignal(
            symbol=bar.symbol,
            strategy=self.name,
            direction=decision.direction,
            strength=decision.strength,
            price=bar.close,
            order_type=decision.order_type,
            entry_price=decision.entry_price,
            book=self.book,
            reason=decision.reason,
            time=bar.time,
        )
        desk.wanted = signal.direction
        self.signals += 1
        return signal

    def _failed(self, desk: Desk, bar: Bar, error: Exception) -> list[Event]:
        self.failures += 1
        desk.failures += 1
        desk.stopped = desk.failures >= self._maximum_failures
        what = f"{bar.symbol} at {bar.time:%Y-%m-%d %H:%M:%S} UTC: {type(error).__name__}: {error}"
        if desk.stopped:
            what += f"; stopped after {desk.failures} failures in a row"
        failed = RunnerFailed(
            runner=self.name,
            severity="critical" if desk.stopped else "error",
            error=what,
            time=bar.time,
        )
        return [failed, *self._leave(desk, what, bar, bar.time)] if desk.stopped else [failed]

    def _leave(self, desk: Desk, reason: str, bar: Bar, time: datetime) -> list[Event]:
        """A signal that closes what the strategy may hold of a symbol, decided at an instant."""
        if desk.wanted == "flat":
            return []
        signal = self._signal(desk, bar, Decision("flat", reason=reason))
        return [signal.model_copy(update={"time": time})]

    def go_to(self, change: StrategyPromoted, last: Mapping[str, Bar]) -> list[Event]:
        """Change the stage; signals that close, on the book that it leaves, what it may hold.

        They bear the time of the change: the bar that led to it may have filled orders already.
        """
        if change.after == self.stage:
            return []
        told = f"{self.name} went from {self.stage} to {change.after}: {change.reason}"
        left = [
            signal
            for symbol, desk in self._desks.items()
            if symbol in last
            for signal in self._leave(desk, told, last[symbol], change.time or last[symbol].time)
        ]
        if self.stage == "retired":
            for desk in self._desks.values():
                desk.begin_anew()
        self.stage = change.after
        return left
