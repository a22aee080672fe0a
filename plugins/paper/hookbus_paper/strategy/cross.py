"""The strategy: from bars to trading signals, one symbol apart from the other."""

from math import floor, isnan, log10

from hookbus_trading.flow import Bar, Indicator, TradingSignal

from hookbus_paper.gate import BarGate
from hookbus_paper.strategy.averages import MovingAverageCross
from hookbus_paper.strategy.settings import StrategySettings

__all__ = ["CrossStrategy", "two_different"]


class CrossStrategy:
    """Wants to be long after fast crossed above slow, and flat or short after it crossed below.

    `gate` counts the bars used and ignored, `signals` the signals made.
    """

    def __init__(self, settings: StrategySettings) -> None:
        self._settings = settings
        self._crosses: dict[str, MovingAverageCross] = {}
        self._names = (f"sma{settings.fast}", f"sma{settings.slow}")
        self.gate = BarGate(settings.symbols)
        self.signals = 0

    def on_bar(self, bar: Bar) -> list[Indicator | TradingSignal]:
        """What to publish after a bar: the averages if they are asked for, a signal on a cross."""
        if not self.gate.admits(bar):
            return []
        cross = self._crosses.get(bar.symbol)
        if cross is None:
            settings = self._settings
            cross = self._crosses[bar.symbol] = MovingAverageCross(settings.fast, settings.slow)
        crossed = cross.push(bar.close)
        found: list[Indicator | TradingSignal] = []
        if self._settings.publish_indicators:
            found.extend(self._indicators(bar, cross))
        if crossed:
            self.signals += 1
            found.append(self._signal(bar, cross, crossed))
        return found

    def _indicators(self, bar: Bar, cross: MovingAverageCross) -> list[Indicator]:
        values = zip(self._names, (cross.fast, cross.slow), strict=True)
        return [
            Indicator(symbol=bar.symbol, name=name, time=bar.time, value=value)
            for name, value in values
            if not isnan(value)
        ]

    def _signal(self, bar: Bar, cross: MovingAverageCross, crossed: int) -> TradingSignal:
        fast, slow = self._names
        fast_text, slow_text = two_different(cross.fast, cross.slow)
        way = "above" if crossed > 0 else "below"
        return TradingSignal(
            symbol=bar.symbol,
            strategy=self._settings.label,
            direction="long" if crossed > 0 else self._settings.below,
            strength=cross.strength(),
            price=bar.close,
            reason=f"{fast} {fast_text} crossed {way} {slow} {slow_text}",
            time=bar.time,
        )


def two_different(first: float, second: float) -> tuple[str, str]:
    """Two positive numbers with as many decimals as show that they differ.

    The larger one gets five significant digits at least, and whole numbers stay whole.
    """
    decimals = max(0, 4 - floor(log10(max(first, second))))
    for more in range(decimals, decimals + 13):
        texts = f"{first:.{more}f}", f"{second:.{more}f}"
        if texts[0] != texts[1]:
            return texts
    return repr(first), repr(second)
