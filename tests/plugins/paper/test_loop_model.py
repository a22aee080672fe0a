"""The whole loop on the bus, with random markets and random people, against a simple model."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hookbus import Event, Plugin, PluginContext, Settings, Source, hookimpl
from hookbus_trading.contracts import Decision, IndicatorInput
from hookbus_trading.control import (
    PolicyUpdated,
    StrategyPromoted,
    TradingHalted,
    TradingResumed,
)
from hookbus_trading.flow import Bar, Fill, Order, OrderCancelRequested
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.paper.loop_model import FOREIGN, LoopModel
from tests.plugins.paper.makers import START, make_order, make_signal
from tests.plugins.paper.running import Outcome, trade

CASH = 10_000
SYMBOLS = ("A", "B", "C")
NAMES = ("x", "y", "z")
STAGES = st.sampled_from(["backtest", "shadow", "live", "live", "retired"])


class ScriptParameters(Settings):
    """What to say at each bar, again and again."""

    script: tuple[str, ...] = ("",)


class Scripted:
    """Says what its script says: side, then the kind of order; `!` fails, nothing is no opinion."""

    Parameters: ClassVar = ScriptParameters

    def __init__(self, parameters: ScriptParameters) -> None:
        """Begin at the beginning of the script."""
        self._script = parameters.script
        self._bars = 0

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """None."""
        return {}

    def on_bar(self, bar: Bar, values: Mapping[str, float]) -> Decision | None:
        """The next word of the script."""
        word = self._script[self._bars % len(self._script)]
        self._bars += 1
        if word == "!":
            raise RuntimeError("as the script wants it")
        if not word:
            return None
        direction, _, kind = word.partition(" ")
        if not kind:
            return Decision(direction, 1.0)  # type: ignore[arg-type]
        away = 1.01 if (kind == "stop") == (direction == "long") else 0.99
        price = round(bar.close * away, 2)
        return Decision(direction, 0.5, "", kind, price)  # type: ignore[arg-type]


WORDS = ["", "", "long", "short", "flat", "long limit", "short limit", "long stop", "short stop"]
SCRIPTS = st.lists(st.sampled_from([*WORDS, "!"]), min_size=1, max_size=6).map(tuple)
STRATEGIES = st.fixed_dictionaries(
    {name: st.fixed_dictionaries({"script": SCRIPTS, "stage": STAGES}) for name in NAMES[:2]}
)
LIMITS = st.fixed_dictionaries(
    {
        "fraction_per_trade": st.sampled_from([Decimal("0.3"), Decimal("0.9"), Decimal(1)]),
        "maximum_position": st.none() | st.integers(20, 150).map(Decimal),
        "maximum_order_value": st.none() | st.integers(500, 9000).map(Decimal),
        "maximum_leverage": st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(2)]),
        "maximum_open_positions": st.integers(1, 3),
        "daily_loss_limit": st.sampled_from([None, Decimal("0.0005"), Decimal("0.05")]),
        "kill_switch_loss": st.sampled_from([None, Decimal("0.05"), Decimal("0.2")]),
        "entry_lifetime": st.sampled_from([None, 3600.0]),
    }
)
EXECUTIONS = st.one_of(
    st.fixed_dictionaries(
        {
            "fill_at": st.just("open"),
            "maximum_participation": st.sampled_from([None, Decimal("0.5")]),
        }
    ),
    st.just({"fill_at": "close", "maximum_participation": None}),
)
COSTS = {"commission_bps": 2, "commission_minimum": 1, "spread_bps": 3, "slippage_bps": 1}
GATES = {
    "promote": {"shadow": {"minimum_trades": 2}},
    "demote": {"live": {"minimum_trades": 2, "below_return": 0.0}},
}
PRICES = st.integers(9_000, 11_000).map(lambda cents: cents / 100)


@st.composite
def steps(draw: st.DrawFn, symbols: tuple[str, ...]) -> tuple[Any, ...]:
    """One thing that happens: mostly a bar, after a while or at the same instant."""
    kind = draw(st.sampled_from(["bar"] * 12 + ["signal", "order", "control", "promotion"]))
    symbol = draw(st.sampled_from(symbols))
    if kind == "bar":
        prices = draw(st.lists(PRICES, min_size=4, max_size=4))
        minutes = draw(st.sampled_from([0, 1, 1, 1, 60, 700, -5]))
        return kind, symbol, minutes, prices, draw(st.sampled_from([0, 10, 200, 1000]))
    if kind == "signal":
        return kind, symbol, draw(st.sampled_from(WORDS[2:])), draw(st.sampled_from([None, 0, 3]))
    if kind == "order":
        return kind, symbol, draw(st.booleans()), draw(st.sampled_from([None, 0, 3]))
    if kind == "promotion":
        return kind, draw(st.sampled_from(NAMES[:2])), draw(STAGES), draw(STAGES)
    return kind, draw(st.sampled_from(["halt", "resume", "resume", "policy", "cancel"]))


class Script:
    """Turns steps into events: it knows the last price of each symbol, and the orders so far."""

    def __init__(self) -> None:
        self.time = START
        self.last: dict[str, datetime] = {}
        self.closes: dict[str, float] = {}
        self.orders: list[Order] = []
        self.count = 0

    def event(self, step: tuple[Any, ...]) -> Event | None:
        """The event of a step; None where it makes no sense yet."""
        self.count += 1
        event: Event | None = getattr(self, f"make_{step[0]}")(*step[1:])
        return event

    def make_bar(self, symbol: str, minutes: int, prices: list[float], volume: int) -> Bar:
        """A bar some minutes later; minutes below nought are before the last of its symbol."""
        late = minutes < 0 and symbol in self.last
        time = (self.last[symbol] if late else self.time) + timedelta(minutes=minutes)
        if not late:
            self.time = self.last[symbol] = time = max(time, self.time)
        low, first, last, high = sorted(prices)
        if first == prices[0]:
            first, last = last, first
        if not late:
            self.closes[symbol] = last
        return Bar(
            symbol=symbol, time=time, open=first, high=high, low=low, close=last, volume=volume
        )

    def make_signal(self, symbol: str, word: str, late: int | None) -> Event | None:
        """A signal of a strategy that another plugin runs."""
        if symbol not in self.closes:
            return None
        direction, _, kind = word.partition(" ")
        priced: dict[str, Any] = (
            {"order_type": kind, "entry_price": self.closes[symbol]} if kind else {}
        )
        time = None if late is None else self.time - timedelta(minutes=late)
        fields: dict[str, Any] = {"strategy": NAMES[2], "price": self.closes[symbol], "time": time}
        return make_signal(direction, symbol=symbol, **fields, **priced)

    def make_order(self, symbol: str, buys: bool, late: int | None) -> Event:
        """An order that no risk check has seen, maybe for a symbol without a price."""
        time = None if late is None else self.time - timedelta(minutes=late)
        side = "buy" if buys else "sell"
        name = f"{FOREIGN}{self.count}"
        return make_order(side=side, order_id=name, symbol=symbol, strategy=NAMES[0]).model_copy(
            update={"time": time}
        )

    def make_promotion(self, strategy: str, before: Any, after: Any) -> Event:
        """A person moves a strategy."""
        return StrategyPromoted(strategy=strategy, before=before, after=after, reason="by hand")

    def make_control(self, kind: str) -> Event | None:
        """A person, or a policy, steps in."""
        if kind == "halt":
            return TradingHalted(reason="by hand")
        if kind == "resume":
            return TradingResumed(reason="by hand")
        if kind == "policy":
            strategies = NAMES[: self.count % 4]
            return PolicyUpdated(
                mode="normal", allowed_strategies=strategies, maximum_risk_per_trade=0.5
            )
        if not self.orders:
            return None
        order = self.orders[self.count % len(self.orders)]
        return OrderCancelRequested(
            **order.model_dump(exclude={"type", "price", "expires", "reason", "reducing"}),
            reason="by hand",
        )


def director_of(plan: list[tuple[Any, ...]]) -> type[Plugin]:
    """A plugin that publishes the events of a plan, each when all is quiet."""

    class Director(Plugin):
        """Publishes the events of a plan."""

        name = "director"
        requires = ("trading",)

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            """Start the source."""
            self._context = context
            self._script = Script()
            context.bus.subscribe(Order, self._script.orders.append, mode="inline")
            context.start_source(self._publish, "events")

        async def _publish(self, source: Source) -> None:
            clock = self._context.clock
            for step in plan:
                event = self._script.event(step)
                await clock.sleep_until(int(self._script.time.timestamp()) * 1_000_000_000)
                if event is not None:
                    await self._context.bus.publish(event)

    return Director


def play(
    strategies: Mapping[str, Any],
    limits: Mapping[str, Any],
    execution: Mapping[str, Any],
    plan: list[tuple[Any, ...]],
    folder: Path = Path("unused"),
    others: Sequence[type[Plugin]] = (),
) -> Outcome:
    """Run a plan."""
    scripted = {
        name: {
            "kind": f"{__name__}:Scripted",
            "stage": one["stage"],
            "parameters": {"script": one["script"]},
        }
        for name, one in strategies.items()
    }
    kill, daily = limits["kill_switch_loss"], limits["daily_loss_limit"]
    if kill is not None and daily is not None:
        limits = limits | {"daily_loss_limit": min(kill, daily)}  # type: ignore[operator]
    plugins: dict[str, dict[str, Any]] = {
        "strategy": {"strategies": scripted, "maximum_failures": 2},
        "risk": dict(limits),
        "execution": {**COSTS, **execution},
        "portfolio": {"starting_cash": CASH, "publish_change": 0.5},
        "lifecycle": GATES,
    }
    return trade([], folder, plugins, others=[director_of(plan), *others])


def check(outcome: Outcome, limits: Mapping[str, Any], execution: Mapping[str, Any]) -> None:
    """Follow a run with the model."""
    assert outcome.report.failed_plugins == ()
    assert not outcome.report.ledger.discrepancies
    LoopModel(CASH, limits, execution).follow(outcome.recorded.envelopes)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STRATEGIES, LIMITS, EXECUTIONS, st.integers(1, 3), st.data())
def test_the_loop_agrees_with_the_model(
    strategies: dict[str, Any],
    limits: dict[str, Any],
    execution: dict[str, Any],
    symbols: int,
    data: st.DataObject,
) -> None:
    """Whatever happens: money, positions, limits, halts, prices and the end of every order."""
    plan = data.draw(st.lists(steps(SYMBOLS[:symbols]), min_size=5, max_size=60))
    check(play(strategies, limits, execution, plan), limits, execution)


def bar_steps(count: int) -> list[tuple[Any, ...]]:
    """Bars of two symbols, in turn, up and down."""
    return [
        ("bar", SYMBOLS[number % 2], 1, [100.0, 101.0, 99.0, 100.0 + number % 5], 1000)
        for number in range(count)
    ]


BUSY = {
    "x": {"script": ("long", "short", "flat"), "stage": "live"},
    "y": {"script": ("short limit", "", "long"), "stage": "live"},
}
TIGHT = {
    "fraction_per_trade": Decimal(1),
    "maximum_leverage": Decimal(1),
    "daily_loss_limit": None,
    "kill_switch_loss": None,
}
PLAN = [*bar_steps(21), ("control", "halt"), ("control", "resume"), *bar_steps(20)]
OPEN = {"fill_at": "open", "maximum_participation": None}


def test_the_model_agrees_with_a_busy_run() -> None:
    """The run below is right as it is, and full of orders."""
    outcome = play(BUSY, TIGHT, OPEN, PLAN)
    assert len(outcome.events(Fill)) > 20
    check(outcome, TIGHT, OPEN)


@pytest.mark.parametrize(
    ("place", "broken"),
    [
        ("execution.broker.fillable", lambda *_: True),
        ("execution.broker.PaperBroker.halt", lambda *_: ()),
        ("execution.broker.quoted_price", lambda _, __, bar: Decimal(repr(bar.low)) - 1),
        ("risk.exposure.Exposure.opening_value", lambda *_: Decimal(0)),
        ("risk.desk.Exposure.ended", lambda *_: None),
        ("portfolio.account.Account.exposure", Decimal(0)),
    ],
)
def test_the_model_notices_what_is_broken(
    place: str, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Look-ahead, deafness to halts, wrong prices, forgotten orders: each run is refused."""
    monkeypatch.setattr(f"hookbus_paper.{place}", broken)
    outcome = play(BUSY, TIGHT, OPEN, PLAN)
    with pytest.raises((AssertionError, KeyError)):
        check(outcome, TIGHT, OPEN)
