"""Gating: strategies whose own trades are bad go out, and come back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hookbus_msc.gating import StrategyGate
from hookbus_msc.settings import GatingSettings

from tests.plugins.msc.makers import at

SETTINGS: dict[str, Any] = {"strategies": ["cross", "trend"], "trades": 12, "minimum_trades": 5}


def make(**settings: Any) -> StrategyGate:
    """A gate over two strategies."""
    return StrategyGate(GatingSettings.model_validate(SETTINGS | settings), 1.645)


def trade(gate: StrategyGate, *results: int, strategy: str = "cross", hour: float = 0) -> list[str]:
    """What is said while one strategy makes some trades."""
    return [note for one in results for note in gate.update(strategy, Decimal(one), at(hour))]


def test_it_is_off_by_default() -> None:
    """Without strategies nothing is watched, and every list of a mode passes as it is."""
    gate = StrategyGate(GatingSettings(), 1.645)
    assert trade(gate, *[-1] * 50) == []
    assert gate.allowed(None) is None
    assert gate.allowed(("a", "b")) == ("a", "b")


def test_too_few_trades_won() -> None:
    """All of five lost is proof enough that fewer than 36 % win."""
    gate = make(minimum_profit_factor=None, minimum_hit_rate=0.36)
    assert trade(gate, *[-1] * 4) == []
    assert gate.allowed(None) == ("cross", "trend")
    assert trade(gate, -1) == [
        "strategy cross is out until 2024-01-08 00:00 UTC: 0 of 5 trades won, at most 35.1%, "
        "which is below 36.0%"
    ]
    assert gate.allowed(None) == ("trend",)
    assert gate.allowed(("cross",)) == ()


def test_too_much_lost() -> None:
    """Most trades won, but what was lost is more than what was gained."""
    gate = make()
    assert trade(gate, 1, 1, 1, 1, -10) == [
        "strategy cross is out until 2024-01-08 00:00 UTC: gained 4.00 and lost 10.00 in 5 trades, "
        "a profit factor of 0.40, which is below 0.6"
    ]


@pytest.mark.parametrize("results", [(1, 1, 1, 1, -6), (0, 0, 0, 0, 0), (-1, -1, -1, 9, 1)])
def test_what_is_not_bad_stays(results: tuple[int, ...]) -> None:
    """A profit factor above the least one, results that came out even, and few but large gains."""
    gate = make()
    assert trade(gate, *results) == []
    assert gate.allowed(None) == ("cross", "trend")


def test_one_strategy_does_not_pay_for_another() -> None:
    """Trades count for the strategy that made them; strangers count for nobody."""
    gate = make()
    assert trade(gate, *[-1] * 12, strategy="unknown") == []
    assert len(trade(gate, *[-1] * 12, strategy="trend")) == 1
    assert gate.allowed(None) == ("cross",)


def test_it_comes_back_with_its_trades_forgotten() -> None:
    """After the time is over the strategy begins anew: the old losses do not count again."""
    gate = make(back_after=3600)
    trade(gate, *[-1] * 6)
    assert gate.due() == at(1)
    assert gate.readmit(at(0.9)) == []
    assert gate.readmit(at(1)) == ["strategy cross is back, with its trades forgotten"]
    assert gate.due() is None
    assert trade(gate, *[-1] * 4, hour=2) == []
    assert gate.allowed(None) == ("cross", "trend")


def test_it_may_stay_out_for_good() -> None:
    """Without a second chance there is no end, and the reason says so."""
    gate = make(back_after=None)
    (note,) = trade(gate, *[-1] * 6)
    assert note.startswith("strategy cross is out for good: ")
    assert gate.due() is None
    assert gate.readmit(at(10**5)) == []
    assert gate.allowed(None) == ("trend",)


def test_going_on_from_a_state_is_going_on() -> None:
    """A restart lets nobody back in, and forgets no trade of those that are in."""
    gate, late = make(), make()
    trade(gate, *[-1] * 5)
    trade(gate, *[-1] * 4, strategy="trend")
    late.restore(gate.state())
    assert late.allowed(None) == ("trend",)
    assert late.due() == gate.due()
    assert len(trade(late, -1, strategy="trend")) == 1
