"""The settings of the controller: `[plugins.msc]`."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from hookbus import Settings
from hookbus_trading.fields import Name, RiskMode, Symbol, UtcTime
from pydantic import Field, model_validator

from hookbus_msc.limits import (
    AggressiveLimits,
    DefensiveLimits,
    LimitSettings,
    NormalLimits,
    looser_keys,
    shown,
)

__all__ = [
    "DailyLossSettings",
    "DrawdownSettings",
    "GatingSettings",
    "HealthSettings",
    "HitRateSettings",
    "MscSettings",
    "PinSettings",
    "RelaxSettings",
    "VolatilitySettings",
]

_Share = Annotated[float, Field(gt=0, le=1)]
_Ratio = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Seconds = Annotated[float, Field(ge=0, le=10 * 366 * 86_400)]


def _check_trades(least: int, most: int) -> None:
    if least > most:
        raise ValueError(
            f"minimum_trades = {least} must not be above trades = {most}: so many never count"
        )


class _RisingSettings(Settings):
    """Thresholds of a figure that is worse the higher it is."""

    enabled: bool = Field(True, description="Whether this input takes part in the decision.")
    normal: float
    defensive: float

    @model_validator(mode="after")
    def _normal_comes_first(self) -> Self:
        if self.normal >= self.defensive:
            raise ValueError(
                f"normal = {self.normal:g} must be below defensive = {self.defensive:g}: what is "
                "worse demands the more defensive mode"
            )
        return self


class DrawdownSettings(_RisingSettings):
    """The fall of equity from its highest value so far, as a fraction of that."""

    normal: _Share = Field(0.05, description="From this fraction on: at most normal.")
    defensive: _Share = Field(0.10, description="From this fraction on: defensive.")


class DailyLossSettings(_RisingSettings):
    """The loss of equity since the start of the UTC day, as a fraction of equity then."""

    normal: _Share = Field(0.015, description="From this fraction on: at most normal.")
    defensive: _Share = Field(0.03, description="From this fraction on: defensive.")


class VolatilitySettings(_RisingSettings):
    """Volatility over a short window, as a multiple of that over a long one."""

    normal: _Ratio = Field(1.2, description="From this multiple on: at most normal.")
    defensive: _Ratio = Field(1.8, description="From this multiple on: defensive.")
    estimator: Literal["close-to-close", "parkinson"] = Field(
        "close-to-close",
        description="Variance of one bar: its squared logarithmic return from close to close, or "
        "Parkinson's from high and low, which does not see gaps between bars.",
    )
    short_window: Annotated[int, Field(ge=1)] = Field(
        32, description="Window of the volatility of now, in bars: lambda = 1 - 2 / (window + 1)."
    )
    long_window: Annotated[int, Field(ge=2)] = Field(
        500, description="Window of the usual volatility, in bars; lambda as above."
    )
    minimum_bars: Annotated[int, Field(ge=1)] = Field(
        100, description="Returns of a symbol before it counts; until then: at most normal."
    )
    symbols: tuple[Symbol, ...] = Field(
        (), description="Symbols that are averaged, with equal weights; empty: all that come."
    )

    @model_validator(mode="after")
    def _windows_are_in_order(self) -> Self:
        short, least, long = self.short_window, self.minimum_bars, self.long_window
        if short >= long:
            raise ValueError(
                f"short_window = {short} must be below long_window = {long}: volatility is "
                "measured against a longer past"
            )
        if not short <= least <= long:
            raise ValueError(
                f"minimum_bars = {least} must lie between short_window = {short} and "
                f"long_window = {long}"
            )
        return self


class HitRateSettings(Settings):
    """The share of won trades, as far as the last trades prove it (Wilson score interval)."""

    enabled: bool = Field(True, description="Whether this input takes part in the decision.")
    trades: Annotated[int, Field(ge=1, le=10_000)] = Field(
        50, description="How many of the last trades count."
    )
    minimum_trades: Annotated[int, Field(ge=1)] = Field(
        10, description="Trades before the hit rate decides; until then: at most normal."
    )
    z: Annotated[float, Field(gt=0, le=10)] = Field(
        1.645, description="Half width of the interval in standard deviations; 1.645 means 90 %."
    )
    normal: _Share = Field(
        0.35, description="At most normal while the interval begins below this hit rate."
    )
    defensive: _Share = Field(
        0.30, description="Defensive while the whole interval lies below this hit rate."
    )

    @model_validator(mode="after")
    def _thresholds_can_be_met(self) -> Self:
        if self.defensive >= self.normal:
            raise ValueError(
                f"defensive = {self.defensive:g} must be below normal = {self.normal:g}: the lower "
                "hit rate demands the more defensive mode"
            )
        _check_trades(self.minimum_trades, self.trades)
        return self

    @property
    def best(self) -> float:
        """Where the interval begins when every trade is won: its highest possible beginning."""
        return self.trades / (self.trades + self.z**2)


class HealthSettings(Settings):
    """The health of the system: degraded is at most normal, critical is defensive."""

    enabled: bool = Field(True, description="Whether this input takes part in the decision.")
    components: tuple[Name, ...] = Field(
        (), description="Components that count, such as `system`; empty: all of them."
    )
    confirm_within: _Seconds = Field(
        3_600.0,
        description="Seconds after a restart for which a component that was not healthy before "
        "still counts when nothing is heard of it.",
    )


class RelaxSettings(Settings):
    """What must be so before the mode relaxes by one step."""

    after_seconds: _Seconds = Field(
        86_400.0, description="Seconds for which every input must have been calm."
    )
    after_observations: Annotated[int, Field(ge=1)] = Field(
        20, description="Observations (bars, portfolios, trades, health) that must have been calm."
    )
    hysteresis: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.2,
        description="Fraction by which an input must have cleared a threshold to be calm: below "
        "0.8 times a drawdown or volatility, above 1.2 times a hit rate, when it is 0.2.",
    )


class GatingSettings(Settings):
    """Taking out strategies whose own last trades are bad."""

    strategies: tuple[Name, ...] = Field(
        (), description="Strategies that are watched, all that there are; empty: none is taken out."
    )
    trades: Annotated[int, Field(ge=1, le=10_000)] = Field(
        30, description="How many of a strategy's last trades count."
    )
    minimum_trades: Annotated[int, Field(ge=1)] = Field(
        10, description="Trades of a strategy before it can be taken out."
    )
    minimum_hit_rate: _Share | None = Field(
        0.35, description="Out when the whole Wilson interval lies below it."
    )
    minimum_profit_factor: _Ratio | None = Field(
        0.6, description="Out when gains divided by losses are below it."
    )
    back_after: Annotated[float, Field(gt=0, le=10 * 366 * 86_400)] | None = Field(
        604_800.0,
        description="Seconds until a strategy gets another chance, with its trades forgotten. "
        "Without one it stays out until the state is removed.",
    )

    @model_validator(mode="after")
    def _trades_suffice(self) -> Self:
        _check_trades(self.minimum_trades, self.trades)
        return self


class PinSettings(Settings):
    """A mode fixed by hand."""

    mode: RiskMode = Field(description="The mode that is kept, whatever the inputs say.")
    reason: Name = Field("pinned in the settings", description="Why, for people to read.")
    until: UtcTime | None = Field(
        None, description="Instant at which it ends, with a time zone; none: never."
    )


class MscSettings(Settings):
    """How much may be risked in each mode, and what leads from one mode to another."""

    aggressive: AggressiveLimits = Field(AggressiveLimits(), description="Limits of aggressive.")
    normal: NormalLimits = Field(NormalLimits(), description="Limits of normal.")
    defensive: DefensiveLimits = Field(DefensiveLimits(), description="Limits of defensive.")
    drawdown: DrawdownSettings = Field(DrawdownSettings(), description="Fall from the peak.")
    daily_loss: DailyLossSettings = Field(DailyLossSettings(), description="Loss of the day.")
    volatility: VolatilitySettings = Field(VolatilitySettings(), description="Volatility regime.")
    hit_rate: HitRateSettings = Field(HitRateSettings(), description="Share of won trades.")
    health: HealthSettings = Field(HealthSettings(), description="Health of the system.")
    relax: RelaxSettings = Field(RelaxSettings(), description="How slowly the mode relaxes.")
    gating: GatingSettings = Field(GatingSettings(), description="Taking out bad strategies.")
    pin: PinSettings | None = Field(None, description="A mode fixed by hand; none: not fixed.")
    save_every: Annotated[float, Field(ge=0.1, le=3_600)] = Field(
        10.0, description="Seconds between two writings of the state, beside those on every change."
    )

    @property
    def limits(self) -> tuple[LimitSettings, LimitSettings, LimitSettings]:
        """The limits by level: aggressive, normal, defensive."""
        return self.aggressive, self.normal, self.defensive

    @model_validator(mode="after")
    def _defence_is_stricter(self) -> Self:
        named = list(zip(("aggressive", "normal", "defensive"), self.limits, strict=True))
        for (milder, mild), (stricter, strict) in pairwise(named):
            for key, looser in looser_keys(mild, strict):
                raise ValueError(
                    f"{stricter}.{key} = {shown(getattr(strict, key))} is looser than "
                    f"{milder}.{key} = {shown(getattr(mild, key))}: the more defensive mode must "
                    f"not {looser}"
                )
        return self

    @model_validator(mode="after")
    def _hit_rate_can_be_calm(self) -> Self:
        hit, margin = self.hit_rate, self.relax.hysteresis
        if hit.enabled and hit.normal * (1 + margin) > hit.best:
            raise ValueError(
                f"hit_rate.normal = {hit.normal:g} with relax.hysteresis = {margin:g} can never be "
                f"cleared by hit_rate.trades = {hit.trades} with hit_rate.z = {hit.z:g}: even if "
                f"all are won, the interval begins at {hit.best:.3f}"
            )
        return self

    @model_validator(mode="after")
    def _gated_strategies_are_known(self) -> Self:
        watched = self.gating.strategies
        for mode, limits in zip(("aggressive", "normal", "defensive"), self.limits, strict=True):
            unknown = [name for name in limits.strategies or () if name not in watched]
            if watched and unknown:
                raise ValueError(
                    f"{mode}.allowed_strategies names {shown(unknown)}, which "
                    f"gating.strategies = {shown(watched)} does not watch: name all or none there"
                )
        return self
