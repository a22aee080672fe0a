"""What the events of one order have in common."""

from typing import Any

from hookbus_trading.flow import OrderEvent

__all__ = ["about"]


def about(order: OrderEvent) -> dict[str, Any]:
    """The fields that every event about this order repeats."""
    return {
        "order_id": order.order_id,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "strategy": order.strategy,
        "book": order.book,
        "time": order.time,
    }
