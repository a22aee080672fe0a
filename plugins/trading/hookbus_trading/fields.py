"""The field types that trading events share: symbols, prices, money and UTC times."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = [
    "Amount",
    "Direction",
    "MarketPrice",
    "MarketVolume",
    "Name",
    "Price",
    "Quantity",
    "Side",
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

Side = Literal["buy", "sell"]
"""What an order does: `buy` adds to the position, `sell` takes from it."""
