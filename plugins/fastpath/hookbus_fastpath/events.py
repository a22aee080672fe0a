"""What the fast path publishes besides ticks."""

from __future__ import annotations

from typing import Annotated

from hookbus import Event
from hookbus_trading.fields import MarketPrice, MarketVolume, Name, Symbol, UtcTime
from pydantic import Field

__all__ = ["SymbolRefreshed"]


class SymbolRefreshed(
    Event, type="fastpath.symbol_refreshed", version=1, key="runner", high_frequency=True
):
    """The full picture of a symbol, for a runner that has missed ticks or came late."""

    runner: Name = Field(description="Name of the runner.")
    symbol: Symbol = Field(description="Name of the instrument.")
    price: MarketPrice = Field(description="Newest price, in the quote currency.")
    generation: Annotated[int, Field(ge=1)] = Field(
        description="How many updates of the symbol there have been: that of the newest tick, or "
        "higher while a tick is on its way."
    )
    trades: Annotated[int, Field(ge=1)] = Field(description="Trades since the start of the run.")
    volume: MarketVolume = Field(
        description="Volume since the start of the run, in units of the instrument."
    )
    age: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        description="Seconds since the newest update came."
    )
    time: UtcTime | None = Field(
        None, description="Time of the newest trade, UTC; none when unknown."
    )
