"""A simple model of the whole loop: it follows the events of a run and checks each of them.

It knows the rules from the documentation and shares no code with the plugins; all numbers are
fractions.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from hookbus import Envelope, Event
from hookbus.operational import HandlerFailed
from hookbus_trading.control import PolicyUpdated, StrategyPromoted, TradingHalted, TradingResumed
from hookbus_trading.flow import (
    Bar,
    Fill,
    Order,
    OrderCancelled,
    OrderEvent,
    OrderRejected,
    PortfolioUpdated,
    TradingSignal,
)
from hookbus_trading.runners import RunnerStarted

from tests.plugins.paper.makers import START

FOREIGN = "foreign-order-"
"""How the identifiers of orders begin that no risk check has seen."""

Holder = tuple[str, str, str]


def number(value: Any) -> Fraction:
    """A float as it is written, or a decimal, as a fraction."""
    return Fraction(repr(value) if isinstance(value, float) else value)


def holder_of(event: OrderEvent | TradingSignal) -> Holder:
    """Book, strategy and symbol."""
    return event.book, event.strategy, event.symbol


def signed(event: OrderEvent) -> Fraction:
    """The quantity, negative for a sale."""
    return number(event.quantity) * (1 if event.side == "buy" else -1)


@dataclass
class Working:
    """An order that has not ended."""

    order: Order
    price: Fraction
    opens: bool
    left: Fraction
    fills: int = 0


@dataclass
class Account:
    """The money of one book, and the prices at which its symbols were valued last."""

    cash: Fraction
    day_start: Fraction
    marks: dict[str, Fraction] = field(default_factory=dict)


class LoopModel:
    """Follows one run, event by event, and raises `AssertionError` at the first that is wrong."""

    def __init__(self, cash: int, risk: Mapping[str, Any], execution: Mapping[str, Any]) -> None:
        self.cash = Fraction(cash)
        self.risk = {name: None if one is None else Fraction(one) for name, one in risk.items()}
        self.execution = execution
        self.held: defaultdict[Holder, Fraction] = defaultdict(Fraction)
        self.working: dict[str, Working] = {}
        self.ended: set[str] = set()
        self.accounts: dict[str, Account] = {}
        self.bars: dict[tuple[str, datetime], Bar] = {}
        self.times: defaultdict[str, list[datetime]] = defaultdict(list)
        self.closes: dict[str, Fraction] = {}
        self.traded: defaultdict[tuple[str, datetime], Fraction] = defaultdict(Fraction)
        self.arrived: dict[str, datetime] = {}
        self.live: dict[str, bool] = {}
        self.prices: dict[Holder, Fraction] = {}
        self.policy: PolicyUpdated | None = None
        self.halted = False
        self.day: date | None = None
        self.pending: Bar | None = None
        self.valued = True
        self.in_bar = False
        self.told: dict[str, Fraction] = {}

    def follow(self, envelopes: Sequence[Envelope]) -> None:
        """Check a whole run."""
        checks: dict[type[Event], Any] = {
            Bar: self.on_bar,
            TradingSignal: self.on_signal,
            Order: self.on_order,
            Fill: self.on_fill,
            OrderCancelled: self.on_cancelled,
            OrderRejected: self.on_rejected,
            PortfolioUpdated: self.on_portfolio,
            PolicyUpdated: lambda one: setattr(self, "policy", one),
            TradingHalted: lambda _: setattr(self, "halted", True),
            TradingResumed: self.on_resumed,
            RunnerStarted: lambda one: self.live.update({one.strategy: one.stage == "live"}),
            StrategyPromoted: lambda one: self.live.update({one.strategy: one.after == "live"}),
            HandlerFailed: self.on_failed,
        }
        bars = {one.id for one in envelopes if isinstance(one.event, Bar)}
        for one in envelopes:
            self.in_bar = one.causation_id is not None and one.causation_id not in bars
            check = checks.get(type(one.event))
            if check is not None:
                check(one.event)
        self.settle_bar()
        assert not self.working, f"orders without an end: {list(self.working)}"
        for book in self.accounts:
            assert self.told[book] == self.equity(book), f"the last update of {book} is stale"

    def on_failed(self, failed: HandlerFailed) -> None:
        """No handler may fail, whatever comes."""
        raise AssertionError(failed)

    # Money

    def account(self, book: str) -> Account:
        """The account of a book, made when it is first written in."""
        if book not in self.accounts:
            self.accounts[book] = Account(self.cash, self.cash, dict(self.closes))
        return self.accounts[book]

    def position(self, book: str, symbol: str) -> Fraction:
        """What all strategies of a book hold of a symbol together."""
        found = (held for (b, _, s), held in self.held.items() if (b, s) == (book, symbol))
        return sum(found, Fraction(0))

    def equity(self, book: str, marks: Mapping[str, Fraction] | None = None) -> Fraction:
        """Cash and positions at their last prices."""
        account = self.account(book)
        marks = account.marks if marks is None else marks
        value = sum(
            (held * marks[s] for (b, _, s), held in self.held.items() if b == book and held),
            Fraction(0),
        )
        return account.cash + value

    def gross(self, book: str) -> Fraction:
        """The absolute values of the positions of all strategies of a book."""
        marks = self.account(book).marks
        return sum(
            (abs(held) * marks[s] for (b, _, s), held in self.held.items() if b == book and held),
            Fraction(0),
        )

    # Prices

    def on_bar(self, bar: Bar) -> None:
        """The bar before is over; this one fills first, and values afterwards."""
        self.settle_bar()
        last = self.times[bar.symbol]
        if last and bar.time <= last[-1]:
            return
        self.begin_day(bar.time)
        last.append(bar.time)
        self.bars[bar.symbol, bar.time] = bar
        self.pending, self.valued = bar, False

    def settle_bar(self) -> None:
        """Value every book at the close of the bar that is over."""
        self.value_at_close()
        self.pending = None

    def value_at_close(self) -> None:
        """Value every book at the close of the bar in hand."""
        bar = self.pending
        if bar is None or self.valued:
            return
        self.valued = True
        self.closes[bar.symbol] = number(bar.close)
        for account in self.accounts.values():
            account.marks[bar.symbol] = number(bar.close)

    def begin_day(self, time: datetime) -> None:
        """Remember what each book was worth when the day before was over."""
        if self.day is None or time.date() > self.day:
            self.day = time.date()
            for book, account in self.accounts.items():
                account.day_start = self.equity(book)

    def on_portfolio(self, update: PortfolioUpdated) -> None:
        """The figures are those of the model, exactly; the close of the bar in hand may count."""
        account = self.account(update.book)
        self.told[update.book] = number(update.equity)
        if update.symbol is None and update.time and self.day and update.time.date() < self.day:
            assert number(update.equity) == account.day_start
            return
        assert number(update.cash) == account.cash
        if update.symbol is not None:
            assert number(update.position) == self.position(update.book, update.symbol)
        if number(update.equity) != self.equity(update.book):
            self.value_at_close()
        assert number(update.equity) == self.equity(update.book), update
        assert number(update.exposure) == self.gross(update.book)
        gained = number(update.realised_pnl) + number(update.unrealised_pnl)
        assert gained == self.equity(update.book) - self.cash

    # Orders

    def on_signal(self, signal: TradingSignal) -> None:
        """Remember the price that its orders are sized at; the bar in hand has been valued."""
        if not self.in_bar:
            self.value_at_close()
        self.prices[holder_of(signal)] = number(signal.price)
        self.account(signal.book)

    def on_order(self, order: Order) -> None:
        """Nothing is ordered while halted, twice, or beyond a limit."""
        assert order.order_id not in self.working
        assert order.order_id not in self.ended
        holder = holder_of(order)
        foreign = order.order_id.startswith(FOREIGN)
        assert foreign or not self.halted, f"ordered while halted: {order}"
        expected = self.expected(holder)
        opens = not expected or (expected > 0) == (order.side == "buy")
        price = number(order.price) if order.price is not None else self.prices.get(holder)
        work = Working(order, price or Fraction(0), opens, number(order.quantity))
        if not foreign:
            limit = self.risk.get("maximum_order_value")
            assert limit is None or work.left * work.price <= limit
            if opens:
                self.check_entry(work)
            else:
                assert number(order.quantity) <= abs(expected), f"more than is held: {order}"
        self.working[order.order_id] = work
        last = self.times[order.symbol][-1:]
        self.arrived[order.order_id] = order.time or (last[0] if last else START)

    def expected(self, holder: Holder) -> Fraction:
        """What a holder has and has on order."""
        on_order = (
            work.left * (1 if work.order.side == "buy" else -1)
            for work in self.checked()
            if holder_of(work.order) == holder
        )
        return self.held[holder] + sum(on_order, Fraction(0))

    def checked(self) -> list[Working]:
        """The working orders that the risk check has sent."""
        return [one for one in self.working.values() if not one.order.order_id.startswith(FOREIGN)]

    def check_entry(self, work: Working) -> None:
        """A new position keeps to the limits of its book as they are now."""
        order, book = work.order, work.order.book
        assert book != "main" or self.live.get(order.strategy, True), f"not live: {order}"
        equity = self.equity(book)
        assert equity > 0
        self.check_position(work)
        self.check_leverage(work, equity)
        self.check_losses(self.account(book), equity)
        if book == "main" and self.policy is not None:
            self.check_policy(work, equity, self.policy)

    def check_position(self, work: Working) -> None:
        """All strategies of a side together, and the number of symbols."""
        book, symbol = work.order.book, work.order.symbol
        side = 1 if work.order.side == "buy" else -1
        holders = {*self.held, *(holder_of(one.order) for one in self.checked())}
        sizes = {one: self.expected(one) for one in holders if one[0] == book}
        same = sum((abs(q) for (_, _, s), q in sizes.items() if s == symbol and q * side > 0), 0)
        limit = self.risk.get("maximum_position")
        assert limit is None or same + work.left <= limit
        symbols = {s for (_, _, s), q in sizes.items() if q} | {symbol}
        most = self.risk.get("maximum_open_positions")
        assert most is None or len(symbols) <= most

    def check_leverage(self, work: Working, equity: Fraction) -> None:
        """Positions, less what the holder is leaving, and all that opens on its way."""
        book, holder = work.order.book, holder_of(work.order)
        sent = [one for one in self.checked() if one.order.book == book]
        opening = sum((one.left * one.price for one in sent if one.opens), work.left * work.price)
        leaving = sum(
            (one.left for one in sent if not one.opens and holder_of(one.order) == holder),
            Fraction(0),
        )
        limit = self.risk.get("maximum_leverage")
        exposure = self.gross(book) - leaving * self.prices[holder] + opening
        assert limit is None or exposure <= equity * limit, (work.order, exposure, equity)

    def check_losses(self, account: Account, equity: Fraction) -> None:
        """No new position once the day has lost too much."""
        limit = self.risk.get("daily_loss_limit")
        if limit is not None:
            assert account.day_start - equity < account.day_start * limit

    def check_policy(self, work: Working, equity: Fraction, policy: PolicyUpdated) -> None:
        """Allowed strategies, and the risk of one trade."""
        allowed = policy.allowed_strategies
        assert allowed is None or work.order.strategy in allowed
        assert work.left * work.price <= equity * number(policy.maximum_risk_per_trade)

    def on_fill(self, fill: Fill) -> None:
        """A fill belongs to a working order, a later bar, and a price that the bar had."""
        assert not self.halted, f"filled while halted: {fill}"
        work = self.working[fill.order_id]
        assert fill.time is not None
        self.check_bar(work, fill)
        self.check_price(work, fill)
        work.left -= number(fill.quantity)
        work.fills += 1
        assert work.left >= 0
        if not work.left:
            self.end(work)
        self.begin_day(fill.time)
        self.held[holder_of(fill)] += signed(fill)
        account = self.account(fill.book)
        account.cash -= signed(fill) * number(fill.price) + number(fill.commission)
        bar = self.pending
        if bar and not self.valued and (fill.symbol, fill.time) == (bar.symbol, bar.time):
            account.marks[fill.symbol] = number(fill.price)

    def check_bar(self, work: Working, fill: Fill) -> None:
        """Later than the order, earlier than its end, and within the share of the volume."""
        order, time = work.order, fill.time
        assert time is not None
        assert (fill.side, holder_of(fill)) == (order.side, holder_of(order))
        at_close = self.execution["fill_at"] == "close" and order.type == "market"
        if order.time is not None:
            assert time >= order.time if at_close else time > order.time
            if order.type == "market" and self.execution["maximum_participation"] is None:
                times = self.times[order.symbol]
                assert time == next(
                    t for t in times if t > order.time or (at_close and t == order.time)
                )
        assert order.expires is None or time < order.expires
        share = self.execution["maximum_participation"]
        self.traded[fill.symbol, time] += number(fill.quantity)
        volume = number(self.bars[fill.symbol, time].volume)
        assert share is None or self.traded[fill.symbol, time] <= volume * number(share)

    def check_price(self, work: Working, fill: Fill) -> None:
        """What the bar quoted lies within it, keeps to limit and stop, and costs make it worse."""
        assert fill.time is not None
        bar, order = self.bars[fill.symbol, fill.time], work.order
        buys, price = order.side == "buy", number(fill.price)
        cost = number(fill.slippage) / number(fill.quantity)
        assert cost >= 0
        quoted = price - cost if buys else price + cost
        assert number(bar.low) <= quoted <= number(bar.high)
        if order.type == "market":
            wanted = bar.close if self.execution["fill_at"] == "close" else bar.open
            assert quoted == number(wanted)
            return
        assert order.price is not None
        named = number(order.price)
        if order.type == "limit":
            assert price <= named if buys else price >= named
        elif not self.set_off_before(order, fill.time):
            assert quoted >= named if buys else quoted <= named

    def set_off_before(self, order: Order, end: datetime) -> bool:
        """Whether an earlier bar has set a stop order off: it is a market order by then."""
        assert order.price is not None
        stop, buys = number(order.price), order.side == "buy"
        since = self.arrived[order.order_id]
        times = [time for time in self.times[order.symbol] if since < time < end]
        bars = [self.bars[order.symbol, time] for time in times]
        return any(number(b.high) >= stop if buys else number(b.low) <= stop for b in bars)

    def on_cancelled(self, cancelled: OrderCancelled) -> None:
        """What is cancelled is what was left."""
        work = self.working[cancelled.order_id]
        assert number(cancelled.quantity) == work.left
        self.end(work)

    def on_rejected(self, rejected: OrderRejected) -> None:
        """A refusal of the execution ends an order; one of the risk check never was one."""
        assert rejected.order_id not in self.ended
        work = self.working.get(rejected.order_id)
        if work is None:
            self.ended.add(rejected.order_id)
        else:
            assert not work.fills
            self.end(work)

    def end(self, work: Working) -> None:
        """An order ends once."""
        del self.working[work.order.order_id]
        self.ended.add(work.order.order_id)

    def on_resumed(self, _: TradingResumed) -> None:
        """No order has outlived the halt."""
        assert not self.halted or not self.working
        self.halted = False
