"""Contracts between the strategy stage and strategies that others bring along; no behaviour.

A strategy is a class that is found by the name of its entry point in the group
`hookbus.strategies`, or named as `module:Class` in the settings.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel

from hookbus_trading.fields import Direction, OrderType
from hookbus_trading.flow import Bar

__all__ = ["Decision", "IndicatorInput", "Strategy"]


class Decision(NamedTuple):
    """What a strategy wants: a side, how sure it is (0 to 1), and why, for people to read.

    `entry_price`, in the quote currency, goes with `order_type` "limit" and "stop".
    """

    direction: Direction
    strength: float = 1.0
    reason: str = ""
    order_type: OrderType = "market"
    entry_price: float | None = None


class IndicatorInput(Protocol):
    """An incremental indicator: it takes one bar after the other, at a cost that stays the same."""

    def update(self, bar: Bar) -> float | None:
        """Take the next bar; the value after it, None until there is enough history."""


class Strategy(Protocol):
    """One strategy on one symbol. The strategy stage makes one object for each symbol.

    `Parameters` is the pydantic model of its settings; it is built with one of them.
    """

    @property
    def Parameters(self) -> type[BaseModel]:  # noqa: N802 - a class in every implementation
        """The model of the settings, a class in the class."""

    def __init__(self, parameters: Any) -> None:
        """Take the validated parameters."""

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """The indicators that it needs, by name; asked for once, before the first bar."""

    def on_bar(self, bar: Bar, values: Mapping[str, float]) -> Decision | None:
        """Decide after a bar; `values` has the indicators that are ready. None: no opinion."""
