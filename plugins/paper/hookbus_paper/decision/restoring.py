"""Restoring: the books of earlier runs, made anew from their orders and fills."""

from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal

from hookbus import PluginContext, Saga, ServiceMissing
from hookbus_trading.flow import Fill, Order, OrderEvent

from hookbus_paper.decision.decisions import Decisions
from hookbus_paper.decision.steps import reservation_of, wanted_by
from hookbus_paper.execution.broker import PaperBroker
from hookbus_paper.money import EXACT
from hookbus_paper.portfolio.library import Library
from hookbus_paper.risk.desk import RiskDesk

__all__ = ["restore"]


class _OpenOrders:
    """The orders that have not ended, with their fills."""

    def __init__(self) -> None:
        self.orders: dict[str, tuple[Order, list[Fill]]] = {}

    def follow(self, event: OrderEvent) -> None:
        """Take the next event."""
        if isinstance(event, Order):
            self.orders[event.order_id] = (event, [])
        elif not isinstance(event, Fill) or self._is_filled(event):
            self.orders.pop(event.order_id, None)

    def _is_filled(self, fill: Fill) -> bool:
        if fill.order_id not in self.orders:
            return True
        order, fills = self.orders[fill.order_id]
        fills.append(fill)
        filled = Decimal(0)
        for one in fills:
            filled = EXACT.add(filled, one.quantity)
        return filled >= order.quantity


async def restore(context: PluginContext, decisions: Decisions, desk: RiskDesk) -> None:
    """Bring the desk, and where they are here the portfolio and the broker, to where they were."""
    left = decisions.left()
    for saga in left:
        decisions.lives.expect(wanted_by(saga.data))
    reservations = await decisions.ledger.reservations()
    library, opened, entries = _library(context), _OpenOrders(), 0
    async for event in decisions.ledger.entries():
        entries += 1
        decisions.lives.follow(event)
        opened.follow(event)
        made = reservations.get(event.order_id)
        price, opens = (None, False) if made is None else (made.price, made.opens)
        desk.restore(event, price, opens=opens)
        if library is not None and isinstance(event, Fill):
            library.restore(event)
    unplaced = [saga.data for saga in left if _is_unplaced(decisions, saga)]
    for data in unplaced:
        reserved = reservation_of(data)
        desk.restore(wanted_by(data), reserved.price, opens=reserved.opens)
    _restore_broker(context, opened, [wanted_by(data).symbol for data in unplaced])
    if entries or left:
        context.log.info(
            "books restored", entries=entries, open_orders=len(opened.orders), decisions=len(left)
        )


def _library(context: PluginContext) -> Library | None:
    with suppress(ServiceMissing):
        return context.service(Library)
    return None


def _is_unplaced(decisions: Decisions, saga: Saga) -> bool:
    life = decisions.lives.get(saga.id)
    return life is not None and not life.placed and life.ended is None


def _restore_broker(context: PluginContext, opened: _OpenOrders, symbols: Iterable[str]) -> None:
    with suppress(ServiceMissing):
        broker = context.service(PaperBroker)
        for symbol in symbols:
            broker.expect(symbol)
        for order, fills in opened.orders.values():
            broker.restore(order, fills)
