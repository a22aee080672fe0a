"""The risk desk: from signals to orders that keep to every limit, or to refusals that say why."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hookbus_trading.fields import Side
from hookbus_trading.flow import (
    Fill,
    Order,
    OrderCancelRequested,
    OrderEvent,
    OrderRejected,
    PortfolioUpdated,
    TradingSignal,
)

from hookbus_paper.books import MAIN
from hookbus_paper.money import EXACT, exact, text_of
from hookbus_paper.orders import about
from hookbus_paper.risk.daily import DailyLoss
from hookbus_paper.risk.exposure import Exposure, Holder
from hookbus_paper.risk.guidance import Guidance
from hookbus_paper.risk.rules import Refusal, Situation, entry_refusal, policy_for
from hookbus_paper.risk.settings import RiskSettings
from hookbus_paper.risk.sizing import Room, largest_order, size_entry

__all__ = ["Decided", "RiskDesk"]

_WANTED = {"long": 1, "flat": 0, "short": -1}
_MOST_SLICES = 100
_ZERO = Decimal(0)

Decided = Iterable[Order | OrderRejected | OrderCancelRequested]


class RiskDesk:
    """Turns what a signal wants into the orders that lead there.

    A signal names a wanted side, not a change: one that asks for the side that is held, or on
    order, changes nothing (`held` counts those). A position on another side is closed first,
    whatever the daily loss or the number of positions, for these rules must never keep anybody in a
    position; then the new one is sized and checked. An order that rests with the market is
    cancelled first, and the signal waits for the answer. Each order is made when it is asked for,
    so that it keeps to what the one before has led to. `orders` and `rejects` count what came of
    it.
    """

    def __init__(self, settings: RiskSettings) -> None:
        self._settings = settings
        self._numbers: dict[str, int] = {}
        self._daily: dict[str, DailyLoss] = {}
        self._waiting: dict[Holder, TradingSignal] = {}
        self._wanted: dict[Holder, TradingSignal] = {}
        self.guidance = Guidance()
        self.exposure = Exposure()
        self.signals = 0
        self.held = 0
        self.orders = 0
        self.rejects = 0

    def daily(self, book: str) -> DailyLoss:
        """Equity and daily loss of a book."""
        found = self._daily.get(book)
        if found is None:
            found = self._daily[book] = DailyLoss()
        return found

    @property
    def refusal(self) -> Refusal | None:
        """Why nothing may be ordered now, None when something may."""
        reason = self.guidance.ended or self.guidance.halted
        return None if reason is None else Refusal("halted", reason)

    def basis(self, order: Order) -> dict[str, Any]:
        """What an order that was just made was decided on, fit for JSON."""
        holder, daily = Holder.of(order), self.daily(order.book)
        sent, policy = self.exposure.on_its_way(order.order_id), self.guidance.policy
        return {
            "signal": self._wanted[holder].model_dump(mode="json"),
            "price": str(sent.price),
            "opens": sent.opens,
            "expected": str(self.exposure.expected(holder)),
            "equity": str(daily.equity),
            "exposure": str(daily.exposure),
            "lost_today": str(daily.lost),
            "stage": self.guidance.stage(order.strategy),
            "policy": None if policy is None else policy.mode,
        }

    def restore(self, event: OrderEvent, price: Decimal | None, *, opens: bool) -> None:
        """Take an order event of an earlier run, before anything else; see `Exposure.sent`.

        `price` is None for an order that this desk has not made, which it does not follow either.
        """
        prefix, _, number = event.order_id.rpartition("-")
        if number.isdecimal():
            self._numbers[prefix] = max(self._numbers.get(prefix, 0), int(number))
        if isinstance(event, Order):
            if price is not None:
                self.exposure.sent(event, price, opens=opens)
        elif isinstance(event, Fill):
            self.exposure.filled(event)
        else:
            self.exposure.ended(event)

    def on_portfolio(self, update: PortfolioUpdated, time: datetime) -> None:
        """Take the state of a book at a time in UTC."""
        self.daily(update.book).update(update, time)

    def loss_that_halts(self) -> str | None:
        """Why the kill switch must be pulled now, None when it need not."""
        limit, daily = self._settings.kill_switch_loss, self.daily(MAIN)
        if limit is None or not daily.reached(limit, daily.accepted):
            return None
        reason = f"lost {text_of(daily.lost)} today of {text_of(daily.day_start or _ZERO)}"
        before = f", {text_of(daily.accepted)} before it was released" if daily.accepted else ""
        return f"{reason}{before}; the limit is {limit:%}"

    def on_resumed(self) -> Decided:
        """Go on after a halt, with the loss accepted; close what should have been closed in it.

        The orders have no time: they are for the next bar there is.
        """
        self.guidance.halted = None
        self.daily(MAIN).accept()
        for holder, signal in list(self._wanted.items()):
            held = self.exposure.expected(holder)
            if held and _WANTED[signal.direction] != (held > 0) - (held < 0):
                reason = f"trading was resumed: {signal.reason}"
                late = signal.model_copy(update={"reason": reason, "time": None})
                yield from self._close(late)

    def on_fill(self, fill: Fill) -> None:
        """Follow a fill."""
        self.exposure.filled(fill)

    def after_fill(self, fill: Fill) -> Decided:
        """Act on a fill, once the portfolio has told what it has come to."""
        return self._go_on(Holder.of(fill))

    def on_order_ended(self, order: OrderEvent) -> Decided:
        """Follow a refusal or a cancellation by whoever executes; one's own changes nothing."""
        self.exposure.ended(order)
        return self._go_on(Holder.of(order))

    def on_signal(self, signal: TradingSignal, time: datetime) -> Decided:
        """The orders and refusals that a signal leads to at a time in UTC, in order."""
        self.signals += 1
        self.daily(signal.book).at(time)
        holder = Holder.of(signal)
        self._wanted[holder] = signal
        resting = self.exposure.resting(holder)
        if not resting:
            return self._decide(signal)
        if holder in self._waiting:
            self._waiting[holder] = signal
            return ()
        if any(_same_entry(order, signal) for order in resting):
            self.held += 1
            return ()
        self._waiting[holder] = signal
        reason = f"the strategy now wants to be {signal.direction}: {signal.reason}"
        return [OrderCancelRequested(**about(order), reason=reason) for order in resting]

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Summary rows: signals, orders and refusals, and repeated fills where there are any."""
        rows = (
            ("Signals", f"{self.signals:,}"),
            ("Signals for the side already held", f"{self.held:,}"),
            ("Orders", f"{self.orders:,}"),
            ("Orders rejected", f"{self.rejects:,}"),
        )
        repeats = self.exposure.fills.repeats
        return (*rows, ("Fills ignored: repeated", f"{repeats:,}")) if repeats else rows

    def _go_on(self, holder: Holder) -> Decided:
        """Act on the signal that waited for the holder's resting orders to end."""
        if holder not in self._waiting or self.exposure.resting(holder):
            return ()
        return self._decide(self._waiting.pop(holder))

    def _decide(self, signal: TradingSignal) -> Iterator[Order | OrderRejected]:
        wanted = _WANTED[signal.direction]
        held = self.exposure.expected(Holder.of(signal))
        if wanted == (held > 0) - (held < 0):
            self.held += 1
            return
        if held:
            yield from self._close(signal)
        if wanted and not self.exposure.expected(Holder.of(signal)):
            yield self._open(signal, "buy" if wanted > 0 else "sell")

    def _close(self, signal: TradingSignal) -> Iterator[Order | OrderRejected]:
        """Orders that close the position, each within the largest value of one order."""
        holder = Holder.of(signal)
        long = self.exposure.expected(holder) > 0
        side: Side = "sell" if long else "buy"
        largest = largest_order(self._settings, exact(signal.price))
        for _ in range(_MOST_SLICES):
            held = self.exposure.expected(holder)
            if not held or (held > 0) != long:
                return
            left = EXACT.abs(held)
            quantity = left if largest is None else min(left, largest)
            halted = self.refusal
            if halted or not quantity:
                break
            yield self._send(signal, side, quantity, signal.reason, opens=False)
        left = EXACT.abs(self.exposure.expected(holder))
        if left:
            yield self._reject(signal, side, left, self.refusal or _too_large(signal, left))

    def _open(self, signal: TradingSignal, side: Side) -> Order | OrderRejected:
        """The order that opens a position, or its refusal."""
        settings = self._settings
        price, strength = _entry_price(signal), exact(signal.strength)
        quantity, limit = size_entry(settings, self._room(signal, side), strength, price)
        refusal = self.refusal or entry_refusal(settings, signal, self._situation(signal))
        if not quantity or settings.oversize == "reject":
            refusal = refusal or limit
        if refusal:
            return self._reject(signal, side, max(quantity, settings.quantity_step), refusal)
        cut = f"; cut, {limit.rule}: {limit.reason}" if limit else ""
        return self._send(signal, side, quantity, signal.reason + cut, opens=True)

    def _room(self, signal: TradingSignal, side: Side) -> Room:
        holder, daily = Holder.of(signal), self.daily(signal.book)
        leaving = self.exposure.leaving_value(holder, exact(signal.price))
        kept = max(EXACT.subtract(daily.exposure, leaving), _ZERO)
        policy = policy_for(self._settings, signal, self.guidance)
        return Room(
            equity=max(daily.equity, _ZERO),
            exposure=EXACT.add(kept, self.exposure.opening_value(signal.book)),
            on_side=self.exposure.on_side(signal.book, signal.symbol, side),
            fraction=None if policy is None else exact(policy.maximum_risk_per_trade),
        )

    def _situation(self, signal: TradingSignal) -> Situation:
        others = self.exposure.others(signal.book, signal.symbol)
        return Situation(self.daily(signal.book), others, self.guidance)

    def _send(
        self, signal: TradingSignal, side: Side, quantity: Decimal, reason: str, *, opens: bool
    ) -> Order:
        rests = opens and signal.order_type != "market"
        order = Order(
            **self._about(signal, side, quantity),
            type=signal.order_type if rests else "market",
            price=_entry_price(signal) if rests else None,
            expires=self._expiry(signal) if rests else None,
            reason=reason,
        )
        price = _entry_price(signal) if opens else exact(signal.price)
        self.exposure.sent(order, price, opens=opens)
        self.orders += 1
        return order

    def _expiry(self, signal: TradingSignal) -> datetime | None:
        lifetime = self._settings.entry_lifetime
        if lifetime is None or signal.time is None:
            return None
        return signal.time + timedelta(seconds=lifetime)

    def _reject(
        self, signal: TradingSignal, side: Side, quantity: Decimal, refusal: Refusal
    ) -> OrderRejected:
        self.rejects += 1
        return OrderRejected(
            **self._about(signal, side, quantity), rule=refusal.rule, reason=refusal.reason
        )

    def _about(self, signal: TradingSignal, side: Side, quantity: Decimal) -> dict[str, object]:
        return {
            "order_id": self._next_id(signal),
            "symbol": signal.symbol,
            "side": side,
            "quantity": quantity,
            "strategy": signal.strategy,
            "book": signal.book,
            "time": signal.time,
        }

    def _next_id(self, signal: TradingSignal) -> str:
        """Book, strategy, symbol and a counter: the same in every run over the same data."""
        book = "" if signal.book == MAIN else f"{signal.book}-"
        prefix = f"{book}{signal.strategy}-{signal.symbol}"
        number = self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"{prefix}-{number}"


def _entry_price(signal: TradingSignal) -> Decimal:
    return exact(signal.price if signal.entry_price is None else signal.entry_price)


def _same_entry(order: Order, signal: TradingSignal) -> bool:
    side = "buy" if signal.direction == "long" else "sell"
    if signal.direction == "flat" or order.side != side or order.type != signal.order_type:
        return False
    return order.price == _entry_price(signal)


def _too_large(signal: TradingSignal, left: Decimal) -> Refusal:
    reason = (
        f"{text_of(left)} {signal.symbol} at {signal.price} are left, more than "
        f"{_MOST_SLICES} orders within the limit can close"
    )
    return Refusal("maximum_order_value", reason)
