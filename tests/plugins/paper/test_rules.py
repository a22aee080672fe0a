"""The risk rules, one by one: what they refuse, and with which numbers."""

from decimal import Decimal
from typing import Any

import pytest
from hookbus_paper.risk.rules import (
    DailyLoss,
    Refusal,
    Situation,
    entry_refusal,
    largest_order,
    size_entry,
)
from hookbus_paper.risk.settings import RiskSettings

from tests.plugins.paper.makers import at

DAY = 24 * 60


def situation(
    equity: str = "1000", day_start: str | None = "1000", other_positions: int = 0
) -> Situation:
    """A portfolio that nothing speaks against."""
    start = None if day_start is None else Decimal(day_start)
    return Situation(Decimal(equity), start, other_positions)


@pytest.mark.parametrize(
    ("settings", "now", "rule", "reason"),
    [
        (
            {"symbols": ("X", "Y")},
            situation(),
            "symbols",
            "ABC is none of the allowed symbols X, Y",
        ),
        (
            {},
            situation(day_start=None),
            "portfolio_unknown",
            "no PortfolioUpdated has told the equity yet",
        ),
        ({}, situation("-12.5"), "equity", "equity is -12.5"),
        (
            {"maximum_open_positions": 2},
            situation(other_positions=2),
            "maximum_open_positions",
            "2 other symbols are held or on order, 2 are allowed",
        ),
        (
            {"daily_loss_limit": 0.05},
            situation("950"),
            "daily_loss_limit",
            "lost 50 today, 50 of 1,000 are allowed",
        ),
    ],
)
def test_a_refusal_names_its_rule_and_the_numbers(
    settings: dict[str, Any], now: Situation, rule: str, reason: str
) -> None:
    """Each rule speaks for itself, in words and figures."""
    assert entry_refusal(RiskSettings(**settings), "ABC", now) == Refusal(rule, reason)


@pytest.mark.parametrize(
    ("settings", "now"),
    [
        ({"symbols": ("ABC",)}, situation()),
        ({"maximum_open_positions": 2}, situation(other_positions=1)),
        ({"maximum_open_positions": None}, situation(other_positions=1000)),
        ({"daily_loss_limit": 0.05}, situation("950.01")),
        ({"daily_loss_limit": None}, situation("1")),
    ],
)
def test_what_is_within_the_limits_is_allowed(settings: dict[str, Any], now: Situation) -> None:
    """Just inside a limit, or without one, nothing is refused."""
    assert entry_refusal(RiskSettings(**settings), "ABC", now) is None


@pytest.mark.parametrize(
    ("settings", "strength", "expected"),
    [
        ({}, 1, "100"),
        ({}, "0.5", "50"),
        ({"scale_by_strength": False}, "0.5", "100"),
        ({"fraction_per_trade": 1}, 1, "1000"),
        ({"quantity_step": 30}, 1, "90"),
    ],
)
def test_a_position_is_a_fraction_of_equity(
    settings: dict[str, Any], strength: Any, expected: str
) -> None:
    """Equity times fraction times strength, over the price, rounded down to the step."""
    sized = size_entry(RiskSettings(**settings), Decimal(10_000), Decimal(strength), Decimal(10))
    assert sized == (Decimal(expected), None)


@pytest.mark.parametrize(
    ("settings", "cut", "refusal"),
    [
        (
            {"maximum_position": 40},
            "40",
            Refusal("maximum_position", "quantity 100 is above 40"),
        ),
        (
            {"maximum_order_value": 999, "quantity_step": 10},
            "90",
            Refusal("maximum_order_value", "value 1,000 is above 999"),
        ),
        (
            {"maximum_position": 50, "maximum_order_value": 200},
            "20",
            Refusal("maximum_position", "quantity 100 is above 50"),
        ),
        (
            {"maximum_order_value": 50, "quantity_step": 10},
            "0",
            Refusal("maximum_order_value", "value 1,000 is above 50"),
        ),
    ],
)
def test_what_is_too_large_is_cut_or_reported_with_the_rule(
    settings: dict[str, Any], cut: str, refusal: Refusal
) -> None:
    """`oversize = "cut"` takes what every limit allows; "reject" leaves the wanted size."""
    sizing = (Decimal(10_000), Decimal(1), Decimal(10))
    assert size_entry(RiskSettings(**settings), *sizing) == (Decimal(cut), refusal)
    rejecting = RiskSettings(oversize="reject", **settings)
    assert size_entry(rejecting, *sizing) == (Decimal(100), refusal)


def test_what_buys_less_than_a_step_is_nothing() -> None:
    """A weak signal in an expensive instrument is refused by the smallest quantity."""
    settings = RiskSettings(quantity_step=1)
    assert size_entry(settings, Decimal(1000), Decimal("0.1"), Decimal(500)) == (
        Decimal(0),
        Refusal("quantity_step", "10 at 500 buys less than 1"),
    )


def test_the_largest_order_is_never_worth_more_than_the_limit() -> None:
    """A third of a unit is rounded down, not to nearest."""
    settings = RiskSettings(maximum_order_value=1, quantity_step="0.01")
    assert largest_order(settings, Decimal("1.5")) == Decimal("0.66")
    assert largest_order(RiskSettings(), Decimal("1.5")) is None


def test_the_day_starts_with_the_last_equity_of_the_day_before() -> None:
    """A loss over night counts for the day on which it is seen."""
    daily = DailyLoss()
    daily.at(at(0))
    assert daily.day_start is None
    daily.update(Decimal(1000), at(5))
    daily.update(Decimal(1100), at(DAY - 1))
    assert daily.day_start == 1000
    daily.update(Decimal(900), at(DAY))
    assert (daily.day_start, daily.equity) == (1100, 900)


def test_the_day_also_turns_when_nothing_is_held() -> None:
    """A signal of a new day begins it, for a flat portfolio publishes nothing."""
    daily = DailyLoss()
    daily.update(Decimal(1000), at(0))
    daily.update(Decimal(800), at(1))
    daily.at(at(DAY))
    assert daily.day_start == 800


def test_a_late_update_does_not_turn_the_day_back() -> None:
    """An event of yesterday that comes today changes the equity and not the day."""
    daily = DailyLoss()
    daily.update(Decimal(1000), at(DAY))
    daily.update(Decimal(900), at(0))
    daily.update(Decimal(950), at(DAY + 1))
    assert daily.day_start == 1000
