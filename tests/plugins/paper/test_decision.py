"""Orders as sagas: the same trades as without, everything on record, and books that come back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hookbus import (
    Event,
    JournalFull,
    Plugin,
    PluginContext,
    SystemClock,
    hookimpl,
)
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.testing import HostFactory, Recording
from hookbus_paper.execution.broker import PaperBroker
from hookbus_paper.execution.plugin import ExecutionPlugin
from hookbus_paper.portfolio.plugin import PortfolioPlugin
from hookbus_paper.risk.plugin import RiskPlugin
from hookbus_trading.control import TradingHalted
from hookbus_trading.flow import (
    Fill,
    Order,
    OrderRejected,
    PortfolioUpdated,
    TradingSignal,
)
from hookbus_trading.plugin import TradingPlugin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plugins.paper.makers import make_bar, make_order, make_signal
from tests.plugins.paper.quiet import quiet
from tests.plugins.paper.running import Outcome, crossing, trade
from tests.plugins.paper.test_chain import walk
from tests.plugins.paper.test_loop_model import (
    EXECUTIONS,
    LIMITS,
    STRATEGIES,
    SYMBOLS,
    play,
    steps,
)

JournalPlugin = pytest.importorskip("hookbus_journal.plugin").JournalPlugin
SagaPlugin = pytest.importorskip("hookbus_saga").SagaPlugin
Store = pytest.importorskip("hookbus_saga.store").Store

MEMORY: tuple[type[Plugin], ...] = (JournalPlugin, SagaPlugin)
STAGES: tuple[type[Plugin], ...] = (RiskPlugin, ExecutionPlugin, PortfolioPlugin, TradingPlugin)


def crossed(folder: Path, *, saga: bool, **execution: Any) -> Outcome:
    """A back-test of a moving-average cross, with sagas or without."""
    plugins = {
        "strategy": crossing(3, 8, "short"),
        "risk": {"saga": saga},
        "execution": execution,
    }
    others = MEMORY if saga else ()
    return trade(walk(300), folder, plugins, others=others)


@pytest.mark.parametrize(
    "execution",
    [
        {},
        {"fill_at": "close"},
        {"maximum_participation": Decimal("0.01"), "commission_minimum": 1},
    ],
)
def test_a_back_test_with_sagas_trades_the_same(execution: Any, tmp_path: Path) -> None:
    """Every trading event is the same, to the last digit and in the same order."""
    without = crossed(tmp_path, saga=False, **execution)
    outcome = crossed(tmp_path, saga=True, **execution)
    assert outcome.report.failed_plugins == ()
    assert outcome.flow() == without.flow()
    assert outcome.summary("Portfolio") == without.summary("Portfolio")
    assert int(outcome.summary("Sagas")["Begun"]) == len(outcome.events(Order)) > 20


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STRATEGIES, LIMITS, EXECUTIONS, st.integers(1, 3), st.data())
def test_whatever_happens_sagas_trade_the_same(
    strategies: dict[str, Any],
    limits: dict[str, Any],
    execution: dict[str, Any],
    symbols: int,
    data: st.DataObject,
) -> None:
    """Random markets, people, halts and several symbols at one instant."""
    plan = data.draw(st.lists(steps(SYMBOLS[:symbols]), min_size=5, max_size=40))
    without = play(strategies, limits, execution, plan)
    with TemporaryDirectory() as folder:
        limits = {**limits, "saga": True}
        outcome = play(strategies, limits, execution, plan, Path(folder), MEMORY)
    assert outcome.report.failed_plugins == ()
    assert outcome.flow() == without.flow()
    assert outcome.summary("Sagas")["Parked"] == "0"


def test_two_runs_with_sagas_are_the_same(tmp_path: Path) -> None:
    """Every event of both runs, those of the sagas too, envelope by envelope."""
    runs = [crossed(tmp_path / name, saga=True) for name in ("one", "two")]
    one, two = (
        [
            (e.sequence, e.time_ns, e.type, e.depth, e.event.model_dump_json())
            for e in outcome.recorded.envelopes
            if e.type.startswith(("trading.", "trade.", "saga.", "market."))
        ]
        for outcome in runs
    )
    assert one == two
    assert any(kind == "saga.completed" for _, _, kind, _, _ in one)


def test_a_run_that_asks_for_sagas_without_a_journal_orders_nothing(tmp_path: Path) -> None:
    """The risk check fails and says what it needs; it does not trade without a memory."""
    outcome = trade(walk(50), tmp_path, {"strategy": crossing(2, 3), "risk": {"saga": True}})
    assert outcome.report.failed_plugins == ("risk",)
    assert outcome.events(Order) == []


# A host on the system's clock, whose state survives


def live(
    folder: Path, *groups: Event | tuple[Event, ...], others: Sequence[type[Plugin]] = ()
) -> Recording:
    """A life of a host, which publishes events, each or each group of them when all is quiet."""
    factory = HostFactory(SystemClock(), make_logger(), folder)
    host = factory(
        *STAGES,
        *MEMORY,
        *others,
        settings={
            "risk": {"saga": True, "fixed_quantity": 10},
            "execution": {"maximum_participation": "0.5", "commission_minimum": 7},
            "saga": {"delay": 0.0},
        },
        config={"host": {"state": str(folder / "state")}},
    )

    async def main() -> None:
        async with host:
            await asyncio.wait_for(quiet(host), 10)
            for group in groups:
                for event in group if isinstance(group, tuple) else (group,):
                    await host.bus.publish(event)
                await asyncio.wait_for(quiet(host), 10)

    run(main(), host.clock)
    assert not host.failed, host.failed
    return host.recorded


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a SELECT on the journal's file."""
    database = sqlite3.connect(folder / "state" / "journal" / "journal.db")
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def test_the_record_says_what_was_seen_decided_and_placed(tmp_path: Path) -> None:
    """All of it is in the record of the saga, and the fill that settled it."""
    live(tmp_path, make_bar(0), make_signal("long", 0, reason="because"), make_bar(1, volume=100))
    ((seen,),) = rows(tmp_path, "SELECT data FROM saga_sagas WHERE state = 'completed'")
    basis = json.loads(seen)["seen"]
    assert (basis["signal"]["reason"], basis["equity"], basis["stage"]) == (
        "because",
        "100000",
        "live",
    )
    recorded = dict(rows(tmp_path, "SELECT name, data FROM saga_steps"))
    decided = Order.model_validate_json(json.loads(recorded["decide"])["order"])
    assert (decided.order_id, decided.quantity) == ("test-ABC-1", 10)
    assert json.loads(recorded["execute"]) == {"placed": "test-ABC-1"}
    settled = json.loads(recorded["settle"])
    assert (settled["ended"], Decimal(settled["filled"])) == ("filled", 10)
    assert rows(tmp_path, "SELECT order_id, state FROM paper_reservations") == [
        ("test-ABC-1", "settled")
    ]


def test_books_and_open_orders_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that was filled in part goes on in the next life, and its position is there.

    The least commission of an order is charged once, not once in every life.
    """
    monkeypatch.setattr(PaperBroker, "cancel_open", lambda self, reason: [])
    first = live(tmp_path, make_bar(0), make_signal("long", 0), make_bar(1, volume=8))
    assert [(one.quantity, one.commission) for one in first.of(Fill)] == [(4, 7)]
    second = live(tmp_path, make_bar(2, volume=100))
    begun = second.of(PortfolioUpdated)[0]
    assert begun.cash == first.of(PortfolioUpdated)[-1].cash
    (rest,) = second.of(Fill)
    assert (rest.order_id, rest.fill_id) == ("test-ABC-1", "2")
    assert (rest.quantity, rest.commission) == (6, 0)
    third = live(tmp_path, make_bar(3), make_signal("long", 3), make_signal("flat", 3))
    (order,) = third.of(Order)
    assert (order.order_id, order.side, order.quantity) == ("test-ABC-2", "sell", 10)


def test_a_clean_stop_cancels_and_the_next_life_releases(tmp_path: Path) -> None:
    """What the execution cancels at the end is settled with what was filled, or given back."""
    live(tmp_path, make_bar(0), make_signal("long", 0))
    assert rows(tmp_path, "SELECT state FROM paper_reservations") == [("open",)]
    second = live(tmp_path, make_bar(1))
    assert second.of(Fill) == []
    assert rows(tmp_path, "SELECT state FROM paper_reservations") == [("released",)]
    assert rows(tmp_path, "SELECT state FROM saga_sagas") == [("compensated",)]


class HaltWith(Plugin):
    """Halts trading at a signal, when the risk check has answered it."""

    name = "halt-with"
    requires = ("risk",)

    @hookimpl
    def hookbus_ready(self, context: PluginContext) -> None:
        """Listen after the risk check."""
        halted = TradingHalted(reason="in between")
        context.bus.subscribe(
            TradingSignal, lambda _: context.bus.publish_forced(halted), mode="inline"
        )


def test_a_halt_between_the_signal_and_the_order_stops_the_order(tmp_path: Path) -> None:
    """The decision is made when its turn comes; the reservation is given back, and it is told."""
    recorded = live(tmp_path, make_bar(0), make_signal("long", 0), others=(HaltWith,))
    assert recorded.of(Order) == []
    (rejected,) = recorded.of(OrderRejected)
    assert (rejected.order_id, rejected.rule) == ("test-ABC-1", "halted")
    assert rows(tmp_path, "SELECT state FROM paper_reservations") == [("released",)]


def test_an_unwanted_order_on_its_way_is_not_filled(tmp_path: Path) -> None:
    """A strategy changes its mind before its limit order has reached the broker."""
    limit = make_signal("long", 0, order_type="limit", entry_price=90.0)
    both = (limit, make_signal("flat", 0))
    recorded = live(tmp_path, make_bar(0), both, make_bar(1, 80.0), make_signal("long", 1))
    assert recorded.of(Fill) == []
    ((_, first), (_, second)) = rows(tmp_path, "SELECT order_id, state FROM paper_reservations")
    assert (first, second) == ("released", "open"), "and the desk goes on afterwards"


def test_a_decision_that_cannot_be_recorded_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is refused and nothing stays reserved: the next signal may order again."""
    write = Store.write
    refused: list[Any] = []

    async def full(self: Any, before: Any, *rest: Any) -> None:
        if before is None and not refused:
            refused.append(rest)
            raise JournalFull("no room")
        await write(self, before, *rest)

    monkeypatch.setattr(Store, "write", full)
    recorded = live(tmp_path, make_bar(0), make_signal("long", 0), make_signal("long", 0))
    (rejected,) = recorded.of(OrderRejected)
    assert (rejected.order_id, rejected.rule) == ("test-ABC-1", "journal")
    assert [one.order_id for one in recorded.of(Order)] == ["test-ABC-2"]
    assert rows(tmp_path, "SELECT order_id FROM paper_reservations") == [("test-ABC-2",)]


def test_an_order_of_somebody_else_is_in_the_books_and_no_decision(tmp_path: Path) -> None:
    """Its fill comes back in the next life all the same."""
    order = make_order(1).model_copy(update={"order_id": "by-hand"})
    live(tmp_path, make_bar(0), order, make_bar(1, volume=100))
    again = live(tmp_path)
    (begun,) = again.of(PortfolioUpdated)
    assert begun.exposure == Decimal("1000.05")
    assert rows(tmp_path, "SELECT count(*) FROM saga_sagas") == [(0,)]
