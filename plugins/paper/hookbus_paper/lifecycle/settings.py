"""Settings of the life cycle: the gates between the stages of a strategy."""

from typing import Literal, Self

from hookbus import Settings
from pydantic import Field, model_validator

__all__ = ["DemotionGate", "LifecycleSettings", "PromotionGate"]


class PromotionGate(Settings):
    """What a strategy must have shown in a stage, all of it, to go to the next one."""

    minimum_trades: int = Field(30, ge=1, description="Least number of closed trades.")
    minimum_days: float = Field(
        0.0, ge=0, description="Least time from its first entry to its last exit, in days."
    )
    minimum_return: float | None = Field(
        None, description="Least profit of its trades, as a fraction of the book's equity before."
    )
    minimum_win_rate: float | None = Field(
        None, ge=0, le=1, description="Least share of trades that gained money after costs."
    )
    minimum_profit_factor: float | None = Field(
        None, ge=0, description="Least sum of profits over sum of losses."
    )
    minimum_t_statistic: float | None = Field(
        None, description="Least t-statistic of the mean return of its trades."
    )
    maximum_drawdown: float | None = Field(
        None, gt=0, le=1, description="Deepest fall of its profit, as a fraction of equity."
    )


class DemotionGate(Settings):
    """What sends a strategy back, any of it, once it has enough trades in a stage."""

    minimum_trades: int = Field(10, ge=1, description="Closed trades before it is judged.")
    below_return: float | None = Field(
        None, description="Profit of its trades, as a fraction of equity, below which it goes."
    )
    below_win_rate: float | None = Field(
        None, ge=0, le=1, description="Share of winning trades below which it goes."
    )
    below_profit_factor: float | None = Field(
        None, ge=0, description="Sum of profits over sum of losses below which it goes."
    )
    above_drawdown: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Fall of its profit, as a fraction of equity, above which it goes, however "
        "few its trades.",
    )

    @model_validator(mode="after")
    def _judges_something(self) -> Self:
        limits = (self.below_return, self.below_win_rate, self.below_profit_factor)
        if all(one is None for one in (*limits, self.above_drawdown)):
            raise ValueError(
                "a demotion gate needs at least one of below_return, below_win_rate, "
                "below_profit_factor, above_drawdown"
            )
        return self


class LifecycleSettings(Settings):
    """The gates; a stage without one is left only by hand."""

    promote: dict[Literal["backtest", "shadow"], PromotionGate] = Field(
        default_factory=dict,
        description="Gates out of a stage upwards: `[plugins.lifecycle.promote.shadow]`.",
    )
    demote: dict[Literal["shadow", "live"], DemotionGate] = Field(
        default_factory=dict,
        description="Gates out of a stage downwards: `[plugins.lifecycle.demote.live]`.",
    )
    retire_after: int | None = Field(
        None, ge=1, description="Demotions after which a strategy is retired; none: never."
    )

    @model_validator(mode="after")
    def _gates_agree(self) -> Self:
        if self.retire_after is not None and not self.demote:
            raise ValueError(
                f"retire_after {self.retire_after} without a gate in demote never happens"
            )
        up, down = self.promote.get("shadow"), self.demote.get("shadow")
        if up is None or down is None:
            return self
        for name in ("return", "win_rate", "profit_factor"):
            least, below = getattr(up, f"minimum_{name}"), getattr(down, f"below_{name}")
            if least is not None and below is not None and least < below:
                raise ValueError(
                    f"promote.shadow.minimum_{name} {least} is less than "
                    f"demote.shadow.below_{name} {below}: a strategy could be due for both"
                )
        most, above = up.maximum_drawdown, down.above_drawdown
        if most is not None and above is not None and most > above:
            raise ValueError(
                f"promote.shadow.maximum_drawdown {most} is more than "
                f"demote.shadow.above_drawdown {above}: a strategy could be due for both"
            )
        return self
