"""No sequence of events makes the risk desk send an order beyond its limits."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hookbus_paper.risk.desk import RiskDesk
from hookbus_paper.risk.settings import RiskSettings
from hookbus_trading.flow import Order, OrderRejected, TradingSignal
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.paper.makers import at, make_fill, make_signal, make_update

LIMITS = st.fixed_dictionaries(
    {
        "fraction_per_trade": st.decimals("0.01", 1, places=2),
        "quantity_step": st.sampled_from([Decimal("0.0001"), Decimal("0.01"), Decimal(1)]),
        "maximum_position": st.none() | st.decimals("0.5", 200, places=2),
        "maximum_order_value": st.none() | st.decimals(1, 20_000, places=2),
        "maximum_open_positions": st.none() | st.integers(1, 2),
        "daily_loss_limit": st.none() | st.decimals("0.01", "0.5", places=2),
        "oversize": st.sampled_from(["cut", "reject"]),
    }
)
SIGNALS = st.builds(
    make_signal,
    direction=st.sampled_from(["long", "short", "flat"]),
    symbol=st.sampled_from(["A", "B", "C"]),
    strength=st.floats(0, 1),
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
        self.fills = 0

    def step(self, event: TradingSignal | Decimal | Fate, minute: int) -> None:
        """Play one event."""
        if isinstance(event, TradingSignal):
            before = {name: self.desk.exposure.expected(name) for name in "ABC"}
            for decision in self.desk.on_signal(event, at(minute)):
                self.check(event, decision, before)
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
            fields = order.model_dump(include={"order_id", "symbol", "side"})
            self.desk.on_fill(make_fill(**fields, quantity=quantity, fill_id=str(self.fills)))
        if fate.cancelled:
            fields = order.model_dump(exclude={"reason", "price", "expires"})
            self.desk.on_rejected(OrderRejected(**fields, rule="venue", reason="cancelled"))

    def check(
        self, signal: TradingSignal, decision: Order | OrderRejected, before: dict[str, Decimal]
    ) -> None:
        """An order keeps to every limit; a refusal names a rule."""
        if isinstance(decision, OrderRejected):
            assert decision.rule
            assert decision.reason
            return
        self.on_the_way.append(decision)
        held = before[decision.symbol]
        reduces = held and (held > 0) == (decision.side == "sell")
        self.check_size(decision, Decimal(repr(signal.price)))
        if not reduces or abs(self.desk.exposure.expected(decision.symbol)) > abs(held):
            self.check_entry(decision)

    def check_size(self, order: Order, price: Decimal) -> None:
        """Any order is worth no more than the largest order value."""
        limit = self.settings.maximum_order_value
        assert limit is None or order.quantity * price <= limit

    def check_entry(self, order: Order) -> None:
        """A new position keeps to the limits on positions, their number, losses and steps."""
        settings, desk = self.settings, self.desk
        position = desk.exposure.expected(order.symbol)
        assert settings.maximum_position is None or abs(position) <= settings.maximum_position
        held = sum(1 for name in "ABC" if desk.exposure.expected(name))
        assert settings.maximum_open_positions is None or held <= settings.maximum_open_positions
        assert order.quantity % settings.quantity_step == 0
        start, equity = desk.daily.day_start, desk.daily.equity
        assert start is not None
        assert equity > 0
        limit = settings.daily_loss_limit
        assert limit is None or start - equity < start * limit


@given(LIMITS, st.lists(SIGNALS | EQUITIES | FATES, max_size=40), st.integers(1, 700))
def test_no_order_ever_exceeds_a_limit(
    limits: dict[str, Any], events: list[TradingSignal | Decimal | Fate], pace: int
) -> None:
    """Whatever the signals, the equity and the fate of orders, each order keeps to every limit."""
    market = Market(RiskSettings(**limits))
    for number, event in enumerate(events):
        market.step(event, number * pace)
    desk = market.desk
    assert desk.orders + desk.rejects >= desk.signals - desk.held
