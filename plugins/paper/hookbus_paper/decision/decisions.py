"""Decisions: every order of the risk check as a saga, where the settings ask for it."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from hookbus import (
    Event,
    Journal,
    PluginContext,
    Saga,
    Sagas,
    ServiceMissing,
    UsageError,
)
from hookbus_trading.flow import Order, OrderCancelRequested, OrderEvent, OrderRejected

from hookbus_paper.decision.ledger import CONSUMER, ENTRIES, Ledger, write_entry
from hookbus_paper.decision.lives import Lives
from hookbus_paper.decision.steps import DecisionSteps
from hookbus_paper.orders import about
from hookbus_paper.risk.desk import RiskDesk

__all__ = ["Decisions"]

_NAME = "decision"
_WRITE: Callable[..., Any] = write_entry
_ENDS = ("saga.completed", "saga.compensated")


def _services(context: PluginContext) -> tuple[Sagas, Journal]:
    try:
        return context.service(Sagas), context.service(Journal)
    except ServiceMissing:
        raise UsageError(
            f"[plugins.{context.name}] saga = true needs the plugins journal and saga: install "
            "and enable hookbus-journal and hookbus-saga, or leave the setting out"
        ) from None


class Decisions:
    """Sends what the desk has decided: an order by way of a saga, anything else as it is."""

    def __init__(self, context: PluginContext, desk: RiskDesk) -> None:
        self._desk = desk
        self._bus = context.bus
        self._sagas, journal = _services(context)
        self.lives = Lives()
        self.ledger = Ledger(journal, f"{context.name}:{CONSUMER}")
        steps = DecisionSteps(
            self.ledger,
            self.lives,
            context.bus,
            lambda: desk.refusal,
            at_once=context.clock.simulated,
        )
        self._sagas.define(_NAME, steps.steps())

    async def prepare(self) -> None:
        """Listen, and make the tables; orders and what becomes of them are durable from now on."""
        subscribe, write = self._bus.subscribe, _WRITE
        subscribe(ENTRIES, write, name=CONSUMER, delivery="durable", transaction=True)
        subscribe(ENTRIES, self._follow, name="orders", mode="inline")
        subscribe(_ENDS, lambda end: self.lives.forget(end.saga), name="sagas", mode="inline")
        await self.ledger.prepare()

    def left(self) -> list[Saga]:
        """The decisions of earlier runs that have not ended."""
        return [saga for saga in self._sagas.open() if saga.name == _NAME]

    def send(self, event: Event) -> None:
        """Send an order, a refusal or a wish to cancel."""
        if isinstance(event, Order):
            self._begin(event)
        elif not (isinstance(event, OrderCancelRequested) and self._is_held(event)):
            self._bus.publish_forced(event)

    def _begin(self, order: Order) -> None:
        self.lives.expect(order)
        data = {"order": order.model_dump_json(), "seen": self._desk.basis(order)}
        begun = asyncio.ensure_future(self._sagas.begin(_NAME, order.order_id, data))
        begun.add_done_callback(partial(self._begun, order))

    def _begun(self, order: Order, begun: "asyncio.Future[Any]") -> None:
        """Where the decision could not be recorded, it is none."""
        if begun.cancelled() or begun.exception() is None:
            return
        self.lives.forget(order.order_id)
        reason = f"the decision could not be recorded: {begun.exception()}"
        rejected = OrderRejected(**about(order), type=order.type, rule="journal", reason=reason)
        for event in self._desk.on_order_ended(rejected):
            self.send(event)
        self._bus.publish_forced(rejected)

    def _is_held(self, request: OrderCancelRequested) -> bool:
        """Whether the order has not been placed yet; then it is cancelled on its way."""
        life = self.lives.get(request.order_id)
        if life is None or life.placed:
            return False
        life.unwanted = request.reason
        return True

    def _follow(self, event: OrderEvent) -> None:
        life = self.lives.follow(event)
        if life is None:
            return
        if life.ended is not None:
            self._sagas.awake(event.order_id)
        elif isinstance(event, Order) and life.unwanted is not None:
            request = OrderCancelRequested(**about(event), reason=life.unwanted)
            self._bus.publish_forced(request)
