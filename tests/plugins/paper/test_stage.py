"""The strategy stage: which bars reach which strategy, on which book, and what failures do."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hookbus import Event, Settings
from hookbus_paper.strategy.settings import StrategySettings
from hookbus_paper.strategy.stage import StrategyStage
from hookbus_trading.contracts import Decision, IndicatorInput
from hookbus_trading.control import StrategyPromoted
from hookbus_trading.fields import Stage
from hookbus_trading.flow import Bar, Indicator, TradingSignal
from hookbus_trading.runners import RunnerFailed
from pydantic import ValidationError

from tests.plugins.paper.makers import at, bars_of, make_bar
from tests.plugins.paper.running import crossing

UP_AND_DOWN = [10.0, 9.0, 8.0, 7.0, 8.0, 9.0, 10.0, 9.0, 8.0, 7.0]


class FailingParameters(Settings):
    """There is nothing to set."""


class Failing:
    """Buys at the first bar and fails at every bar that closes above ten."""

    Parameters: ClassVar = FailingParameters

    def __init__(self, parameters: FailingParameters) -> None:
        """Begin without a position."""

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """None."""
        return {}

    def on_bar(self, bar: Bar, values: Mapping[str, float]) -> Decision | None:
        """Fail, or buy."""
        if bar.close > 10:
            raise ValueError("too high")
        return Decision("long", strength=2.0 if bar.close < 1 else 1.0)


class NotANumber:
    """An indicator that has lost its way."""

    def update(self, bar: Bar) -> float | None:
        """Nothing that can be published."""
        return float("nan")


class Lost(Failing):
    """Buys, and shows an indicator that is no number."""

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """One that is no number."""
        return {"lost": NotANumber()}


class Stillborn(Failing):
    """Cannot even name its indicators."""

    def indicators(self) -> Mapping[str, IndicatorInput]:
        """Fail."""
        raise LookupError("no indicators")


class Impossible(Failing):
    """Cannot be built."""

    def __init__(self, parameters: FailingParameters) -> None:
        """Fail."""
        raise LookupError("no strategy")


FAILING = f"{__name__}:Failing"


def stage_of(**settings: Any) -> StrategyStage:
    """A strategy stage."""
    return StrategyStage(StrategySettings(**settings))


def told(stage: StrategyStage, bars: list[Bar]) -> list[Event]:
    """What a stage publishes."""
    return [event for bar in bars for event in stage.on_bar(bar)]


def signals_of(stage: StrategyStage, bars: list[Bar]) -> list[TradingSignal]:
    """The signals made of some bars."""
    return [event for event in told(stage, bars) if isinstance(event, TradingSignal)]


def test_a_decision_becomes_a_signal_of_its_strategy() -> None:
    """The signal carries symbol, name, price, time, direction, reason, and the main book."""
    up, down = signals_of(stage_of(**crossing(2, 3)), bars_of(UP_AND_DOWN))
    assert (up.symbol, up.strategy, up.direction, up.price) == ("ABC", "cross", "long", 9.0)
    assert (up.time, up.book) == (at(5), "main")
    assert up.reason == "sma2 8.5000 crossed above sma3 8.0000"
    assert (down.direction, down.time) == ("flat", at(8))


def test_symbols_do_not_mix() -> None:
    """Two symbols in one stream give each the signals it gives alone."""
    alone = signals_of(stage_of(**crossing(2, 3)), bars_of(UP_AND_DOWN))
    other = bars_of([5.0] * len(UP_AND_DOWN), symbol="XYZ")
    mixed = [bar for pair in zip(bars_of(UP_AND_DOWN), other, strict=True) for bar in pair]
    assert signals_of(stage_of(**crossing(2, 3)), mixed) == alone


def test_several_strategies_run_at_once() -> None:
    """Each speaks under its own name, in the order of the settings, on its own symbols."""
    strategies = {
        "b": {"kind": "buy-and-hold", "symbols": ["XYZ"]},
        "a": {"kind": "buy-and-hold"},
    }
    stage = stage_of(strategies=strategies)
    found = signals_of(stage, [make_bar(0), make_bar(0, symbol="XYZ")])
    assert [(one.strategy, one.symbol) for one in found] == [
        ("a", "ABC"),
        ("b", "XYZ"),
        ("a", "XYZ"),
    ]


def test_a_symbol_that_nobody_trades_is_counted() -> None:
    """Other bars make no signal and show in the summary."""
    stage = stage_of(**crossing(2, 3, symbols=("XYZ",)))
    assert signals_of(stage, bars_of(UP_AND_DOWN)) == []
    assert ("Bars ignored: symbol not traded", "10") in stage.rows()


def test_repeated_and_late_bars_change_nothing_and_are_counted() -> None:
    """A stream with duplicates and old bars in it gives the signals of the clean stream."""
    clean = bars_of(UP_AND_DOWN)
    dirty = [again for bar in clean for again in (bar, bar, make_bar(-1, 1e6))]
    stage = stage_of(**crossing(2, 3))
    assert len(signals_of(stage, dirty)) == 2
    assert (stage.gate.seen, stage.gate.stale) == (10, 20)


def test_indicators_are_published_on_request_once_they_exist() -> None:
    """With `publish_indicators`, each average is an event from the bar on at which it is full."""
    stage = stage_of(**crossing(2, 3), publish_indicators=True)
    found = [stage.on_bar(bar) for bar in bars_of([1.0, 2.0, 3.0])]
    assert found[0] == []
    assert found[1] == [Indicator(symbol="ABC", name="sma2", time=at(1), value=1.5)]
    assert found[2] == [
        Indicator(symbol="ABC", name="sma2", time=at(2), value=2.5),
        Indicator(symbol="ABC", name="sma3", time=at(2), value=2.0),
    ]


@pytest.mark.parametrize(
    ("stage", "book"),
    [("backtest", "backtest:cross"), ("shadow", "shadow:cross"), ("live", "main")],
)
def test_only_what_is_live_speaks_to_the_book_that_counts(stage: Stage, book: str) -> None:
    """Every other stage has a paper book of its own."""
    found = signals_of(stage_of(**crossing(2, 3, stage=stage)), bars_of(UP_AND_DOWN))
    assert [one.book for one in found] == [book, book]


def test_a_retired_strategy_says_nothing() -> None:
    """It is not even asked."""
    assert told(stage_of(**crossing(2, 3, stage="retired")), bars_of(UP_AND_DOWN)) == []


def test_a_promotion_closes_on_the_old_book_and_goes_on_with_the_new_one() -> None:
    """What was held in the old stage does not stay behind."""
    stage = stage_of(**crossing(2, 3, stage="shadow"))
    bars = bars_of(UP_AND_DOWN)
    (entry,) = signals_of(stage, bars[:7])
    promotion = StrategyPromoted(
        strategy="cross", before="shadow", after="live", reason="well", time=at(7)
    )
    (left,) = stage.on_promoted(promotion)
    assert isinstance(left, TradingSignal)
    assert (entry.book, entry.direction) == ("shadow:cross", "long")
    assert (left.book, left.direction, left.time) == ("shadow:cross", "flat", at(7))
    assert left.reason == "cross went from shadow to live: well"
    assert stage.on_promoted(promotion) == []
    assert [one.book for one in signals_of(stage, bars[7:])] == ["main"]


def test_a_failure_is_told_and_stops_nobody_else() -> None:
    """One bad bar costs one decision, and the strategy goes on."""
    strategies = {"bad": {"kind": FAILING}, "good": {"kind": "buy-and-hold"}}
    stage = stage_of(strategies=strategies)
    found = told(stage, bars_of([11.0, 9.0]))
    assert [type(one) for one in found] == [RunnerFailed, TradingSignal, TradingSignal]
    failed = found[0]
    assert isinstance(failed, RunnerFailed)
    assert (failed.runner, failed.severity) == ("bad", "error")
    assert failed.error == "ABC at 2024-01-01 00:00:00 UTC: ValueError: too high"
    assert ("bad", "1 signals, 1 failures") in stage.rows()


def test_a_strategy_that_keeps_failing_is_stopped_and_its_position_closed() -> None:
    """Nobody would close what it holds, so it is closed at once."""
    stage = stage_of(strategies={"bad": {"kind": FAILING}}, maximum_failures=2)
    found = told(stage, bars_of([9.0, 11.0, 12.0, 9.0]))
    assert [type(one) for one in found] == [
        TradingSignal,
        RunnerFailed,
        RunnerFailed,
        TradingSignal,
    ]
    assert isinstance(found[2], RunnerFailed)
    assert found[2].severity == "critical"
    assert isinstance(found[3], TradingSignal)
    assert found[3].direction == "flat"


def test_a_decision_that_is_none_is_a_failure_of_its_strategy() -> None:
    """A strength beyond one is told as what it is, and nothing is ordered by it."""
    stage = stage_of(strategies={"bad": {"kind": FAILING}})
    (failed,) = told(stage, [make_bar(0, 0.5)])
    assert isinstance(failed, RunnerFailed)
    assert "strength" in failed.error


@pytest.mark.parametrize(
    ("kind", "error"), [("Stillborn", "LookupError: no indicators"), ("Lost", "finite number")]
)
def test_whatever_a_strategy_does_wrong_stops_nobody_else(kind: str, error: str) -> None:
    """Not its beginning and not what it shows: each is told as its failure."""
    strategies = {"bad": {"kind": f"{__name__}:{kind}"}, "good": {"kind": "buy-and-hold"}}
    stage = stage_of(strategies=strategies, publish_indicators=True)
    failed, signal = told(stage, [make_bar(0, 9.0)])
    assert isinstance(failed, RunnerFailed)
    assert error in failed.error
    assert isinstance(signal, TradingSignal)
    assert signal.strategy == "good"


def test_a_strategy_that_cannot_be_built_is_refused_with_the_settings() -> None:
    """Whatever it raises is told as a mistake in its table."""
    with pytest.raises(ValidationError, match="Impossible cannot be built: LookupError"):
        stage_of(strategies={"bad": {"kind": f"{__name__}:Impossible"}})


def test_a_strategy_that_comes_back_from_retirement_begins_anew() -> None:
    """Averages of prices from before it was retired would be wrong ones."""
    stage = stage_of(**crossing(2, 3))
    told(stage, bars_of(UP_AND_DOWN[:4]))
    for before, after in (("live", "retired"), ("retired", "live")):
        stage.on_promoted(
            StrategyPromoted(strategy="cross", before=before, after=after, reason="by hand")
        )
    missed = [make_bar(minute, price) for minute, price in ((10, 50.0), (11, 51.0), (12, 50.5))]
    (desk,) = stage.traders[0]._desks.values()
    told(stage, missed[:1])
    assert desk.values == {}
    told(stage, missed[1:])
    assert desk.values == {"sma2": 50.75, "sma3": 50.5}
