"""No sequence of events makes the risk desk send an order beyond its limits."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hookbus_paper.orders import about
from hookbus_paper.risk.desk import RiskDesk
from hookbus_paper.risk.exposure import Holder
from hookbus_paper.risk.settings import RiskSettings
from hookbus_trading.flow import (
    Order,
    OrderCancelled,
    OrderCancelRequested,
    OrderRejected,
    TradingSignal,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.paper.makers import at, make_fill, make_signal, make_update

LIMITS = st.fixed_dictionaries(
    {
        "fraction_per_trade": st.decimals("0.01", 1, places=2),
        "quantity_step": st.sampled_from([Decimal("0.0001"), Decimal("0.01"), Decimal(1)]),
        "maximum_position": st.none() | st.decimals(1, 200, places=2),
        "maximum_order_value": st.none() | st.decimals(1, 20_000, places=2),
        "maximum_open_positions": st.none() | st.integers(1, 2),
        "daily_loss_limit": st.none() | st.decimals("0.01", "0.5", places=2),
        "maximum_leverage": st.none() | st.decimals("0.1", 3, places=1),
        "oversize": st.sampled_from(["cut", "reject"]),
    }
)
SIGNALS = st.builds(
    make_signal,
    direction=st.sampled_from(["long", "short", "flat"]),
    symbol=st.sampled_from(["A", "B", "C"]),
    strategy=st.sampled_from(["x", "y"]),
    strength=st.floats(0, 1),
    price=st.floats(0.01, 10_000),
)
RESTING = st.builds(
    make_signal,
    direction=st.sampled_from(["long", "short"]),
    symbol=st.sampled_from(["A", "B"]),
    order_type=st.sampled_from(["limit", "stop"]),
    entry_price=st.floats(0.01, 10_000),
    price=st.floats(0.01, 10_000),
)
EQUITIES = st.decimals(-100, 1_000_000, places=2)


@dataclass
class Fate:
    """What becomes of the oldest order on its way: filled in part or whole, or cancelled."""

    part: Decimal
    cancelled: bool


FATES = st.builds(Fate, st.decimals("0.1", 1, places=1), st.booleans())


class Market:
    """Plays events to a desk and checks everything that it sends."""

    def __init__(self, settings: RiskSettings) -> None:
        self.settings = settings
        self.desk = RiskDesk(settings)
        self.on_the_way: list[Order] = []
        self.signals: dict[Holder, TradingSignal] = {}
        self.fills = 0

    def step(self, event: TradingSignal | Decimal | Fate, minute: int) -> None:
        """Play one event."""
        if isinstance(event, TradingSignal):
            self.decided(event, self.desk.on_signal(event, at(minute)))
        elif isinstance(event, Decimal):
            self.desk.on_portfolio(make_update(str(event)), at(minute))
        elif self.on_the_way:
            self.settle(self.on_the_way.pop(0), event)

    def settle(self, order: Order, fate: Fate) -> None:
        """Fill a part of an order, and cancel or fill the rest."""
        part = order.quantity * fate.part
        parts = (
            [part] if fate.cancelled or part == order.quantity else [part, order.quantity - part]
        )
        for quantity in parts:
            self.fills += 1
            fields = order.model_dump(include={"order_id", "symbol", "side", "strategy"})
            fill = make_fill(**fields, quantity=quantity, fill_id=str(self.fills))
            self.desk.on_fill(fill)
            self.decided(self.signals.get(Holder.of(order)), self.desk.after_fill(fill))
        if fate.cancelled:
            self.cancel(order)

    def cancel(self, order: Order) -> None:
        """Tell the desk that what is left of an order is gone."""
        ended = OrderCancelled(**about(order), reason="cancelled")
        self.decided(self.signals.get(Holder.of(order)), self.desk.on_order_ended(ended))

    def decided(self, signal: TradingSignal | None, decisions: Iterable[Any]) -> None:
        """Check what the desk sends; cancel at once what it wants cancelled."""
        if signal is not None:
            self.signals[Holder.of(signal)] = signal
        for decision in decisions:
            if isinstance(decision, OrderCancelRequested):
                (order,) = [one for one in self.on_the_way if one.order_id == decision.order_id]
                self.on_the_way.remove(order)
                self.cancel(order)
            else:
                assert signal is not None
                self.check(signal, decision)

    def check(self, signal: TradingSignal, decision: Order | OrderRejected) -> None:
        """An order keeps to every limit; a refusal names a rule."""
        if isinstance(decision, OrderRejected):
            assert decision.rule
            assert decision.reason
            return
        self.on_the_way.append(decision)
        price = decision.price or Decimal(repr(signal.price))
        self.check_size(decision, price)
        if self.desk.exposure.opening_value("main") and self.opens(decision):
            self.check_entry(decision)

    def opens(self, order: Order) -> bool:
        """Whether an order leads away from flat."""
        expected = self.desk.exposure.expected(Holder.of(order))
        return expected != 0 and (expected > 0) == (order.side == "buy")

    def check_size(self, order: Order, price: Decimal) -> None:
        """Any order is worth no more than the largest order value."""
        limit = self.settings.maximum_order_value
        assert limit is None or order.quantity * price <= limit

    def check_entry(self, order: Order) -> None:
        """A new position keeps to the limits on positions, their number, losses and steps."""
        settings, desk = self.settings, self.desk
        exposure = desk.exposure
        on_side = exposure.on_side("main", order.symbol, order.side)
        assert settings.maximum_position is None or on_side <= settings.maximum_position
        held = exposure.others("main", "none of them")
        assert settings.maximum_open_positions is None or held <= settings.maximum_open_positions
        assert order.quantity % settings.quantity_step == 0
        daily = desk.daily("main")
        assert daily.day_start is not None
        assert daily.equity > 0
        limit, most = settings.daily_loss_limit, settings.maximum_leverage
        assert limit is None or daily.lost < daily.day_start * limit
        assert most is None or exposure.opening_value("main") <= daily.equity * most


@given(LIMITS, st.lists(SIGNALS | RESTING | EQUITIES | FATES, max_size=40), st.integers(1, 700))
def test_no_order_ever_exceeds_a_limit(
    limits: dict[str, Any], events: list[TradingSignal | Decimal | Fate], pace: int
) -> None:
    """Whatever the signals, the equity and the fate of orders, each order keeps to every limit."""
    market = Market(RiskSettings(**limits))
    for number, event in enumerate(events):
        market.step(event, number * pace)
