"""The event that asks for a new ranking."""

from hookbus import Event
from hookbus_trading.fields import Name, UtcTime
from pydantic import Field

__all__ = ["RankingRequested"]


class RankingRequested(Event, type="opprank.ranking_requested", version=1):
    """A new ranking was asked for, since enough bars have come or by somebody else."""

    reason: Name = Field(description="Why, with the numbers, for people to read.")
    time: UtcTime | None = Field(
        None, description="Time of the market data it comes from, UTC; none when unknown."
    )
