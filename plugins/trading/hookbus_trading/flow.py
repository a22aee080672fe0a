"""The flow of a trading run, from market data to money: bar, signal, order, fill, portfolio.

What the market quotes (bars, indicators) is `float`; what is ordered, paid or owned is `Decimal`.
Money is in the account currency, which is the quote currency of the instruments. All times are UTC.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from hookbus import Event
from pydantic import Field, model_validator

from hookbus_trading.fields import (
    Amount,
    Direction,
    MarketPrice,
    MarketVolume,
    Name,
    Price,
    Quantity,
    Side,
    Symbol,
    UtcTime,
)

__all__ = [
    "Bar",
    "Fill",
    "Indicator",
    "Order",
    "OrderEvent",
    "OrderRejected",
    "PortfolioUpdated",
    "TradingSignal",
]

_ZERO = Decimal(0)


class Bar(Event, type="market.bar", version=1, key="symbol", high_frequency=True):
    """The prices of one instrument over one interval became known."""

    symbol: Symbol = Field(description="Name of the instrument.")
    time: UtcTime = Field(
        description="The instant the bar is known: its timestamp as the data gives it, in UTC."
    )
    open: MarketPrice = Field(description="First price, in the quote currency.")
    high: MarketPrice = Field(description="Highest price, in the quote currency.")
    low: MarketPrice = Field(description="Lowest price, in the quote currency.")
    close: MarketPrice = Field(description="Last price, in the quote currency.")
    volume: MarketVolume = Field(0.0, description="Traded volume, in units of the instrument.")
    interval_seconds: MarketPrice | None = Field(
        None, description="Length of the bar in seconds; none when unknown or not constant."
    )
    adjusted_close: MarketPrice | None = Field(
        None, description="Last price adjusted for splits and dividends, where the data has it."
    )

    @model_validator(mode="after")
    def _prices_are_consistent(self) -> Self:
        low, high = self.low, self.high
        if low <= self.open <= high and low <= self.close <= high:
            return self
        raise ValueError(
            f"low {low!r}, open {self.open!r}, close {self.close!r}, high {high!r}: "
            "open and close must lie between low and high"
        )


class Indicator(Event, type="market.indicator", version=1, key="symbol", high_frequency=True):
    """A value was computed from market data."""

    symbol: Symbol = Field(description="Name of the instrument.")
    name: Name = Field(description="Name of the indicator with its parameters, such as `sma_20`.")
    time: UtcTime = Field(description="Time of the market data the value was computed from, UTC.")
    value: Annotated[float, Field(allow_inf_nan=False)] = Field(
        description="The value, in the unit of the indicator (a moving average: quote currency)."
    )


class TradingSignal(Event, type="trading.signal", version=1, key="symbol"):
    """A strategy wants its position in one instrument to be long, short or flat."""

    symbol: Symbol = Field(description="Name of the instrument.")
    strategy: Name = Field(description="Name of the strategy that speaks.")
    direction: Direction = Field(description="Wanted position: `long`, `short` or `flat`.")
    strength: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        1.0, description="Conviction, from 0 (none) to 1 (full); no unit."
    )
    price: MarketPrice = Field(description="Last close the signal was made at, quote currency.")
    reason: str = Field("", description="Why, for people to read.")
    time: UtcTime | None = Field(
        None, description="Time of the market data it was decided on, UTC; none when unknown."
    )


class OrderEvent(Event):
    """What order, refusal and fill have in common; a filter on it sees an order's whole life."""

    order_id: Name = Field(description="Identifier of the order, unique in a run.")
    symbol: Symbol = Field(description="Name of the instrument.")
    side: Side = Field(description="`buy` or `sell`.")
    quantity: Quantity = Field(description="Quantity, always positive, in units of the instrument.")
    strategy: Name = Field(description="Name of the strategy the order is made for.")
    time: UtcTime | None = Field(
        None, description="Time of the market data it comes from, UTC; none when unknown."
    )


class Order(OrderEvent, type="trading.order", version=1, key="symbol", critical=True):
    """An order passed every check and was sent to be executed."""

    type: Literal["market"] = Field("market", description="Kind of order; only `market` so far.")
    reason: str = Field("", description="Why it was made, for people to read.")


class OrderRejected(
    OrderEvent, type="trading.order_rejected", version=1, key="symbol", critical=True
):
    """An order was refused, by a risk rule or by the venue, and will not be executed."""

    type: Literal["market"] = Field("market", description="Kind of order; only `market` so far.")
    rule: Name = Field(description="Name of the rule that refused it.")
    reason: Name = Field(description="Why it was refused, with the numbers, for people to read.")


class Fill(OrderEvent, type="trading.fill", version=1, key="symbol", critical=True):
    """An order, or a part of one, was executed; `quantity` is what was executed."""

    fill_id: Name = Field(
        "1", description="Identifier of the fill, unique in its order; a repeat is a duplicate."
    )
    price: Price = Field(description="Price paid or received per unit, in the quote currency.")
    commission: Amount = Field(
        _ZERO, description="Commission paid, in the account currency; negative is a rebate."
    )
    slippage: Amount = Field(
        _ZERO,
        description="What the difference between the expected and the paid price cost in all "
        "(per unit difference times quantity), in the account currency; negative is a gain. "
        "It is already part of the price and must not be deducted again.",
    )


class PortfolioUpdated(Event, type="trading.portfolio", version=1, key="symbol"):
    """The portfolio changed: by a fill, or because a price moved the value of a position."""

    symbol: Symbol | None = Field(
        None, description="Instrument the change comes from; none when it concerns cash alone."
    )
    position: Amount = Field(
        _ZERO, description="Signed quantity held of the symbol; negative is short."
    )
    average_price: Price | None = Field(
        None, description="Average entry price of the position, quote currency; none when flat."
    )
    cash: Amount = Field(description="Cash, in the account currency.")
    equity: Amount = Field(
        description="Cash plus the value of all positions, in the account currency."
    )
    realised_pnl: Amount = Field(
        _ZERO, description="Profit of closed trades, all symbols, after costs, account currency."
    )
    unrealised_pnl: Amount = Field(
        _ZERO, description="Profit of open positions at last prices, all symbols, account currency."
    )
    drawdown: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] = Field(
        _ZERO, description="Loss from the highest equity so far, as a fraction of it (0.1 is 10 %)."
    )
    time: UtcTime | None = Field(
        None, description="Time of the market data it is valued at, UTC; none when unknown."
    )
