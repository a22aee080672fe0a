"""The limits of each mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from hookbus import Settings
from hookbus_trading.fields import Fraction, Name
from pydantic import Field

__all__ = [
    "AggressiveLimits",
    "DefensiveLimits",
    "LimitSettings",
    "NormalLimits",
    "looser_keys",
    "shown",
]

_Positions = Annotated[int, Field(ge=0)] | Literal["unlimited"]


def _confidence(default: float) -> Any:
    return Field(
        default, description="Least strength of a signal that may open a position, 0 to 1."
    )


def _risk(default: float) -> Any:
    return Field(
        default, description="Largest value of a new position, as a fraction of equity, 0 to 1."
    )


def _positions(default: int) -> Any:
    return Field(
        default,
        description='Most symbols that may be held at one time; "unlimited": any number.',
    )


class LimitSettings(Settings):
    """The limits of one mode."""

    allowed_strategies: tuple[Name, ...] | Literal["all"] = Field(
        "all", description='Strategies that may open positions; "all", or a list of names.'
    )
    minimum_confidence: Fraction
    maximum_risk_per_trade: Fraction
    maximum_positions: _Positions

    @property
    def strategies(self) -> tuple[str, ...] | None:
        """The strategies that may open positions, None when all may."""
        return None if self.allowed_strategies == "all" else self.allowed_strategies

    @property
    def positions(self) -> int | None:
        """The most positions, None when there is no limit."""
        return None if self.maximum_positions == "unlimited" else self.maximum_positions


class AggressiveLimits(LimitSettings):
    """The limits while the mode is aggressive."""

    minimum_confidence: Fraction = _confidence(0.0)
    maximum_risk_per_trade: Fraction = _risk(0.10)
    maximum_positions: _Positions = _positions(10)


class NormalLimits(LimitSettings):
    """The limits while the mode is normal."""

    minimum_confidence: Fraction = _confidence(0.2)
    maximum_risk_per_trade: Fraction = _risk(0.05)
    maximum_positions: _Positions = _positions(6)


class DefensiveLimits(LimitSettings):
    """The limits while the mode is defensive."""

    minimum_confidence: Fraction = _confidence(0.5)
    maximum_risk_per_trade: Fraction = _risk(0.02)
    maximum_positions: _Positions = _positions(2)


def looser_keys(mild: LimitSettings, strict: LimitSettings) -> list[tuple[str, str]]:
    """The keys in which the mode that should be stricter is not, and what it must not do."""
    found = []
    if strict.minimum_confidence < mild.minimum_confidence:
        found.append(("minimum_confidence", "accept weaker signals"))
    if strict.maximum_risk_per_trade > mild.maximum_risk_per_trade:
        found.append(("maximum_risk_per_trade", "risk more"))
    if mild.positions is not None and (
        strict.positions is None or strict.positions > mild.positions
    ):
        found.append(("maximum_positions", "hold more"))
    if mild.strategies is not None and (
        strict.strategies is None or not set(strict.strategies) <= set(mild.strategies)
    ):
        found.append(("allowed_strategies", "allow more strategies"))
    return found


def shown(value: float | str | Sequence[str]) -> str:
    """A setting as it stands in the file."""
    return f"{value:g}" if isinstance(value, int | float) else repr(value)
