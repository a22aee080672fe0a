"""The steps of a decision: reserve, decide, execute, settle.

What was seen is what the saga is begun with; what was decided, placed and settled is recorded with
the steps. The saga is called as its order is, so whoever is asked twice can tell.
"""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any

from hookbus import Bus, Outcome, Step
from hookbus_trading.flow import Order, OrderCancelRequested, OrderRejected

from hookbus_paper.decision.ledger import Ledger, Reservation, end_reservation
from hookbus_paper.decision.lives import Lives
from hookbus_paper.orders import about
from hookbus_paper.risk.rules import Refusal

__all__ = ["DecisionSteps", "reservation_of", "wanted_by"]

Data = Mapping[str, Any]

_A_DAY = 86_400.0
"""Seconds that a step may wait for the journal: a commit that is given up may still come."""


def wanted_by(data: Data) -> Order:
    """The order that a decision was begun for."""
    return Order.model_validate_json(data["order"])


def reservation_of(data: Data) -> Reservation:
    """What a decision takes of its book."""
    return Reservation(Decimal(data["seen"]["price"]), data["seen"]["opens"])


class DecisionSteps:
    """The four steps, as functions of what is recorded and of what is known of the orders.

    `refusal` says why nothing may be ordered now. `at_once` says that what is published is
    committed and heard before the call returns, as it is under a simulated clock.
    """

    def __init__(
        self,
        ledger: Ledger,
        lives: Lives,
        bus: Bus,
        refusal: Callable[[], Refusal | None],
        *,
        at_once: bool,
    ) -> None:
        self._ledger = ledger
        self._lives = lives
        self._bus = bus
        self._refusal = refusal
        self._at_once = at_once

    def steps(self) -> tuple[Step, ...]:
        """The definition."""
        return (
            Step("reserve", self.reserve, self.is_reserved, self.release, timeout=_A_DAY),
            Step("decide", self.decide, self.is_decided),
            Step("execute", self.execute, self.is_executed, self.cancel, timeout=_A_DAY),
            Step("settle", self.settle, self.settle),
        )

    # Reserve

    def reserve(self, _: str, data: Data) -> Outcome:
        """Take what the order needs of its book."""
        order, reservation = wanted_by(data), reservation_of(data)
        recorded = {"quantity": str(order.quantity), "price": str(reservation.price)}
        return Outcome.done(recorded, reservation.insert(order))

    async def is_reserved(self, _: str, data: Data) -> Outcome:
        """Whether there is a reservation for the order."""
        found = await self._ledger.reservation(wanted_by(data).order_id)
        return Outcome.not_done("nothing is reserved") if found is None else Outcome.done()

    async def release(self, _: str, data: Data) -> Outcome:
        """Give it back, and say so if the order never reached whoever executes."""
        order = wanted_by(data)
        life = self._lives.expect(order)
        if life.ended is None:
            refusal = life.refused or Refusal("not_placed", "the decision was not carried out")
            rejected = OrderRejected(
                **about(order), type=order.type, price=order.price, **refusal._asdict()
            )
            await self._bus.publish(rejected)
        return Outcome.done(None, end_reservation(order.order_id, "released"))

    # Decide

    def decide(self, _: str, data: Data) -> Outcome:
        """Decide whether it is still right to place the order: now, also after a restart."""
        life = self._lives.expect(wanted_by(data))
        life.refused = self._refusal()
        if life.refused is None and life.unwanted is not None:
            life.refused = Refusal("unwanted", life.unwanted)
        if life.refused is not None:
            return Outcome.not_done(f"{life.refused.rule}: {life.refused.reason}", final=True)
        return Outcome.done({"order": data["order"]})

    def is_decided(self, _: str, __: Data) -> Outcome:
        """A decision that is not recorded has had no effect."""
        return Outcome.not_done("nothing was decided")

    # Execute

    def execute(self, _: str, data: Data) -> Outcome | Awaitable[Outcome]:
        """Place the order that was decided."""
        order = wanted_by(data["decide"])
        if self._at_once:
            self._bus.publish_forced(order)
            return Outcome.done({"placed": order.order_id})
        return self._place(order)

    async def _place(self, order: Order) -> Outcome:
        await self._bus.publish(order)
        return Outcome.done({"placed": order.order_id})

    def is_executed(self, _: str, data: Data) -> Outcome:
        """Whether the order was placed: it is among the events that are committed."""
        order = wanted_by(data)
        if self._lives.expect(order).placed:
            return Outcome.done({"placed": order.order_id})
        return Outcome.not_done("the order was not placed")

    async def cancel(self, _: str, data: Data) -> Outcome:
        """Have what is left of the order cancelled, and wait until it has ended."""
        order = wanted_by(data)
        if self._lives.expect(order).ended is not None:
            return Outcome.done()
        reason = "the decision is undone"
        await self._bus.publish(OrderCancelRequested(**about(order), reason=reason))
        return Outcome.under_way()

    # Settle

    def settle(self, _: str, data: Data) -> Outcome:
        """Wait for the end of the order; what was filled is settled, what was not is given back."""
        order = wanted_by(data)
        life = self._lives.expect(order)
        if life.ended is None:
            return Outcome.under_way()
        if not life.filled:
            return Outcome.not_done(life.ended, final=True)
        return Outcome.done(life.figures(), end_reservation(order.order_id, "settled"))
