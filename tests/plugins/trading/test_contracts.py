"""The contracts that strategies of others fulfil."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hookbus_trading import Bar, Decision, IndicatorInput, Strategy, TradingSignal
from pydantic import BaseModel, Field


class Last:
    """The simplest indicator: the close itself."""

    def update(self, bar: Bar) -> float | None:
        """The close."""
        return bar.close


class Above:
    """A strategy with nothing but what the contract asks for."""

    class Parameters(BaseModel):
        """One limit."""

        limit: float = Field(1.0, description="In the quote currency.")

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """The close."""
        return {"last": Last()}

    def on_bar(self, bar: Bar, values: Mapping[str, float]) -> Decision | None:
        """Long above the limit."""
        return Decision("long") if values["last"] > self.parameters.limit else None


def test_a_plain_class_is_a_strategy() -> None:
    """No base class is needed, and what it decides fits into a signal."""
    kind: type[Strategy] = Above
    strategy = kind(Above.Parameters())
    assert strategy.Parameters is Above.Parameters
    bar = Bar(symbol="A", time=datetime(2024, 1, 1, tzinfo=UTC), open=2, high=2, low=2, close=2)
    values = {
        name: value
        for name, indicator in strategy.indicators().items()
        if (value := indicator.update(bar)) is not None
    }
    decision = strategy.on_bar(bar, values)
    assert decision is not None
    signal = TradingSignal(symbol="A", strategy="above", price=bar.close, **decision._asdict())
    assert (signal.direction, signal.strength, signal.order_type) == ("long", 1.0, "market")


def test_a_decision_has_the_fields_of_a_signal() -> None:
    """What a strategy may say, the signal can carry."""
    assert set(Decision._fields) <= set(TradingSignal.model_fields)


def test_parameters_are_settings() -> None:
    """The parameters of a strategy can be checked and described like any settings."""
    parameters: type[BaseModel] = Above.Parameters
    assert parameters.model_json_schema()["properties"]["limit"]["default"] == 1.0
