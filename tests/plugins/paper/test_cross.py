"""The strategy: which bars it uses and which signals it makes of them."""

import math

import pytest
from hookbus_paper.strategy.cross import CrossStrategy, two_different
from hookbus_paper.strategy.settings import StrategySettings
from hookbus_trading.flow import Bar, Indicator, TradingSignal
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.plugins.paper.makers import at, bars_of, make_bar

UP_AND_DOWN = [10.0, 9.0, 8.0, 7.0, 8.0, 9.0, 10.0, 9.0, 8.0, 7.0]


def signals_of(strategy: CrossStrategy, bars: list[Bar]) -> list[TradingSignal]:
    """The signals made of some bars."""
    found = [event for bar in bars for event in strategy.on_bar(bar)]
    return [event for event in found if isinstance(event, TradingSignal)]


def test_a_cross_becomes_a_signal_that_people_understand() -> None:
    """The signal carries symbol, price, time, direction and a reason with both averages."""
    strategy = CrossStrategy(StrategySettings(fast=2, slow=3, label="mine"))
    up, down = signals_of(strategy, bars_of(UP_AND_DOWN))
    assert (up.symbol, up.strategy, up.direction, up.price) == ("ABC", "mine", "long", 9.0)
    assert up.time == at(5)
    assert up.reason == "sma2 8.5000 crossed above sma3 8.0000"
    assert (down.direction, down.time) == ("flat", at(8))
    assert down.reason == "sma2 8.5000 crossed below sma3 9.0000"
    assert strategy.signals == 2


def test_a_cross_below_asks_for_a_short_position_if_set() -> None:
    """`below = "short"` turns the exit into a reversal."""
    strategy = CrossStrategy(StrategySettings(fast=2, slow=3, below="short"))
    assert [signal.direction for signal in signals_of(strategy, bars_of(UP_AND_DOWN))] == [
        "long",
        "short",
    ]


def test_symbols_do_not_mix() -> None:
    """Two symbols in one stream give each the signals it gives alone."""
    alone = signals_of(CrossStrategy(StrategySettings(fast=2, slow=3)), bars_of(UP_AND_DOWN))
    other = bars_of([5.0] * len(UP_AND_DOWN), symbol="XYZ")
    mixed = [bar for pair in zip(bars_of(UP_AND_DOWN), other, strict=True) for bar in pair]
    assert signals_of(CrossStrategy(StrategySettings(fast=2, slow=3)), mixed) == alone


def test_a_symbol_that_is_not_traded_is_counted() -> None:
    """With `symbols` set, other bars make no signal and show in the summary."""
    strategy = CrossStrategy(StrategySettings(fast=2, slow=3, symbols=("XYZ",)))
    assert signals_of(strategy, bars_of(UP_AND_DOWN)) == []
    assert ("Bars ignored: symbol not traded", "10") in strategy.gate.rows()


def test_repeated_and_late_bars_change_nothing_and_are_counted() -> None:
    """A stream with duplicates and old bars in it gives the signals of the clean stream."""
    clean = bars_of(UP_AND_DOWN)
    dirty = [again for bar in clean for again in (bar, bar, make_bar(-1, 1e6))]
    strategy = CrossStrategy(StrategySettings(fast=2, slow=3))
    assert len(signals_of(strategy, dirty)) == 2
    assert (strategy.gate.seen, strategy.gate.stale) == (10, 20)


def test_averages_are_published_on_request_once_they_exist() -> None:
    """With `publish_indicators`, each average is an event from the bar on at which it is full."""
    strategy = CrossStrategy(StrategySettings(fast=2, slow=3, publish_indicators=True))
    found = [strategy.on_bar(bar) for bar in bars_of([1.0, 2.0, 3.0])]
    assert found[0] == []
    assert found[1] == [Indicator(symbol="ABC", name="sma2", time=at(1), value=1.5)]
    assert found[2] == [
        Indicator(symbol="ABC", name="sma2", time=at(2), value=2.5),
        Indicator(symbol="ABC", name="sma3", time=at(2), value=2.0),
    ]


def test_windows_the_wrong_way_round_are_refused() -> None:
    """A fast average that is not faster is a mistake in the settings, with both numbers."""
    with pytest.raises(ValidationError, match="fast 30 must be smaller than slow 10"):
        StrategySettings(fast=30, slow=10)


@given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12))
def test_a_reason_shows_two_numbers_that_differ(first: float, second: float) -> None:
    """Averages that differ beyond rounding never look the same in a reason."""
    texts = two_different(first, second)
    if not math.isclose(first, second, rel_tol=1e-12):
        assert texts[0] != texts[1]
    for text, number in zip(texts, (first, second), strict=True):
        assert abs(float(text) - number) <= 1e-4 * max(first, second)
