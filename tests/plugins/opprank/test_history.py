"""The figures of one symbol: those of the plain formulas, and none where prices are broken."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import pytest
from hookbus_opprank.history import NEVER, History, is_usable
from hookbus_opprank.settings import OpprankSettings
from hookbus_trading import Bar
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.opprank.makers import make_bar, make_bars, make_settings, reference, series

FIGURES = ("momentum", "volatility", "volatility_adjusted", "liquidity", "range")


def history_of(settings: OpprankSettings, bars: list[Bar]) -> History:
    """A history that was given some bars."""
    history = History(settings)
    for bar in bars:
        history.push(bar)
    return history


@settings(deadline=None)
@given(
    series(least=9),
    st.fixed_dictionaries(
        {
            "momentum_window": st.integers(4, 8),
            "momentum_skip": st.integers(0, 3),
            "volatility_window": st.integers(2, 8),
            "liquidity_window": st.integers(1, 8),
            "range_window": st.integers(1, 8),
            "range_estimator": st.sampled_from(["range", "parkinson"]),
        }
    ),
)
def test_figures_are_those_of_the_plain_formulas(bars: list[Bar], keys: dict[str, int]) -> None:
    """Whatever came before, each figure is the formula over its window, to twelve digits."""
    settings = make_settings(**keys)
    history, expected = history_of(settings, bars), reference(bars, settings)
    for name in FIGURES:
        assert getattr(history, name) == pytest.approx(expected[name], rel=1e-12, abs=1e-13)


@settings(deadline=None)
@given(series(least=9, most=20), series(least=0, most=20))
def test_figures_depend_on_the_window_alone(bars: list[Bar], before: list[Bar]) -> None:
    """A symbol with another past and the same last bars has exactly the same figures."""
    settings = make_settings(window=8)
    later = [bar.model_copy(update={"time": bar.time.replace(year=2025)}) for bar in bars]
    fresh, experienced = history_of(settings, later), history_of(settings, [*before, *later])
    for name in FIGURES:
        assert getattr(fresh, name) == getattr(experienced, name)


@given(series(least=5, most=5))
def test_the_adjusted_return_is_bounded_by_the_root_of_the_window(bars: list[Bar]) -> None:
    """A return in a straight line has the highest ratio that there can be (Cauchy, Schwarz)."""
    history = history_of(make_settings(window=4), bars)
    assert abs(history.volatility_adjusted) <= sqrt(4) * (1 + 1e-12)


def test_figures_of_a_known_series() -> None:
    """Momentum leaves the newest bar out; a market that stands still has no volatility."""
    settings = make_settings(window=3, momentum_skip=1)
    history = history_of(settings, make_bars("A", [100.0, 80.0, 110.0, 99.0], volume=10.0))
    assert history.momentum == pytest.approx(110.0 / 100.0 - 1.0)
    assert history.liquidity == pytest.approx((800.0 + 1100.0 + 990.0) / 3)
    flat = history_of(settings, make_bars("A", [5.0] * 4))
    assert (flat.momentum, flat.volatility, flat.volatility_adjusted, flat.range) == (0, 0, 0, 0)


def test_parkinson_of_a_known_bar() -> None:
    """A bar whose high is twice its low: ln 2 / sqrt(4 ln 2), which is half the root of ln 2."""
    settings = make_settings(window=1, range_estimator="parkinson", volatility_window=2)
    history = history_of(settings, [make_bar(0, 1.5, high=2.0, low=1.0)])
    assert history.range == pytest.approx(0.832554611157698 / 2)


def test_returns_use_the_adjusted_close_and_traded_value_the_real_one() -> None:
    """A split that the adjusted close has seen makes no return; what was traded was traded."""
    raw, adjusted = [100.0, 100.0, 50.0, 50.0], [50.0, 50.0, 50.0, 55.0]
    bars = [
        make_bar(minute, close, adjusted_close=other, volume=2.0)
        for minute, (close, other) in enumerate(zip(raw, adjusted, strict=True))
    ]
    history = history_of(make_settings(rules={"maximum_move": 0.3}), bars)
    assert history.broken is None
    assert history.momentum == pytest.approx(0.1)
    assert history.liquidity == pytest.approx((200 + 100 + 100) / 3)
    assert history.close == 50.0
    quoted = history_of(make_settings(adjusted=False, rules={"maximum_move": 0.3}), bars)
    assert quoted.momentum == pytest.approx(-0.5)
    assert quoted.broken == (
        "at 2024-01-01 00:02:00 UTC: 100 to 50 in one bar, -0.5 is beyond 0.3 (maximum_move)"
    )


@pytest.mark.parametrize(("jump", "breaks"), [(2.0, True), (0.5, True), (1.29, False)])
def test_a_jump_is_remembered_as_long_as_it_is_in_a_window(jump: float, breaks: bool) -> None:
    """With windows of three returns a jump breaks three bars, the one that jumped among them."""
    history = History(make_settings(window=3, rules={"maximum_move": 0.3}))
    broken = []
    for bar in make_bars("A", [10.0] * 4 + [10.0 * jump] * 5):
        history.push(bar)
        broken.append(history.broken is not None)
    assert broken == [False] * 4 + [breaks] * 3 + [False] * 2


def test_a_gap_breaks_the_series() -> None:
    """Bars further apart than maximum_gap are no continuous series, and the reason says so."""
    history = History(make_settings(window=2, rules={"maximum_gap": 60.0}))
    reasons = []
    for minute in (0, 1, 2, 4, 5, 6):
        history.push(make_bar(minute, 10.0))
        reasons.append(history.broken)
    text = "at 2024-01-01 00:04:00 UTC: no bar for 120 s, above 60 s (maximum_gap)"
    assert reasons == [None, None, None, text, text, None]


def test_prices_that_begin_or_cease_to_be_adjusted_break_the_series() -> None:
    """A return from a quoted to an adjusted price is none, however small it looks."""
    history = History(make_settings(window=2))
    reasons = []
    for minute, adjusted in enumerate([None, None, 10.0, 10.0, None, None, None]):
        history.push(make_bar(minute, 10.0, adjusted_close=adjusted))
        reasons.append(history.broken)
    begins = "at 2024-01-01 00:02:00 UTC: its prices begin to be adjusted"
    ceases = "at 2024-01-01 00:04:00 UTC: its prices cease to be adjusted"
    assert reasons == [None, None, begins, begins, ceases, ceases, None]


def test_infinity_is_no_limit_on_moves() -> None:
    """With maximum_move = inf a price may do what it likes."""
    settings = make_settings(window=2, rules={"maximum_move": inf})
    assert history_of(settings, make_bars("A", [1e-6, 1e9, 1e-6])).broken is None


@pytest.mark.parametrize(
    "fields",
    [
        {"close": 1e51},
        {"close": 1e-51},
        {"close": 1.0, "volume": 1e51},
        {"close": 1.0, "high": 1e51},
        {"close": 1.0, "adjusted_close": 1e-51},
        {"close": 1.0, "adjusted_close": 1e51},
    ],
)
def test_numbers_that_would_overflow_are_told(fields: dict[str, Any]) -> None:
    """A bar with a number that no market has is not usable; those at the edge can be computed."""
    assert not is_usable(make_bar(0, **fields))
    low, high = 1.01e-50, 0.99e50
    edges = [make_bar(0, low, high=high), make_bar(1, high, low=low, volume=high)]
    assert all(map(is_usable, edges))
    history = history_of(make_settings(window=2), [*edges, *make_bars("A", [low])])
    assert all(0 <= getattr(history, name) < inf for name in ("volatility", "liquidity", "range"))


def test_a_new_history_knows_nothing() -> None:
    """Before the first bar there is none to compare with."""
    history = History(make_settings())
    assert (history.bars, history.time, history.broken) == (0, NEVER, None)
