"""The kill switch: once it is pulled nothing is ordered, and the record shows it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hookbus import Event, Plugin, PluginContext, SystemClock, hookimpl
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.testing import HostFactory, Recording
from hookbus_trading.control import HealthStatusChanged, TradingHalted, TradingResumed
from hookbus_trading.flow import (
    Bar,
    Fill,
    Order,
    OrderCancelled,
    OrderEvent,
    OrderRejected,
)
from hookbus_trading.plugin import TradingPlugin
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.paper.makers import at, make_bar, make_signal
from tests.plugins.paper.running import PAPER, crossing, trade
from tests.plugins.paper.test_chain import SETTINGS, walk


def operator_at(*times: Any) -> type[Plugin]:
    """A plugin that publishes events at some bars, as an operator would."""
    plan: dict[Any, list[Event]] = {}
    for time, event in times:
        plan.setdefault(time, []).append(event)

    class Operator(Plugin):
        """Publishes events at some bars."""

        name = "operator"
        requires = ("trading",)

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            """Listen to bars."""
            self._bus = context.bus
            context.bus.subscribe(Bar, self._on_bar, delivery="lossless")

        async def _on_bar(self, bar: Bar) -> None:
            for event in plan.get(bar.time, ()):
                await self._bus.publish(event)

    return Operator


BREAKOUT = {
    "strategies": {
        "breakout": {"kind": "donchian-breakout", "parameters": {"entry": 5, "exit": 3}},
        "cross": {"kind": "sma-cross", "parameters": {"fast": 3, "slow": 8, "below": "short"}},
        "shy": {"kind": "rsi-reversion", "stage": "shadow", "parameters": {"limit_bps": 50}},
    }
}
RISKY = SETTINGS["risk"] | {"maximum_position": None, "fraction_per_trade": 0.3}


def check_silence(events: list[Event]) -> int:
    """Nothing is ordered or filled while halted, and no order is left open; returns the halts."""
    working: dict[str, OrderEvent] = {}
    halts, halted = 0, False
    for event in events:
        if isinstance(event, TradingHalted):
            halts, halted = halts + 1, True
        elif isinstance(event, TradingResumed):
            assert working == {}
            halted = False
        elif isinstance(event, Order):
            assert not halted
            working[event.order_id] = event
        elif isinstance(event, Fill):
            assert not halted
            working.pop(event.order_id, None)
        elif isinstance(event, OrderCancelled):
            assert event.order_id in working
            del working[event.order_id]
    assert working == {}
    return halts


FLOW = (Order, Fill, OrderCancelled, OrderRejected, TradingHalted, TradingResumed)


@settings(max_examples=15, deadline=None)
@given(st.integers(10, 250), st.integers(1, 100))
def test_nothing_is_ordered_from_the_halt_to_the_resumption(halt: int, length: int) -> None:
    """At any bar, with market, limit and stop orders working, on every book."""
    operator = operator_at(
        (at(halt), TradingHalted(reason="test")),
        (at(halt + length), TradingResumed(reason="test")),
    )
    plan = SETTINGS | {"strategy": BREAKOUT, "risk": RISKY}
    outcome = trade(walk(300), Path("unused"), plan, others=[operator])
    assert check_silence(outcome.events(*FLOW)) == 1
    assert len(outcome.events(Order)) > 20


class Eager(Plugin):
    """Wants its position back whenever an order of it is cancelled."""

    name = "eager"
    requires = ("trading",)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Answer cancellations at once, inside publish."""
        self._bus = context.bus
        context.bus.subscribe(OrderCancelled, self._again, mode="inline")

    def _again(self, cancelled: OrderCancelled) -> None:
        self._bus.publish_nowait(make_signal("long", 2, order_type="limit", entry_price=51.0))


def test_who_answers_the_cancellations_of_a_halt_gets_nothing_out(tmp_path: Path) -> None:
    """The halt cancels a resting order; a signal in answer to that is refused, not ordered."""
    plan: dict[str, dict[str, Any]] = {
        "strategy": {"enabled": False},
        "risk": {"scale_by_strength": False},
    }
    resting = make_signal("long", 1, order_type="limit", entry_price=50.0)
    operator = operator_at((at(1), resting), (at(2), TradingHalted(reason="test")))
    bars = [make_bar(minute) for minute in range(5)]
    outcome = trade(bars, tmp_path, plan, others=[operator, Eager])
    (cancelled,) = outcome.events(OrderCancelled)
    assert cancelled.reason == "trading was halted by operator: test"
    assert [one.rule for one in outcome.events(OrderRejected)] == ["halted"]
    assert check_silence(outcome.events(*FLOW)) == 1


def test_refusals_while_halted_say_who_halted_and_why(tmp_path: Path) -> None:
    """The record answers why nothing was ordered."""
    operator = operator_at((at(20), TradingHalted(reason="fat finger", by="anna")))
    outcome = trade(walk(100), tmp_path, SETTINGS, others=[operator])
    refused = [one for one in outcome.events(OrderRejected) if one.rule == "halted"]
    assert refused
    assert {one.reason for one in refused[:-1]} <= {
        "trading was halted by anna: fat finger",
        "the host is stopping",
    }
    assert outcome.summary("Risk")["Trading halted"] == "fat finger"


def test_the_loss_of_a_day_pulls_the_switch_by_itself(tmp_path: Path) -> None:
    """A fall beyond `kill_switch_loss` halts trading at the bar where it is seen."""
    bars = [make_bar(minute, 100.0 if minute < 5 else 60.0) for minute in range(10)]
    plan: dict[str, dict[str, Any]] = {
        "strategy": {"strategies": {"hold": {"kind": "buy-and-hold"}}},
        "risk": {"fraction_per_trade": 1, "kill_switch_loss": 0.2},
    }
    outcome = trade(bars, tmp_path, plan)
    (halt,) = outcome.events(TradingHalted)
    assert (halt.by, halt.time) == ("risk.kill_switch_loss", at(5))
    assert halt.reason.startswith("lost 40,")


def test_a_critical_system_pulls_the_switch_if_so_set(tmp_path: Path) -> None:
    """Only with `kill_switch_health`, and only for the system as a whole."""
    fields: dict[str, Any] = {"status": "critical", "previous": "healthy", "reason": "disk full"}
    part = HealthStatusChanged(component="disk", **fields)
    system = HealthStatusChanged(component="system", **fields)
    operator = operator_at((at(20), part), (at(30), system))
    for wanted, halts in ((True, [("risk.kill_switch_health", "disk full")]), (False, [])):
        risk: dict[str, Any] = SETTINGS["risk"] | {"kill_switch_health": wanted}
        plan = SETTINGS | {"risk": risk}
        outcome = trade(walk(100), tmp_path, plan, others=[operator])
        assert [(one.by, one.reason) for one in outcome.events(TradingHalted)] == halts


def live(folder: Path, *events: Event) -> tuple[Recording, list[Event]]:
    """A host on the system clock that gets some events and stops; what it published."""
    log = make_logger()
    make_host = HostFactory(SystemClock(), log, folder)
    host = make_host(
        *PAPER,
        TradingPlugin,
        settings={"strategy": crossing(2, 3)},
        config={"host": {"state": str(folder / "state")}},
    )

    async def main() -> None:
        async with host:
            for event in events:
                await host.bus.publish(event)
            await host.settled()

    run(main(), host.clock)
    return host.recorded, host.recorded.events


def test_a_halt_survives_a_restart(tmp_path: Path) -> None:
    """After a restart nothing is ordered, until somebody releases the switch."""
    live(tmp_path, TradingHalted(reason="enough"))
    recorded, _ = live(tmp_path, make_bar(0), make_signal("long"))
    (halt,) = recorded.of(TradingHalted)
    assert halt.reason == "still halted since an earlier run: enough"
    assert recorded.of(Order) == []
    assert [one.rule for one in recorded.of(OrderRejected)] == ["halted"]
    live(tmp_path, TradingResumed(reason="all is well"))
    recorded, _ = live(tmp_path, make_bar(0), make_signal("long"))
    assert recorded.of(TradingHalted) == []
    assert len(recorded.of(Order)) == 1


@pytest.mark.parametrize(
    "content", ["", '{"version": 1, "hal', '{"version": 0, "halted": null}', '{"version": 1}', "[]"]
)
def test_a_damaged_file_of_the_switch_halts(tmp_path: Path, content: str) -> None:
    """Nobody knows what it said, so trading waits for a person, over every restart."""
    folder = tmp_path / "state" / "risk"
    folder.mkdir(parents=True)
    (folder / "kill-switch.json").write_text(content)
    for _ in range(2):
        recorded, _ = live(tmp_path, make_bar(0), make_signal("long"))
        (halt,) = recorded.of(TradingHalted)
        assert "the file of the kill switch cannot be read" in halt.reason
        assert recorded.of(Order) == []


def test_a_promotion_survives_a_restart_until_the_settings_change(tmp_path: Path) -> None:
    """A strategy that was sent back does not begin live again."""
    from hookbus_trading.control import StrategyPromoted
    from hookbus_trading.runners import RunnerStarted

    back = StrategyPromoted(strategy="cross", before="live", after="shadow", reason="losses")
    live(tmp_path, back)
    recorded, _ = live(tmp_path)
    assert [one.stage for one in recorded.of(RunnerStarted)] == ["shadow"]
    file = tmp_path / "state" / "strategy" / "stages.json"
    data = json.loads(file.read_text())
    data["stages"]["cross"][0] = "backtest"
    file.write_text(json.dumps(data))
    recorded, _ = live(tmp_path)
    assert [one.stage for one in recorded.of(RunnerStarted)] == ["live"]


BARE: dict[str, dict[str, Any]] = {
    "strategy": {"enabled": False},
    "risk": {"scale_by_strength": False, "fraction_per_trade": 0.9, "kill_switch_loss": 0.2},
    "execution": {"commission_bps": 0, "slippage_bps": 0},
}


def falling(opening: float = 60.0) -> list[Bar]:
    """Ten bars, the last five of which opened much lower."""
    return [make_bar(minute, 100.0 if minute < 5 else opening) for minute in range(10)]


def test_a_halt_in_the_middle_of_a_bar_reaches_the_orders_behind_it(tmp_path: Path) -> None:
    """The first of two fills shows the loss; the second order is cancelled, not filled."""
    operator = operator_at(
        (at(1), make_signal("long", 1, strategy="first")),
        (at(4), make_signal("short", 4, strategy="second", strength=0.1)),
        (at(4), make_signal("flat", 4, strategy="first")),
    )
    outcome = trade(falling(), tmp_path, BARE, others=[operator])
    assert [fill.strategy for fill in outcome.events(Fill)] == ["first", "second"]
    assert [one.strategy for one in outcome.events(OrderCancelled)] == ["first"]
    assert check_silence(outcome.events(*FLOW)) == 1


def test_a_gap_pulls_no_switch_for_a_loss_that_never_was(tmp_path: Path) -> None:
    """Sold at the open after a gap, nothing has been lost against the close before it."""
    operator = operator_at((at(4), make_signal("short", 4)))
    outcome = trade(falling(), tmp_path, BARE, others=[operator])
    assert len(outcome.events(Fill)) == 1
    assert outcome.events(TradingHalted) == []


def test_what_was_to_be_closed_in_a_halt_is_closed_once_trading_is_resumed(tmp_path: Path) -> None:
    """The strategy has spoken and will not again; the loss that halted does not halt once more."""
    operator = operator_at(
        (at(1), make_signal("long", 1)),
        (at(6), make_signal("flat", 6)),
        (at(7), TradingResumed(reason="test")),
    )
    outcome = trade(falling(), tmp_path, BARE, others=[operator])
    assert check_silence(outcome.events(*FLOW)) == 1
    bought, sold = outcome.events(Fill)
    assert (sold.side, sold.quantity, sold.time) == ("sell", bought.quantity, at(8))
