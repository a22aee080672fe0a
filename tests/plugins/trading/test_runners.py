"""What the events of runners accept and refuse, and who hears them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hookbus_trading import (
    PositionClosed,
    PositionEvent,
    PositionOpened,
    PositionUpdated,
    RunnerEvent,
    StatsUpdated,
    TickReceived,
    runners,
)
from pydantic import ValidationError

POSITION: dict[str, Any] = {
    "runner": "one",
    "symbol": "A",
    "side": "buy",
    "quantity": Decimal(1),
    "entry_price": Decimal(10),
}


def test_one_filter_hears_all_of_a_runner() -> None:
    """Every event of the family is a `RunnerEvent`, and those of a position share one more."""
    models = [getattr(runners, name) for name in runners.__all__]
    assert all(issubclass(model, RunnerEvent) for model in models)
    assert set(PositionEvent.__subclasses__()) == {PositionOpened, PositionUpdated, PositionClosed}
    assert (RunnerEvent.__event__, PositionEvent.__event__) == (None, None)


@pytest.mark.parametrize("field", ["quantity", "entry_price"])
def test_a_position_has_a_size_and_a_price(field: str) -> None:
    """The side says the direction, so both are above zero."""
    with pytest.raises(ValidationError, match=field):
        PositionOpened(**{**POSITION, field: Decimal(0)})


def test_profits_are_signed_decimals() -> None:
    """A loss of a cent is a cent."""
    closed = PositionClosed(**POSITION, exit_price=Decimal(9), realised_pnl=Decimal("-0.01"))
    assert closed.model_dump(mode="json")["realised_pnl"] == "-0.01"


def test_no_more_trades_are_won_than_closed() -> None:
    """Figures that contradict one another are refused with both."""
    assert StatsUpdated(runner="one", trades=2, won=2).won == 2
    with pytest.raises(ValidationError, match="won 3 is more than trades 2"):
        StatsUpdated(runner="one", trades=2, won=3)


def test_a_drawdown_may_be_more_than_everything() -> None:
    """With borrowed money more than all can be lost, and less than nothing cannot."""
    assert StatsUpdated(runner="one", trades=0, won=0, maximum_drawdown=1.2).maximum_drawdown == 1.2
    with pytest.raises(ValidationError, match="maximum_drawdown"):
        StatsUpdated(runner="one", trades=0, won=0, maximum_drawdown=-0.1)


def test_generations_count_from_one() -> None:
    """The update itself is counted, so that 0 cannot be one."""
    assert TickReceived(runner="one", symbol="A", price=1.0).generation == 1
    with pytest.raises(ValidationError, match="generation"):
        TickReceived(runner="one", symbol="A", price=1.0, generation=0)
