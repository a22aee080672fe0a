"""The field types that trading events share: symbols, prices, money, UTC times, and closed sets."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = [
    "Amount",
    "Book",
    "DataDecision",
    "DataDoubt",
    "Direction",
    "Fraction",
    "HealthLevel",
    "MarketPrice",
    "MarketVolume",
    "Name",
    "Number",
    "OrderType",
    "PositionDirection",
    "Price",
    "Quantity",
    "RiskMode",
    "Severity",
    "Side",
    "Stage",
    "Symbol",
    "UtcTime",
]


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value} has no equivalent in UTC between the years 1 and 9999") from None


class _UtcSchema:
    """Aware times only; UTC passes through untouched, any other zone is converted to UTC."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        converted = core_schema.no_info_after_validator_function(
            _to_utc, core_schema.datetime_schema(tz_constraint="aware")
        )
        already_utc = core_schema.datetime_schema(tz_constraint=0)
        return core_schema.union_schema(
            [already_utc, converted],
            mode="left_to_right",
            custom_error_type="utc_time",
            custom_error_message="Input should be a date and time with a time zone",
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


UtcTime = Annotated[datetime, _UtcSchema()]
"""An instant in UTC; aware times of other zones are converted, naive ones are refused."""

Symbol = Annotated[str, Field(min_length=1, max_length=64)]
"""The name of an instrument, such as `EURUSD`: one to 64 characters, compared as written."""

Name = Annotated[str, Field(min_length=1)]
"""A name that is not empty: of a strategy, a rule, an indicator, an order."""

MarketPrice = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A price as the market quotes it: a finite float above zero, in the quote currency."""

MarketVolume = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A traded volume: a finite float, zero or above, in units of the instrument."""

Price = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
"""A price that money is computed from: a finite decimal above zero, in the quote currency."""

Quantity = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
"""A quantity to trade or traded: a finite decimal above zero, in units of the instrument."""

Amount = Annotated[Decimal, Field(allow_inf_nan=False)]
"""A signed finite decimal: an amount of money in the account currency, or a signed position."""

Direction = Literal["long", "short", "flat"]
"""Where a signal wants the position to be."""

PositionDirection = Literal["long", "short"]
"""Which way a position is, or was, held."""

Side = Literal["buy", "sell"]
"""What an order does: `buy` adds to the position, `sell` takes from it."""

OrderType = Literal["market", "limit", "stop"]
"""How an order is executed: at once, at a price or better, or at once after a price was reached."""

Number = Annotated[float, Field(allow_inf_nan=False)]
"""A finite float: a metric, a score, the value of an indicator."""

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A share of a whole, from 0 to 1; 0.1 is 10 %."""

Book = Annotated[str, Field(min_length=1)]
"""The account that an order, a fill or a position belongs to.

`main` is the account that counts, with a broker the real one. Every other book is paper: the book
of a strategy that is not live is called after its stage and its name, such as `shadow:cross`.
"""

DataDoubt = Literal["gap", "jump", "duplicate", "out_of_order", "unknown_symbol", "bad_row"]
"""What is odd about market data.

A pause that is too long, a price that jumps as in a split, a bar that was there before, one that is
earlier than the one before it, one of a symbol that is not wanted, and a row that is no bar.
"""

DataDecision = Literal["passed", "skipped", "refused"]
"""What became of doubtful market data: taken as it is, left out, or the end of the feed."""

RiskMode = Literal["aggressive", "normal", "defensive"]
"""How much risk the policy allows."""

Stage = Literal["backtest", "shadow", "live", "retired"]
"""How far a strategy or a model has come; only what is live trades on the book `main`."""

HealthLevel = Literal["healthy", "degraded", "critical"]
"""How well a component works."""

Severity = Literal["warning", "error", "critical"]
"""How bad a mistake is: work goes on, a piece of work failed, or work has stopped."""
