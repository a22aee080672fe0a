"""The settings of the opportunity ranking: `[plugins.opprank]`."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from hookbus import Job, Settings, UsageError
from hookbus_trading.fields import Symbol
from pydantic import Field, model_validator

from hookbus_opprank.events import RankingRequested
from hookbus_opprank.ranges import EstimatorName

__all__ = ["OpprankSettings", "RuleSettings", "WeightSettings"]

Weight = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
Limit = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Window = Annotated[int, Field(ge=1, le=100_000)]

_PUBLISHED = "control.opportunities"


class WeightSettings(Settings):
    """What each criterion counts for, no unit; 0 leaves it out, and below 0 turns it round."""

    momentum: Weight = Field(1.0, description="Weight of the return over the momentum window.")
    volatility_adjusted: Weight = Field(
        1.0, description="Weight of the return per realised volatility."
    )
    liquidity: Weight = Field(1.0, description="Weight of the average traded value.")
    range: Weight = Field(
        1.0, description="Weight of the range of prices; a smaller one is better."
    )

    @model_validator(mode="after")
    def _not_all_zero(self) -> Self:
        if self.used():
            return self
        zeros = ", ".join(f"{name} 0" for name in type(self).model_fields)
        raise ValueError(f"all weights are zero ({zeros}): give at least one criterion a weight")

    def used(self) -> dict[str, float]:
        """The weights that are not zero, by criterion."""
        return {name: weight for name, weight in self if weight}


class RuleSettings(Settings):
    """Which symbols are not ranked. Prices are closes as quoted, in the quote currency."""

    include: tuple[Symbol, ...] = Field(
        (), description="Symbols that may be ranked; empty: all that have bars."
    )
    exclude: tuple[Symbol, ...] = Field((), description="Symbols that are never ranked.")
    minimum_bars: Window | None = Field(
        None,
        description="Bars that a symbol must have had; when not set, as many as the windows need.",
    )
    maximum_age: Seconds = Field(
        864_000.0,
        description="A symbol without a bar for longer than this is left out, in seconds.",
    )
    maximum_gap: Seconds = Field(
        864_000.0,
        description="A symbol with two bars further apart than this, in seconds, is left out until "
        "its windows are past the gap.",
    )
    maximum_move: float = Field(
        0.3,
        gt=0,
        description="A symbol whose price moved by more than this fraction in one bar, as at a "
        "split, is left out until its windows are past the move; inf: no limit.",
    )
    minimum_price: Limit = Field(0.0, description="Least last close that is ranked.")
    maximum_price: Limit | None = Field(None, description="Highest last close that is ranked.")
    minimum_traded_value: Limit = Field(
        0.0,
        description="Least average traded value of a bar that is ranked, in the quote currency.",
    )
    maximum_volatility: Limit | None = Field(
        None,
        description="Highest realised volatility that is ranked: standard deviation of the log "
        "return of one bar, as a fraction.",
    )

    @model_validator(mode="after")
    def _lists_are_disjoint(self) -> Self:
        both = sorted(set(self.include) & set(self.exclude))
        if both:
            raise ValueError(
                f"{', '.join(both)}: named in include and in exclude; take it out of one of them"
            )
        return self

    @model_validator(mode="after")
    def _prices_leave_room(self) -> Self:
        if self.maximum_price is None or self.minimum_price <= self.maximum_price:
            return self
        raise ValueError(
            f"minimum_price {self.minimum_price:g} is above maximum_price {self.maximum_price:g}: "
            "no symbol could be ranked"
        )


class OpprankSettings(Settings):
    """When symbols are ranked, and how. Windows are counted in bars of the symbol.

    With no schedule set (`every_bars`, `on`, `every`, `cron`) there is a ranking after every bar.
    With both events and a timer, events decide, and the timer is what `[jobs."opprank.rank"]`
    and `[events] enabled = false` fall back on.
    """

    weights: WeightSettings = Field(WeightSettings(), description="What each criterion counts for.")
    rules: RuleSettings = Field(RuleSettings(), description="Which symbols are not ranked.")
    normalise: Literal["zscore", "rank"] = Field(
        "zscore",
        description="How a criterion is made comparable over the symbols: standard deviations from "
        "the mean, or the rank from 0 (worst) to 1 (best).",
    )
    momentum_window: Window = Field(
        20, description="Momentum is the return since the close so many bars ago."
    )
    momentum_skip: Annotated[int, Field(ge=0)] = Field(
        0, description="Newest bars that momentum leaves out; fewer than momentum_window."
    )
    volatility_window: Annotated[Window, Field(ge=2)] = Field(
        20, description="Returns that the volatility-adjusted return is made of, in bars."
    )
    liquidity_window: Window = Field(20, description="Bars that the traded value is averaged over.")
    range_window: Window = Field(20, description="Bars that the range is averaged over.")
    range_estimator: EstimatorName = Field(
        "range", description="The range: (high - low) / close, or Parkinson's volatility."
    )
    adjusted: bool = Field(
        True, description="Whether returns use the adjusted close of bars that have one."
    )
    top: Annotated[int, Field(ge=1)] = Field(10, description="Symbols that are ranked, at most.")
    publish: Literal["changed", "always"] = Field(
        "changed",
        description="Whether a ranking is published only when other symbols are ranked, or in "
        "another order, than in the one published before.",
    )
    every_bars: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="Rank after every so many bars; bars of several symbols with one time are one.",
    )
    on: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="Rank on events: wire-name patterns such as pipeline.markets_scored."
    )
    settle: Annotated[float, Field(ge=0.001, le=86_400)] = Field(
        1.0,
        description="Seconds from the first bar or event to the ranking, so that those of other "
        "symbols with the same time are in; less than the time between bars.",
    )
    every: Annotated[float, Field(ge=0.001, allow_inf_nan=False)] | None = Field(
        None, description="Rank every so many seconds of the host's clock."
    )
    cron: str | None = Field(None, description="Rank by a cron line of five fields, or six.")
    timezone: str = Field("UTC", description="Time zone of the cron line (IANA name).")
    maximum_symbols: Annotated[int, Field(ge=1)] = Field(
        1_000, description="Symbols that are followed; bars of further ones are only counted."
    )
    maximum_reasons: Annotated[int, Field(ge=0)] = Field(
        100, description="Excluded symbols that an event names with the reason; all are counted."
    )

    @model_validator(mode="after")
    def _windows_agree(self) -> Self:
        if self.momentum_skip >= self.momentum_window:
            raise ValueError(
                f"momentum_skip {self.momentum_skip} leaves nothing of momentum_window "
                f"{self.momentum_window}: it must be smaller"
            )
        least, needed = self.rules.minimum_bars, self.needed_bars()
        if least is not None and least < self.span:
            key = max(needed, key=lambda name: needed[name])
            raise ValueError(
                f"rules.minimum_bars {least} is fewer than the {needed[key]} bars that {key} "
                f"{getattr(self, key)} needs"
            )
        return self

    @model_validator(mode="after")
    def _included_symbols_have_room(self) -> Self:
        if len(self.rules.include) <= self.maximum_symbols:
            return self
        raise ValueError(
            f"rules.include names {len(self.rules.include)} symbols, more than maximum_symbols "
            f"{self.maximum_symbols}"
        )

    @model_validator(mode="after")
    def _rankings_cause_no_rankings(self) -> Self:
        looping = [pattern for pattern in self.on if fnmatchcase(_PUBLISHED, pattern)]
        if looping:
            raise ValueError(
                f"on {looping[0]!r} matches {_PUBLISHED}, so that each ranking would cause another "
                "one; name other events"
            )
        return self

    @model_validator(mode="after")
    def _schedule_is_possible(self) -> Self:
        try:
            self.job(_nothing)
        except UsageError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def bars_between(self) -> int | None:
        """Bars from one ranking to the next; None when bars do not cause rankings."""
        if self.every_bars is None and not (self.on or self.every or self.cron):
            return 1
        return self.every_bars

    def needed_bars(self) -> dict[str, int]:
        """How many bars a symbol must have had for each window that is in use, by its key."""
        used, rules = self.weights.used(), self.rules
        needed = {
            "momentum_window": (self.momentum_window + 1) * ("momentum" in used),
            "volatility_window": (self.volatility_window + 1)
            * ("volatility_adjusted" in used or rules.maximum_volatility is not None),
            "liquidity_window": self.liquidity_window
            * ("liquidity" in used or rules.minimum_traded_value > 0),
            "range_window": self.range_window * ("range" in used),
        }
        return {key: bars for key, bars in needed.items() if bars}

    @property
    def span(self) -> int:
        """How many bars the longest window in use reaches over."""
        return max(self.needed_bars().values())

    def job(self, rank: Callable[..., Any]) -> Job:
        """The job that runs `rank`; raises `UsageError` for a schedule that makes no sense."""
        events = (*((RankingRequested,) if self.bars_between else ()), *self.on)
        return Job(
            "rank",
            rank,
            every=self.every,
            cron=self.cron,
            timezone=self.timezone,
            on=events or None,
            batch_window=self.settle if events else None,
            trigger="event" if events else "timer",
        )


def _nothing() -> None:
    """Stand in for the work of a job that is only checked."""
