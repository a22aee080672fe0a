"""The life cycle: track records, gates, and what they decide."""

from decimal import Decimal
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from hookbus_paper.lifecycle.committee import Committee
from hookbus_paper.lifecycle.gates import demotion, promotion
from hookbus_paper.lifecycle.record import TrackRecord
from hookbus_paper.lifecycle.settings import DemotionGate, LifecycleSettings, PromotionGate
from hookbus_trading.control import StrategyPromoted
from hookbus_trading.flow import Fill, Order, PortfolioUpdated, TradingSignal
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.plugins.paper.makers import at, make_bar, make_order, make_trade, make_update
from tests.plugins.paper.running import Outcome, crossing, trade
from tests.plugins.paper.test_chain import SETTINGS, walk
from tests.plugins.paper.test_kill_switch import operator_at

PNLS = st.lists(st.integers(-90_000, 90_000).map(lambda cents: cents / 100), max_size=30)


def record_of(pnls: list[float], capital: float = 10_000.0) -> TrackRecord:
    """The record of some trades, one a minute."""
    record = TrackRecord(capital)
    for number, pnl in enumerate(pnls):
        record.add(make_trade(pnl, number))
    return record


@given(PNLS)
def test_the_figures_are_those_of_all_trades(pnls: list[float]) -> None:
    """What is kept up trade by trade is what comes out of the list of all of them."""
    record = record_of(pnls)
    equity = [10_000.0]
    for pnl in pnls:
        equity.append(equity[-1] + pnl)
    peaks = [max(equity[: index + 1]) for index in range(len(equity))]
    deepest = max((peak - one) / peak for peak, one in zip(peaks, equity, strict=True))
    assert record.drawdown == pytest.approx(min(deepest, 1.0))
    assert record.trades == len(pnls)
    assert record.won == sum(pnl > 0 for pnl in pnls)
    assert record.profit == pytest.approx(sum(pnls), abs=1e-6)
    returns = [pnl / 1000 for pnl in pnls]
    if len(set(returns)) > 1:
        t = fmean(returns) / stdev(returns) * sqrt(len(returns))
        assert record.t_statistic == pytest.approx(t, rel=1e-6, abs=1e-9)


def test_a_gate_upwards_needs_all_of_its_conditions() -> None:
    """Each condition alone keeps the gate shut; the reason has every number."""
    record = record_of([30.0, -10.0, 40.0])
    fields: dict[str, Any] = {
        "minimum_trades": 3,
        "minimum_win_rate": 0.6,
        "minimum_profit_factor": 7,
        "minimum_return": 0.006,
        "minimum_t_statistic": 1.0,
        "maximum_drawdown": 0.01,
    }
    assert promotion(PromotionGate(**fields), record) == (
        "trades 3 >= 3, days 0.002083 >= 0, return 0.006 >= 0.006, win rate 0.6667 >= 0.6, "
        "profit factor 7 >= 7, t-statistic 1.309 >= 1, drawdown 0.10% <= 1.00%"
    )
    higher = {
        "minimum_trades": 4,
        "minimum_win_rate": 0.7,
        "minimum_profit_factor": 8,
        "minimum_return": 0.007,
        "minimum_t_statistic": 1.5,
        "minimum_days": 1,
        "maximum_drawdown": 0.0001,
    }
    for name, value in higher.items():
        assert promotion(PromotionGate(**fields | {name: value}), record) is None


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        ({"below_return": 0.0}, "return -0.006 < 0 after 3 trades"),
        ({"below_win_rate": 0.5}, "win rate 0.3333 < 0.5 after 3 trades"),
        ({"below_profit_factor": 1}, "profit factor 0.1429 < 1 after 3 trades"),
        ({"above_drawdown": 0.005, "minimum_trades": 99}, "drawdown 0.60% > 0.50%"),
        ({"below_return": 0.0, "minimum_trades": 4}, None),
        ({"above_drawdown": 0.1, "below_win_rate": 0.3}, None),
    ],
)
def test_a_gate_downwards_needs_one_of_its_conditions(
    gate: dict[str, Any], reason: str | None
) -> None:
    """A deep fall counts at once, everything else once there are enough trades."""
    limits = DemotionGate(**{"minimum_trades": 3} | gate)
    assert demotion(limits, record_of([-30.0, 10.0, -40.0])) == reason


def test_a_gate_downwards_that_judges_nothing_is_refused() -> None:
    """A demotion gate without a condition is a mistake in the settings."""
    with pytest.raises(ValidationError, match="at least one of below_return"):
        DemotionGate()


def committee_of(stage: Any, **settings: Any) -> Committee:
    """A committee that knows the strategy `test` and both of its books."""
    committee = Committee(LifecycleSettings(**settings))
    committee.on_stage("test", stage)
    for book in ("main", "shadow:test", "backtest:test"):
        committee.on_portfolio(make_update("10000", book=book))
    return committee


def test_a_promotion_carries_the_numbers_that_decided() -> None:
    """Stage, reason and metrics of the trades on the strategy's own book."""
    committee = committee_of("shadow", promote={"shadow": {"minimum_trades": 2}})
    assert committee.on_trade(make_trade(5.0, 1, book="shadow:test")) is None
    change = committee.on_trade(make_trade(-2.0, 2, book="shadow:test"))
    assert change is not None
    assert (change.strategy, change.before, change.after) == ("test", "shadow", "live")
    assert change.reason == "trades 2 >= 2, days 0.001389 >= 0"
    assert (change.metrics["trades"], change.metrics["win_rate"]) == (2, 0.5)
    assert change.metrics["profit_factor"] == 2.5


def test_trades_on_other_books_and_of_other_strategies_do_not_count() -> None:
    """A strategy in shadow is not judged by what it once did live."""
    committee = committee_of("shadow", promote={"shadow": {"minimum_trades": 1}})
    assert committee.on_trade(make_trade(5.0, 1)) is None
    assert committee.on_trade(make_trade(5.0, 2, book="shadow:other", strategy="other")) is None


def test_a_new_stage_begins_a_new_record() -> None:
    """What a strategy lost before does not send it back again."""
    committee = committee_of("live", demote={"live": {"minimum_trades": 2, "below_return": 0.0}})
    committee.on_trade(make_trade(-5.0, 1))
    change = committee.on_trade(make_trade(-5.0, 2))
    assert change is not None
    committee.on_stage(change.strategy, change.after)
    committee.on_stage("test", "live")
    assert committee.on_trade(make_trade(-5.0, 3)) is None


def test_who_is_sent_back_too_often_is_retired() -> None:
    """The second demotion of two ends it."""
    settings = {"demote": {"live": {"minimum_trades": 1, "below_return": 0.0}}, "retire_after": 2}
    committee = committee_of("live", **settings)
    stages = []
    for number in (1, 2):
        change = committee.on_trade(make_trade(-5.0, number))
        assert change is not None
        stages.append(change.after)
        committee.on_stage("test", "live")
    assert stages == ["shadow", "retired"]


def test_a_strategy_in_shadow_never_touches_the_book_that_counts(tmp_path: Path) -> None:
    """Its signals, orders, fills and money are on its own book; main stays as it began."""
    settings = SETTINGS | {"strategy": crossing(3, 8, "short", stage="shadow")}
    outcome = trade(walk(400), tmp_path, settings)
    flow = outcome.events(TradingSignal, Order, Fill)
    assert len(outcome.events(Fill)) > 20
    assert {event.book for event in flow} == {"shadow:cross"}
    main = [one for one in outcome.events(PortfolioUpdated) if one.book == "main"]
    assert {one.equity for one in main} == {Decimal(10_000)}


def test_a_shadow_trades_exactly_as_it_would_live(tmp_path: Path) -> None:
    """Stage and book apart, the same bars give the same orders and fills."""
    live = trade(walk(400), tmp_path, SETTINGS)
    settings = SETTINGS | {"strategy": crossing(3, 8, "short", stage="shadow")}
    shadow = trade(walk(400), tmp_path, settings)

    def fills(outcome: Any) -> list[tuple[Any, ...]]:
        return [(one.side, one.quantity, one.price, one.time) for one in outcome.events(Fill)]

    assert fills(shadow) == fills(live)


def test_a_run_promotes_and_demotes_by_its_trades(tmp_path: Path) -> None:
    """From shadow to live after some trades, back after a loss; the main book is left flat."""
    settings = SETTINGS | {
        "strategy": crossing(3, 8, "short", stage="shadow"),
        "lifecycle": {
            "promote": {"shadow": {"minimum_trades": 5}},
            "demote": {"live": {"minimum_trades": 3, "below_return": 1.0}},
        },
    }
    outcome = trade(walk(400), tmp_path, settings)
    changes = outcome.events(StrategyPromoted)
    stages = [(one.before, one.after) for one in changes]
    assert stages[:4] == [("shadow", "live"), ("live", "shadow")] * 2
    ordered, live = Decimal(0), False
    for event in outcome.events(StrategyPromoted, Order):
        if isinstance(event, StrategyPromoted):
            live = event.after == "live"
        elif event.book == "main":
            before = ordered
            ordered += event.quantity if event.side == "buy" else -event.quantity
            assert live or (before and not ordered)
    assert live or not ordered
    assert "Orders that came after their bar" not in outcome.summary("Execution")
    assert not outcome.report.ledger.discrepancies


@pytest.mark.parametrize(
    ("promote", "demote", "message"),
    [
        ({"minimum_return": 0.01}, {"below_return": 0.02}, "minimum_return 0.01 is less than"),
        ({"maximum_drawdown": 0.3}, {"above_drawdown": 0.2}, "maximum_drawdown 0.3 is more than"),
    ],
)
def test_gates_that_a_strategy_could_pass_both_ways_are_refused(
    promote: dict[str, Any], demote: dict[str, Any], message: str
) -> None:
    """Good enough to go up and bad enough to go down at once is a mistake in the settings."""
    with pytest.raises(ValidationError, match=message):
        LifecycleSettings(promote={"shadow": promote}, demote={"shadow": demote})
    with pytest.raises(ValidationError, match="retire_after 2 without a gate in demote"):
        LifecycleSettings(retire_after=2)


def sent_back_by_hand(fill_at: str, folder: Path) -> Outcome:
    """Two symbols bought and held, until a person sells one of them and the gate sends it back."""
    plan: dict[str, dict[str, Any]] = {
        "strategy": {"strategies": {"hold": {"kind": "buy-and-hold"}}},
        "risk": {"fixed_quantity": 10},
        "execution": {"fill_at": fill_at},
        "lifecycle": {"demote": {"live": {"minimum_trades": 1, "below_return": 1.0}}},
    }
    operator = operator_at((at(3), make_order(side="sell", minute=3, strategy="hold")))
    pairs = ((make_bar(n), make_bar(n, symbol="XYZ")) for n in range(6))
    bars = [bar for pair in pairs for bar in pair]
    return trade(bars, folder, plan, others=[operator])


@pytest.mark.parametrize("fill_at", ["open", "close"])
def test_a_position_that_a_person_has_closed_is_not_closed_again(
    fill_at: str, tmp_path: Path
) -> None:
    """The fill leads to a demotion, and that to closing what is left: the other symbol, once."""
    outcome = sent_back_by_hand(fill_at, tmp_path)
    assert [one.after for one in outcome.events(StrategyPromoted)] == ["shadow"]
    sold = [(one.symbol, one.quantity) for one in outcome.events(Fill) if one.side == "sell"]
    assert sold == [("ABC", 10), ("XYZ", 10)]


@pytest.mark.parametrize("fill_at", ["open", "close"])
def test_the_last_update_of_a_book_tells_its_last_state(fill_at: str, tmp_path: Path) -> None:
    """Also where the round trip of a fill leads to the next fill at once."""
    outcome = sent_back_by_hand(fill_at, tmp_path)
    last = outcome.events(PortfolioUpdated)[-1]
    paid = sum(
        (1 if one.side == "buy" else -1) * one.quantity * one.price + one.commission
        for one in outcome.events(Fill)
    )
    assert (last.cash, last.exposure) == (100_000 - paid, 0)
