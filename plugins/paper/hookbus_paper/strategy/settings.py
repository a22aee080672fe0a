"""Settings of the strategy stage."""

from difflib import get_close_matches
from typing import Any, Self

from hookbus import Settings
from hookbus_trading.fields import Stage
from pydantic import Field, ValidationError, model_validator

from hookbus_paper.strategy.catalog import strategy_class

__all__ = ["StrategySettings", "StrategySpec"]


class StrategySpec(Settings):
    """One strategy: what it is, what it trades, and how far it has come."""

    kind: str = Field(
        description="`sma-cross`, `rsi-reversion`, `donchian-breakout` or `buy-and-hold`; the name "
        "of an entry point in the group `hookbus.strategies`; or `module:Class`."
    )
    symbols: tuple[str, ...] = Field(
        (), description="Symbols to trade; empty trades every symbol that has bars."
    )
    stage: Stage = Field(
        "live",
        description="`backtest` and `shadow` trade on a paper book of their own, `live` on the "
        "book `main`, `retired` not at all.",
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Parameters of the kind; see the README for its own."
    )

    @model_validator(mode="after")
    def _parameters_fit(self) -> Self:
        self.build()
        return self

    def build(self) -> Any:
        """A fresh object of the strategy; raises `ValueError` naming every bad parameter."""
        cls = strategy_class(self.kind)
        try:
            return cls(cls.Parameters.model_validate(self.parameters))
        except ValidationError as error:
            known = list(cls.Parameters.model_fields)
            told = "; ".join(_in_words(one, known) for one in error.errors(include_url=False))
            listed = ", ".join(known) or "none"
            raise ValueError(f"{told} (parameters of {self.kind}: {listed})") from None
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"{self.kind} cannot be built: {what}") from error


def _in_words(problem: Any, known: list[str]) -> str:
    place = ".".join(map(str, ("parameters", *problem["loc"])))
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(str(problem["loc"][-1]), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"{place}: there is no such parameter{hint}"
    given = f", not {problem['input']!r}" if problem["loc"] else ""
    return f"{place}: {problem['msg']}{given}"


class StrategySettings(Settings):
    """The strategies, each under a name that its signals, orders and books carry."""

    strategies: dict[str, StrategySpec] = Field(
        default_factory=lambda: {"sma-cross": StrategySpec(kind="sma-cross")},
        description="Tables by name: `[plugins.strategy.strategies.NAME]`.",
    )
    publish_indicators: bool = Field(
        False, description="Publish the value of every indicator as an Indicator event at each bar."
    )
    maximum_failures: int = Field(
        3,
        ge=1,
        description="Failures in a row after which a strategy is stopped in a symbol, and its "
        "position closed.",
    )
