"""Settings that contradict themselves are refused, naming the keys and the values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hookbus.settings.mistakes import MistakesFound
from hookbus.settings.settings import build
from hookbus_opprank.settings import OpprankSettings

from tests.plugins.opprank.makers import only

ZEROS = only("momentum", momentum=0.0)


def mistakes(settings: Mapping[str, Any]) -> str:
    """What is wrong with the settings, as the host would say it."""
    with pytest.raises(MistakesFound) as caught:
        build(OpprankSettings, settings)
    return "\n".join(f"{one.place} {one.reason} {one.mend}" for one in caught.value.mistakes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"weights": ZEROS}, "momentum 0, volatility_adjusted 0, liquidity 0, range 0"),
        ({"weights": {"momentun": 1}}, "Did you mean 'momentum'?"),
        ({"weights": {"momentum": float("nan")}}, "must be a finite number"),
        ({"momentum_window": 5, "momentum_skip": 5}, "momentum_skip 5 leaves nothing of "
         "momentum_window 5"),
        ({"momentum_window": 30, "rules": {"minimum_bars": 30}},
         "rules.minimum_bars 30 is fewer than the 31 bars that momentum_window 30 needs"),
        ({"range_window": 99, "rules": {"minimum_bars": 98}},
         "rules.minimum_bars 98 is fewer than the 99 bars that range_window 99 needs"),
        ({"rules": {"include": ["B", "A"], "exclude": ["A", "C"]}},
         "A: named in include and in exclude"),
        ({"rules": {"minimum_price": 5, "maximum_price": 2}},
         "minimum_price 5 is above maximum_price 2"),
        ({"rules": {"include": ["A", "B"]}, "maximum_symbols": 1},
         "rules.include names 2 symbols, more than maximum_symbols 1"),
        ({"on": ["pipeline.*", "control.*"]}, "on 'control.*' matches control.opportunities"),
        ({"cron": "0 9 * * *", "every": 60}, "cron = '0 9 * * *': 'every' is set as well"),
        ({"cron": "at nine"}, "cron = 'at nine'"),
        ({"cron": "0 9 * * *", "timezone": "Mars"}, "timezone = 'Mars'"),
        ({"volatility_window": 1}, "volatility_window"),
        ({"normalise": "softmax"}, "must be 'zscore' or 'rank'"),
        ({"range_estimator": "garch"}, "must be 'range' or 'parkinson'"),
        ({"rules": {"maximum_move": 0}}, "maximum_move"),
        ({"top": 0}, "top"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(settings: dict[str, Any], words: str) -> None:
    """The message names what contradicts what."""
    assert words in mistakes(settings)


def test_windows_out_of_use_contradict_nothing() -> None:
    """A window whose criterion has no weight, and that no rule needs, asks for no bars."""
    short = {"momentum_window": 500, "liquidity_window": 5, "weights": only("liquidity")}
    settings = build(OpprankSettings, {**short, "rules": {"minimum_bars": 5}})
    assert settings.needed_bars() == {"liquidity_window": 5}
    ruled = {"volatility_window": 50, "rules": {"maximum_volatility": 0.1, "minimum_bars": 6}}
    assert "needs" in mistakes({**short, **ruled})


@pytest.mark.parametrize(
    ("settings", "schedule"),
    [
        ({}, "on opprank.ranking_requested within 1 s"),
        ({"every_bars": 5, "settle": 2.5}, "on opprank.ranking_requested within 2.5 s"),
        ({"on": ["pipeline.markets_scored"]}, "on pipeline.markets_scored within 1 s"),
        ({"every": 60}, "every 60 s"),
        ({"cron": "0 17 * * 1-5", "timezone": "America/New_York"},
         "cron 0 17 * * 1-5 America/New_York"),
        ({"every": 60, "every_bars": 1}, "every 60 s, on opprank.ranking_requested within 1 s"),
    ],
)  # fmt: skip
def test_the_schedule_is_what_the_settings_say(settings: dict[str, Any], schedule: str) -> None:
    """Nothing set is a ranking after every bar; with events and a timer, events decide."""
    made = build(OpprankSettings, settings)
    job = made.job(print)
    assert job.schedule == schedule
    assert job.choice == ("event" if " within " in schedule else "timer")
