"""Lives: what is known of the orders that decisions have led to, from events that are committed."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hookbus_trading.flow import Fill, Order, OrderCancelled, OrderEvent, OrderRejected

from hookbus_paper.money import EXACT
from hookbus_paper.risk.rules import Refusal

__all__ = ["Life", "Lives"]

_ZERO = Decimal(0)


@dataclass(slots=True)
class Life:
    """One order: whether it was placed, what of it was filled, for how much, and how it ended.

    `value` is the sum of price times quantity; `ended` says how, None while it goes on; `unwanted`
    says why it is to be cancelled as soon as it is placed, `refused` why it must not be placed.
    """

    quantity: Decimal
    placed: bool = False
    filled: Decimal = _ZERO
    value: Decimal = _ZERO
    commission: Decimal = _ZERO
    ended: str | None = None
    unwanted: str | None = None
    refused: Refusal | None = None

    def figures(self) -> dict[str, Any]:
        """What came of it, for the record."""
        return {
            "ended": self.ended,
            "filled": str(self.filled),
            "value": str(self.value),
            "commission": str(self.commission),
        }


class Lives:
    """Follows the orders that it was told to expect, and no others."""

    def __init__(self) -> None:
        self._lives: dict[str, Life] = {}

    def expect(self, order: Order) -> Life:
        """A decision has led to this order."""
        return self._lives.setdefault(order.order_id, Life(order.quantity))

    def get(self, order_id: str) -> Life | None:
        """What is known of an order; None where it is not expected."""
        return self._lives.get(order_id)

    def items(self) -> list[tuple[str, Life]]:
        """What is known of every order that is expected, by its identifier."""
        return list(self._lives.items())

    def forget(self, order_id: str) -> None:
        """Nobody will ask any more."""
        self._lives.pop(order_id, None)

    def follow(self, event: OrderEvent) -> Life | None:
        """Take an event; the life of its order if it is one of these."""
        life = self._lives.get(event.order_id)
        if life is None or life.ended is not None:
            return life
        if isinstance(event, Order):
            life.placed = True
        elif isinstance(event, Fill):
            _fill(life, event)
        elif isinstance(event, OrderCancelled | OrderRejected):
            word = "cancelled" if isinstance(event, OrderCancelled) else "rejected"
            life.ended = f"{word}: {event.reason}"
        return life


def _fill(life: Life, fill: Fill) -> None:
    life.filled = EXACT.add(life.filled, fill.quantity)
    life.value = EXACT.add(life.value, EXACT.multiply(fill.quantity, fill.price))
    life.commission = EXACT.add(life.commission, fill.commission)
    if life.filled >= life.quantity:
        life.ended = "filled"
