"""The settings of the market plugin: which files, or which made-up market, it replays."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hookbus import Settings
from hookbus_trading.fields import Symbol
from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from hookbus_market.dates import checked
from hookbus_market.quality import OnJump

__all__ = ["ColumnSettings", "FileSettings", "MarketSettings", "SyntheticSettings"]

Column = Annotated[int, Field(ge=1)] | str | None


class ColumnSettings(Settings):
    """Which column is which: its name in the header, or its position, counted from 1.

    Columns that are not set are recognised by their names.
    """

    time: Column = Field(None, description="Column of the date and time, or of the date alone.")
    clock: Column = Field(None, description="Column of the time of day, beside that of the date.")
    open: Column = Field(None, description="Column of the first price.")
    high: Column = Field(None, description="Column of the highest price.")
    low: Column = Field(None, description="Column of the lowest price.")
    close: Column = Field(None, description="Column of the last price.")
    volume: Column = Field(None, description='Column of the volume; "" when there is none.')
    adjusted_close: Column = Field(
        None, description='Column of the adjusted last price; "" when there is none.'
    )
    symbol: Column = Field(None, description='Column of the symbol; "" when there is none.')

    def wanted(self) -> dict[str, str | int]:
        """The columns that are set, by field."""
        return self.model_dump(exclude_none=True)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no time zone; write a name such as UTC or America/New_York"
        ) from None
    return name


class FileSettings(Settings):
    """One file of bars; only `path` must be set."""

    path: Path = Field(description="The CSV or Parquet file.")
    format: Literal["csv", "parquet"] | None = Field(
        None, description="Format of the file; recognised by its name when not set."
    )
    symbol: Symbol | None = Field(
        None,
        description="Symbol of all bars in the file. When not set, it is the column of the symbol, "
        "or else the file's name without its ending.",
    )
    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1)] | None = Field(
        None, description="Symbols that the file may hold; bars of others are bad rows."
    )
    interval: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        None, description="Length of the bars in seconds, which is passed on with them."
    )
    columns: ColumnSettings = Field(
        ColumnSettings(), description="Columns that are not recognised by their names."
    )
    time_format: Annotated[str, AfterValidator(checked)] | None = Field(
        None,
        description="How times are written: iso, s, ms, us or ns (since 1970), or a pattern of "
        "strptime; recognised when not set.",
    )
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="Time zone of times that are written without an offset (IANA name)."
    )
    time_shift: Annotated[float, Field(allow_inf_nan=False)] = Field(
        0.0,
        description="Seconds added to every time. Set it to the length of the bars where the file "
        "has the time at which they begin, so that no bar is known before it ends.",
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        None, description="What separates columns (CSV); recognised when not set."
    )
    decimal: Literal[".", ","] = Field(".", description="The decimal point (CSV).")
    header: bool = Field(True, description="Whether the first line names the columns (CSV).")
    skip_lines: Annotated[int, Field(ge=0)] = Field(
        0, description="Lines to leave out at the beginning of the file (CSV)."
    )

    @model_validator(mode="after")
    def _symbol_is_wanted(self) -> Self:
        if self.symbol is not None and self.symbol not in (self.symbols or (self.symbol,)):
            listed = ", ".join(self.symbols or ())
            raise ValueError(f"symbol {self.symbol!r} is not among symbols {listed}")
        return self

    @property
    def zone(self) -> tzinfo:
        """The time zone of times that are written without an offset."""
        return UTC if self.time_zone == "UTC" else ZoneInfo(self.time_zone)


class SyntheticSettings(Settings):
    """A made-up market: prices take a random walk that depends on the seed alone."""

    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1)] = Field(
        ("ALPHA",), description="Names of the instruments."
    )
    bars: Annotated[int, Field(ge=0)] = Field(1_000, description="Number of bars of each symbol.")
    interval: Annotated[float, Field(gt=0, le=366 * 86_400)] = Field(
        3_600.0, description="Length of the bars in seconds, at most a year."
    )
    start: datetime = Field(
        datetime(2024, 1, 1, tzinfo=UTC),
        description="Time of the first bar, UTC unless it has an offset.",
    )
    seed: int = Field(1, description="Another seed makes another market.")
    volatility: Annotated[float, Field(ge=0, le=10)] = Field(
        0.2, description="Volatility for a year of 365 days, as a fraction (0.2 is 20 %)."
    )
    drift: Annotated[float, Field(ge=-10, le=10)] = Field(
        0.0, description="Mean return for a year of 365 days, as a fraction (0.1 is 10 %)."
    )
    price: Annotated[float, Field(gt=0, le=1e12)] = Field(
        100.0, description="First price of every symbol, in the quote currency."
    )
    decimals: Annotated[int, Field(ge=0, le=10)] = Field(
        4, description="Digits after the decimal point of a price."
    )

    @field_validator("start")
    @classmethod
    def _in_utc(cls, start: datetime) -> datetime:
        return start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)

    @field_validator("symbols")
    @classmethod
    def _symbols_differ(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(symbols)) != len(symbols):
            raise ValueError("a symbol is named twice")
        return symbols


def _file(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


class MarketSettings(Settings):
    """What is replayed. Several files, and the made-up market, are merged by time."""

    files: tuple[Annotated[FileSettings, BeforeValidator(_file)], ...] = Field(
        (), description="Files of bars: paths, or tables with a path and what else must be set."
    )
    synthetic: SyntheticSettings | None = Field(
        None, description="A made-up market, which needs no file."
    )
    on_bad_row: Literal["error", "skip"] = Field(
        "error",
        description="What a row gets that is no bar, is out of order, comes twice, or is of an "
        "unknown symbol: `error` ends the feed with file, line and column; `skip` counts it, and "
        "mentions it in the log.",
    )
    maximum_gap: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        5.0,
        description="Longest pause between two bars of a symbol that is not mentioned, in "
        "intervals; the interval is the shortest step so far where it is not set. 0: no check.",
    )
    maximum_jump: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0.4,
        description="Largest change from the close of a bar to the next open that is no jump, as a "
        "fraction (0.4 is 40 %); near 2:1 to 10:1, as in a split, it always is one. 0: no check.",
    )
    on_jump: OnJump = Field(
        "warn",
        description="What a bar gets whose price jumps: `warn` counts it, mentions it and passes "
        "it on; `error` ends the feed; `skip` leaves it out, until the next confirms the price.",
    )

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        if 0 < self.maximum_gap < 1:
            raise ValueError(
                f"maximum_gap {self.maximum_gap:g} makes every bar a gap; write 1 or more, or 0"
            )
        if self.on_jump != "warn" and not self.maximum_jump:
            raise ValueError(
                f"on_jump {self.on_jump!r} has no effect with maximum_jump 0, which looks for none"
            )
        return self
