"""A strategy in one file: load it with `--plugin my_strategy.py`."""

from hookbus import Plugin, hookimpl
from hookbus_trading import Bar, TradingSignal


class MyStrategy(Plugin):
    """Goes long above the previous bar's high, and flat below its low."""

    name = "my-strategy"
    requires = ("trading",)

    @hookimpl
    async def hookbus_start(self, context):
        self.bus, self.last = context.bus, {}
        context.bus.subscribe(Bar, self.on_bar, delivery="lossless")

    async def on_bar(self, bar: Bar):
        last = self.last.get(bar.symbol, bar)
        self.last[bar.symbol] = bar
        way = "long" if bar.close > last.high else "flat" if bar.close < last.low else None
        if way:
            await self.bus.publish(
                TradingSignal(symbol=bar.symbol, strategy=self.name, direction=way, price=bar.close)
            )
