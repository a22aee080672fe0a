"""The strategies that come with the package: when they speak, and what they say."""

import math
from collections import deque
from itertools import pairwise
from math import fsum
from typing import Any

import pytest
from hookbus_paper.strategy.settings import StrategySpec
from hookbus_paper.strategy.strategies.sma_cross import efficiency, two_different
from hookbus_trading.contracts import Decision, Strategy
from hookbus_trading.flow import Bar
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.plugins.paper.makers import bars_of, make_bar

PRICES = st.floats(1e-3, 1e6)
UP_AND_DOWN = [10.0, 9.0, 8.0, 7.0, 8.0, 9.0, 10.0, 9.0, 8.0, 7.0]


def strategy_of(kind: str, **parameters: Any) -> Strategy:
    """A strategy of the settings."""
    built: Strategy = StrategySpec(kind=kind, parameters=parameters).build()
    return built


def decisions_of(strategy: Strategy, bars: list[Bar]) -> list[Decision | None]:
    """What a strategy says after each bar."""
    indicators = strategy.indicators()
    values: dict[str, float] = {}
    found = []
    for bar in bars:
        for name, indicator in indicators.items():
            value = indicator.update(bar)
            if value is not None:
                values[name] = value
        found.append(strategy.on_bar(bar, values))
    return found


def test_a_cross_is_told_with_both_averages() -> None:
    """The reason has the numbers that crossed."""
    found = decisions_of(strategy_of("sma-cross", fast=2, slow=3), bars_of(UP_AND_DOWN))
    told = {index: one for index, one in enumerate(found) if one is not None}
    assert list(told) == [5, 8]
    assert (told[5].direction, told[8].direction) == ("long", "flat")
    assert told[5].reason == "sma2 8.5000 crossed above sma3 8.0000"
    assert told[8].reason == "sma2 8.5000 crossed below sma3 9.0000"


def test_a_cross_below_asks_for_a_short_position_if_set() -> None:
    """`below = "short"` turns the exit into a reversal."""
    strategy = strategy_of("sma-cross", fast=2, slow=3, below="short")
    found = [one.direction for one in decisions_of(strategy, bars_of(UP_AND_DOWN)) if one]
    assert found == ["long", "short"]


@given(st.lists(st.sampled_from([1.0, 1.1, 1.2, 1.3]), max_size=60))
def test_a_cross_is_a_change_of_side_and_nothing_else(closes: list[float]) -> None:
    """Crosses are where brute force sees the sign of fast minus slow turn, ties left out."""
    found = decisions_of(strategy_of("sma-cross", fast=2, slow=5), bars_of(closes))
    sides: list[tuple[int, int]] = []
    for end in range(5, len(closes) + 1):
        gap = fsum(closes[end - 2 : end]) / 2 - fsum(closes[end - 5 : end]) / 5
        if abs(gap) > 1e-9:
            sides.append((end - 1, 1 if gap > 0 else -1))
    expected: list[str | None] = [None] * len(closes)
    for (_, before), (index, side) in pairwise(sides):
        if side != before:
            expected[index] = "long" if side > 0 else "flat"
    assert [None if one is None else one.direction for one in found] == expected


@pytest.mark.parametrize("closes", [[1.1] * 50, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]])
def test_no_cross_where_nothing_moves_or_the_first_side_is_taken(closes: list[float]) -> None:
    """Rounding is no cross, and a strategy that starts within a trend waits for the next one."""
    found = decisions_of(strategy_of("sma-cross", fast=3, slow=7), bars_of(closes))
    assert found == [None] * len(closes)


def test_reversion_buys_what_fell_and_leaves_when_it_has_recovered() -> None:
    """Once below the one threshold, once above the other, with the index in the reason."""
    closes = [100.0 - number for number in range(8)] + [95.0 + 2 * number for number in range(8)]
    strategy = strategy_of("rsi-reversion", period=5, limit_bps=50)
    told = [one for one in decisions_of(strategy, bars_of(closes)) if one]
    assert [one.direction for one in told] == ["long", "flat"]
    assert (told[0].order_type, told[0].strength) == ("limit", 1.0)
    assert told[0].entry_price == pytest.approx(95 * 0.995)
    assert told[0].reason == "rsi5 0.0 is below 30"
    assert told[1].order_type == "market"


def test_a_breakout_moves_its_stop_with_the_channel_and_leaves_below_the_other() -> None:
    """A stop at the highest high, moved when that moves; flat once the lowest low is broken."""
    closes = [10.0, 11.0, 10.5, 10.2, 10.1, 12.0, 13.0, 12.5, 9.0]
    strategy = strategy_of("donchian-breakout", entry=3, exit=2)
    bars = [make_bar(minute, close) for minute, close in enumerate(closes)]
    found = decisions_of(strategy, bars)
    told = [None if one is None else (one.direction, one.entry_price) for one in found]
    assert told == [
        None,
        None,
        ("long", 11.0),
        None,
        ("long", 10.5),
        None,
        None,
        None,
        ("flat", None),
    ]


def test_buy_and_hold_buys_once() -> None:
    """And never says anything again."""
    found = decisions_of(strategy_of("buy-and-hold"), bars_of([1.0, 2.0, 1.0]))
    assert [one is not None for one in found] == [True, False, False]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "sma-cros"}, "kind 'sma-cros' is not known; use one of buy-and-hold, "),
        ({"kind": "nowhere:Mine"}, "nowhere:Mine cannot be imported: ModuleNotFoundError"),
        ({"kind": "decimal:Decimal"}, "decimal:Decimal is no strategy: it lacks Parameters, "),
        (
            {"kind": "sma-cross", "parameters": {"fast": 30, "slow": 10}},
            "fast 30 must be smaller than slow 10",
        ),
        (
            {"kind": "sma-cross", "parameters": {"fats": 30}},
            r"parameters.fats: there is no such parameter; did you mean .fast.\? \(parameters of",
        ),
        ({"kind": "rsi-reversion", "parameters": {"period": 1}}, "parameters.period: .*, not 1"),
        (
            {"kind": "rsi-reversion", "parameters": {"exit": 20}},
            "oversold 30 must be below exit 20",
        ),
    ],
)
def test_what_cannot_be_built_is_a_mistake_in_the_settings(
    settings: dict[str, Any], message: str
) -> None:
    """Unknown kinds and bad parameters are told before the run begins, with what is allowed."""
    with pytest.raises(ValidationError, match=message):
        StrategySpec.model_validate(settings)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, 3.0], 1.0),
        ([3.0, 2.0, 1.0], 1.0),
        ([1.0, 3.0, 1.0], 0.0),
        ([1.0, 3.0, 2.0], 1 / 3),
        ([5.0, 5.0], 0.0),
        ([5.0], 1.0),
    ],
)
def test_strength_is_how_straight_prices_went(values: list[float], expected: float) -> None:
    """A straight move, up or down, counts 1; one that came back counts 0."""
    assert efficiency(deque(values)) == pytest.approx(expected)


@given(st.lists(PRICES, min_size=1, max_size=40))
def test_strength_is_always_between_zero_and_one(values: list[float]) -> None:
    """Whatever the prices and their rounding, a signal accepts the strength."""
    assert 0.0 <= efficiency(deque(values)) <= 1.0


@given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12))
def test_a_reason_shows_two_numbers_that_differ(first: float, second: float) -> None:
    """Averages that differ beyond rounding never look the same in a reason."""
    texts = two_different(first, second)
    if not math.isclose(first, second, rel_tol=1e-12):
        assert texts[0] != texts[1]
    for text, number in zip(texts, (first, second), strict=True):
        assert abs(float(text) - number) <= 1e-4 * max(first, second)
