"""The flow of a trading run, from market data to money: bar, signal, order, fill, portfolio.

What the market quotes (bars, indicators) is `float`; what is ordered, paid or owned is `Decimal`.
Money is in the account currency, which is the quote currency of the instruments. All times are UTC.
The life of an order: `Order`, then any number of `Fill`, until it is filled whole, or one of
`OrderCancelled` and `OrderRejected`; `OrderCancelRequested` asks for a cancellation.
"""

from decimal import Decimal
from typing import Annotated, Self

from hookbus import Event, Stops
from pydantic import Field, model_validator

from hookbus_trading.fields import (
    Amount,
    Book,
    DataDecision,
    DataDoubt,
    Direction,
    Fraction,
    MarketPrice,
    MarketVolume,
    Name,
    Number,
    OrderType,
    Price,
    Quantity,
    Side,
    Symbol,
    UtcTime,
)

__all__ = [
    "Bar",
    "DataSuspected",
    "Fill",
    "Indicator",
    "Order",
    "OrderCancelRequested",
    "OrderCancelled",
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


class DataSuspected(Event, type="market.data_suspected", version=1, key="symbol"):
    """Market data is odd, and was passed on, skipped or refused.

    Whoever publishes it tells the first of a kind and symbol one by one and later ones in groups,
    so that bad data floods nobody: `count` always has all of them.
    """

    __stops__ = Stops(("market.bar",), reason=("decision", "kind", "detail"), certain=False)

    symbol: Symbol | None = Field(
        None, description="Name of the instrument; none when the data does not tell it."
    )
    kind: DataDoubt = Field(
        description="`gap`, `jump`, `duplicate`, `out_of_order`, `unknown_symbol` or `bad_row`."
    )
    decision: DataDecision = Field(description="`passed`, `skipped` or `refused` (ends the feed).")
    detail: Name = Field(description="What is odd, with place and numbers, for people to read.")
    count: Annotated[int, Field(ge=1)] = Field(
        1, description="How many of this kind and symbol there have been, this one included."
    )
    time: UtcTime | None = Field(
        None, description="Time of the data in question, UTC; none when it cannot be told."
    )


class Indicator(Event, type="market.indicator", version=1, key="symbol", high_frequency=True):
    """A value was computed from market data."""

    symbol: Symbol = Field(description="Name of the instrument.")
    name: Name = Field(description="Name of the indicator with its parameters, such as `sma_20`.")
    time: UtcTime = Field(description="Time of the market data the value was computed from, UTC.")
    value: Number = Field(
        description="The value, in the unit of the indicator (a moving average: quote currency)."
    )


class TradingSignal(Event, type="trading.signal", version=1, key="symbol"):
    """A strategy wants its position in one instrument to be long, short or flat."""

    symbol: Symbol = Field(description="Name of the instrument.")
    strategy: Name = Field(description="Name of the strategy that speaks.")
    direction: Direction = Field(description="Wanted position: `long`, `short` or `flat`.")
    strength: Fraction = Field(1.0, description="Conviction, from 0 (none) to 1 (full); no unit.")
    price: MarketPrice = Field(description="Last close the signal was made at, quote currency.")
    order_type: OrderType = Field(
        "market", description="How to get into the wanted position; closing is always at market."
    )
    entry_price: MarketPrice | None = Field(
        None,
        description="Limit or stop price of the entry, in the quote currency; none at market.",
    )
    book: Book = Field("main", description="Account that it is meant for.")
    reason: str = Field("", description="Why, for people to read.")
    time: UtcTime | None = Field(
        None, description="Time of the market data it was decided on, UTC; none when unknown."
    )

    @model_validator(mode="after")
    def _entry_price_fits(self) -> Self:
        _check_price("entry_price", self.order_type, self.entry_price)
        return self


class OrderEvent(Event):
    """What the events of an order have in common; a filter on it sees an order's whole life."""

    order_id: Name = Field(description="Identifier of the order, unique in a run.")
    symbol: Symbol = Field(description="Name of the instrument.")
    side: Side = Field(description="`buy` or `sell`.")
    quantity: Quantity = Field(description="Quantity, always positive, in units of the instrument.")
    strategy: Name = Field(description="Name of the strategy the order is made for.")
    book: Book = Field("main", description="Account that it belongs to.")
    time: UtcTime | None = Field(
        None, description="Time of the market data it comes from, UTC; none when unknown."
    )


class Order(OrderEvent, type="trading.order", version=1, key="symbol", critical=True):
    """An order passed every check and was sent to be executed."""

    type: OrderType = Field("market", description="Kind of order.")
    price: Price | None = Field(
        None,
        description="Limit price (the worst acceptable one) or stop price (the one that sets it "
        "off), in the quote currency; none at market.",
    )
    expires: UtcTime | None = Field(
        None,
        description="Instant from which on it is no longer executed, UTC; none: until cancelled.",
    )
    reason: str = Field("", description="Why it was made, for people to read.")

    @model_validator(mode="after")
    def _price_fits(self) -> Self:
        _check_price("price", self.type, self.price)
        return self


class OrderRejected(
    OrderEvent, type="trading.order_rejected", version=1, key="symbol", critical=True
):
    """An order was refused, by a risk rule or by the venue, and will not be executed."""

    __stops__ = Stops(("trading.order", "trading.fill"), reason=("rule", "reason"))

    type: OrderType = Field("market", description="Kind of order.")
    price: Price | None = Field(
        None, description="Limit or stop price it had, in the quote currency; none at market."
    )
    rule: Name = Field(description="Name of the rule that refused it.")
    reason: Name = Field(description="Why it was refused, with the numbers, for people to read.")


class OrderCancelRequested(
    OrderEvent, type="trading.order_cancel_requested", version=1, key="symbol", critical=True
):
    """Somebody wants what is left of an order to be cancelled; `quantity` is that of the order."""

    reason: Name = Field(description="Why, for people to read.")


class OrderCancelled(
    OrderEvent, type="trading.order_cancelled", version=1, key="symbol", critical=True
):
    """An order, or what was left of it, will not be executed any more; `quantity` is what was."""

    __stops__ = Stops(("trading.fill",), reason=("reason",))

    reason: Name = Field(description="Why, for people to read.")


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
    """The portfolio of a book changed: by a fill, or as a price moved the value of a position."""

    symbol: Symbol | None = Field(
        None, description="Instrument the change comes from; none when it concerns cash alone."
    )
    book: Book = Field("main", description="Account that it describes.")
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
    exposure: Amount = Field(
        _ZERO,
        description="Sum of the absolute values of all positions, in the account currency.",
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


def _check_price(field: str, kind: OrderType, price: object) -> None:
    if kind == "market" and price is not None:
        raise ValueError(f"a market order has no {field}; {price} was given")
    if kind != "market" and price is None:
        raise ValueError(f"a {kind} order needs a {field}")
