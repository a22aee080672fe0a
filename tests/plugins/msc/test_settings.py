"""Settings that contradict one another are refused, with both keys and both values."""

from __future__ import annotations

from typing import Any

import pytest
from hookbus.settings.mistakes import MistakesFound
from hookbus.settings.settings import build
from hookbus_msc.settings import MscSettings


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {"drawdown": {"normal": 0.2, "defensive": 0.1}},
            "normal = 0.2 must be below defensive = 0.1",
        ),
        ({"daily_loss": {"normal": 0.03}}, "normal = 0.03 must be below defensive = 0.03"),
        ({"volatility": {"normal": 2.0}}, "normal = 2 must be below defensive = 1.8"),
        (
            {"volatility": {"short_window": 500}},
            "short_window = 500 must be below long_window = 500",
        ),
        (
            {"volatility": {"minimum_bars": 10}},
            "minimum_bars = 10 must lie between short_window = 32 and long_window = 500",
        ),
        ({"hit_rate": {"normal": 0.3}}, "defensive = 0.3 must be below normal = 0.3"),
        (
            {"hit_rate": {"trades": 5}},
            "minimum_trades = 10 must not be above trades = 5",
        ),
        (
            {"hit_rate": {"normal": 0.9, "trades": 20}},
            "hit_rate.normal = 0.9 with relax.hysteresis = 0.2 can never be cleared by "
            "hit_rate.trades = 20 with hit_rate.z = 1.645",
        ),
        (
            {"gating": {"strategies": ["a"], "trades": 5}},
            "minimum_trades = 10 must not be above trades = 5",
        ),
        (
            {"defensive": {"maximum_risk_per_trade": 0.06}},
            "defensive.maximum_risk_per_trade = 0.06 is looser than "
            "normal.maximum_risk_per_trade = 0.05",
        ),
        (
            {"normal": {"minimum_confidence": 0.6}},
            "defensive.minimum_confidence = 0.5 is looser than normal.minimum_confidence = 0.6",
        ),
        (
            {"normal": {"maximum_positions": "unlimited"}},
            "normal.maximum_positions = 'unlimited' is looser than "
            "aggressive.maximum_positions = 10",
        ),
        (
            {"defensive": {"maximum_positions": 7}},
            "defensive.maximum_positions = 7 is looser than normal.maximum_positions = 6",
        ),
        (
            {"normal": {"allowed_strategies": ["a"]}},
            "defensive.allowed_strategies = 'all' is looser than "
            "normal.allowed_strategies = ('a',)",
        ),
        (
            {"gating": {"strategies": ["a"]}, "defensive": {"allowed_strategies": ["b"]}},
            "defensive.allowed_strategies names ['b'], which gating.strategies = ('a',) does not",
        ),
    ],
)
def test_a_contradiction_is_refused(data: dict[str, Any], words: str) -> None:
    """The sentence names what contradicts what."""
    with pytest.raises(MistakesFound) as caught:
        build(MscSettings, data)
    assert words in str(caught.value)


def test_a_table_that_sets_one_limit_keeps_the_others_of_its_mode() -> None:
    """Defaults are those of the mode, not of any mode."""
    settings = build(MscSettings, {"defensive": {"maximum_positions": 0}})
    assert settings.defensive.maximum_risk_per_trade == 0.02
    assert settings.defensive.minimum_confidence == 0.5
    assert settings.normal == MscSettings().normal


def test_an_input_that_is_off_contradicts_nothing() -> None:
    """A hit rate that takes no part need not be provable."""
    off = {"enabled": False, "normal": 0.9, "trades": 20}
    assert build(MscSettings, {"hit_rate": off}).hit_rate.trades == 20


def test_a_pin_without_a_time_zone_is_refused() -> None:
    """Nobody can tell which instant is meant."""
    with pytest.raises(MistakesFound, match="time zone"):
        build(MscSettings, {"pin": {"mode": "normal", "until": "2024-01-01T00:00:00"}})
