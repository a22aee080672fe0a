"""Each rule leaves out whom it should, and says so with the numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.plugins.opprank.makers import START, board_of, make_bars, make_settings, only

CLOSES = [100.0, 110.0, 99.0]


def reason(rules: dict[str, Any], *, minutes: float = 2, volume: float = 2.0) -> str | None:
    """Why the symbol with `CLOSES` is not ranked, so many minutes after its first bar."""
    settings = make_settings(window=2, weights=only("momentum"), rules=rules)
    bars = make_bars("A", CLOSES, volume=volume)
    ranking = board_of(settings, bars).rank(START + timedelta(minutes=minutes))
    assert (ranking.symbols == ("A",)) is ("A" not in ranking.excluded)
    return ranking.excluded.get("A")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"minimum_bars": 4}, "3 of the 4 bars that are needed"),
        ({"minimum_price": 99.5}, "close 99 is below 99.5 (minimum_price)"),
        ({"maximum_price": 98.0}, "close 99 is above 98 (maximum_price)"),
        ({"minimum_price": 99.0 + 1e-9}, "close 99.0 is below 99.000000001 (minimum_price)"),
        (
            {"minimum_traded_value": 210.0},
            "traded value 209 is below 210 per bar (minimum_traded_value)",
        ),
        (
            {"maximum_volatility": 0.1},
            "volatility 0.100461 is above 0.1 per bar (maximum_volatility)",
        ),
        (
            {"maximum_move": 0.09},
            "at 2024-01-01 00:02:00 UTC: 110 to 99 in one bar, -0.1 is beyond 0.09 (maximum_move)",
        ),
        ({"exclude": ["A"]}, "named in exclude"),
        ({"include": ["B", "C"]}, "not among the 2 symbols named in include"),
    ],
)
def test_a_rule_leaves_out_and_says_why(rules: dict[str, Any], expected: str) -> None:
    """Each reason has the value and the limit, also where both look alike when short."""
    assert reason(rules) == expected


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"minimum_bars": 3},
        {"minimum_price": 99.0, "maximum_price": 99.0},
        {"minimum_traded_value": 209.0},
        {"maximum_volatility": 0.1005},
        {"maximum_move": 0.11},
        {"include": ["A", "B"], "exclude": ["C"]},
    ],
)
def test_a_value_at_the_limit_is_ranked(rules: dict[str, Any]) -> None:
    """Limits belong to what is allowed."""
    assert reason(rules) is None


def test_a_symbol_without_bars_for_long_is_left_out() -> None:
    """Age is counted from the last bar to the instant of the ranking, and may reach the limit."""
    rules = {"maximum_age": 600}
    assert reason(rules, minutes=12) is None
    assert reason(rules, minutes=12.5) == "no bar for 630 is above 600 s (maximum_age)"


def test_a_bar_from_the_future_is_not_old() -> None:
    """A feed whose clock is ahead of the host's does no harm."""
    assert reason({"maximum_age": 1}, minutes=-60) is None


def test_the_first_rule_that_is_broken_is_told() -> None:
    """One reason for each symbol, beginning with what makes all other figures meaningless."""
    rules = {"minimum_bars": 9, "minimum_price": 500.0, "maximum_move": 0.01}
    assert reason(rules) == "3 of the 9 bars that are needed"
    assert str(reason({**rules, "minimum_bars": 3})).endswith("(maximum_move)")
