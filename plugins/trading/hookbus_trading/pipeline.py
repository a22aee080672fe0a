"""The pipeline that finds markets and wallets worth following.

Markets are scored; in the best of them wallets are discovered; their trades are ingested; wallets
are classified by how they trade; and rules decide which of them to follow. All times are UTC.
"""

from typing import Annotated

from hookbus import Event
from pydantic import Field

from hookbus_trading.fields import MarketPrice, MarketVolume, Name, Number, Symbol, UtcTime

__all__ = [
    "MarketsScored",
    "TradesIngested",
    "WalletRulesEvaluated",
    "WalletsClassified",
    "WalletsDiscovered",
]

_Count = Annotated[int, Field(ge=0)]


class MarketsScored(Event, type="pipeline.markets_scored", version=1):
    """Markets were scored; the higher the score, the better worth following."""

    scores: dict[Symbol, Number] = Field(
        description="Score of each market, no unit; comparable within this event only."
    )
    criteria: tuple[Name, ...] = Field((), description="Names of the criteria that were used.")
    excluded: _Count = Field(0, description="Markets that were looked at and not scored.")
    time: UtcTime | None = Field(
        None, description="Time of the newest data that was used, UTC; none when unknown."
    )


class WalletsDiscovered(Event, type="pipeline.wallets_discovered", version=1, key="market"):
    """Wallets that were not known before were seen in a market."""

    market: Symbol = Field(description="Market in which they were seen.")
    wallets: tuple[Name, ...] = Field(description="Addresses of the wallets.")
    source: Name = Field(description="Where they were seen: a feed, a scan, a list.")
    time: UtcTime | None = Field(None, description="When they were seen, UTC; none when unknown.")


class TradesIngested(
    Event, type="pipeline.trades_ingested", version=1, key="symbol", high_frequency=True
):
    """A group of trades of one symbol was taken in from a source."""

    symbol: Symbol = Field(description="Name of the instrument.")
    count: Annotated[int, Field(ge=1)] = Field(description="How many trades.")
    price: MarketPrice = Field(description="Price of the last trade, in the quote currency.")
    volume: MarketVolume = Field(0.0, description="Sum of the volumes, in units of the instrument.")
    wallets: tuple[Name, ...] = Field((), description="Wallets that traded, where that is known.")
    source: Name = Field(description="Where the trades come from.")
    time: UtcTime | None = Field(
        None, description="Time of the last trade, UTC; none when unknown."
    )


class WalletsClassified(Event, type="pipeline.wallets_classified", version=1):
    """Wallets were sorted into classes by how they trade."""

    classes: dict[Name, Name] = Field(
        description="Class of each wallet, by address, such as `market-maker` or `directional`."
    )
    model: Name = Field(description="What classified them, with its version.")
    time: UtcTime | None = Field(
        None, description="Time of the newest data that was used, UTC; none when unknown."
    )


class WalletRulesEvaluated(Event, type="pipeline.wallet_rules_evaluated", version=1, key="wallet"):
    """The rules that decide whether a wallet is followed were evaluated for one wallet."""

    wallet: Name = Field(description="Address of the wallet.")
    followed: bool = Field(description="What came of it: whether the wallet is followed.")
    rules: dict[Name, bool] = Field(description="Each rule and whether it was met.")
    reason: str = Field("", description="Why, with the numbers, for people to read.")
    time: UtcTime | None = Field(
        None, description="Time of the newest data that was used, UTC; none when unknown."
    )
