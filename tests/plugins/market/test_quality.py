"""What is odd about bars that are good by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hookbus_market.quality import Doubt, Quality
from hookbus_trading import Bar
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.market.makers import DATA, START, make_bar, needs_data, read

DAY_NS = 86_400 * 10**9


def found(bars: Iterable[Bar], **settings: Any) -> list[Doubt]:
    """All that is odd about some bars."""
    defaults: dict[str, Any] = {"maximum_gap": 5.0, "maximum_jump": 0.4, "on_jump": "warn"}
    quality = Quality(**{**defaults, "skip_repeated": True, **settings})
    return [doubt for bar in bars for doubt in quality.check(bar, nanoseconds(bar.time))]


def nanoseconds(time: datetime) -> int:
    """A time in nanoseconds since 1970."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000


def at(*minutes: int, symbol: str = "A", interval: float | None = None) -> list[Bar]:
    """Bars without movement at some minutes."""
    bars = (make_bar(minute, symbol) for minute in minutes)
    return [bar.model_copy(update={"interval_seconds": interval}) for bar in bars]


def priced(*prices: float) -> list[Bar]:
    """Bars of one minute, each at one price."""
    return [make_bar(minute, price=price) for minute, price in enumerate(prices)]


def told(doubts: Iterable[Doubt]) -> list[tuple[str, str | None, int]]:
    """Kind, symbol and minute of what is odd."""
    return [
        (one.kind, one.symbol, (one.time - START) // timedelta(minutes=1))
        for one in doubts
        if one.time is not None
    ]


def test_a_pause_of_more_than_the_limit_is_a_gap() -> None:
    """Five intervals are none, six are one, and the text has the numbers."""
    assert found(at(0, 1, 6)) == []
    (gap,) = found(at(0, 1, 7))
    assert told([gap]) == [("gap", "A", 7)]
    assert gap.decision == "passed"
    assert gap.brief == "0:06:00"
    assert gap.detail == ("no bar for 0:06:00, 6 times the interval of 0:01:00 (maximum_gap = 5)")


def test_the_interval_of_the_bars_is_used_where_it_is_known() -> None:
    """With a known interval the first pause is measured as well as any other."""
    assert told(found(at(0, 60, interval=600))) == [("gap", "A", 60)]
    assert found(at(0, 60)) == []
    assert found(at(0, 50, interval=600)) == []


def test_a_step_that_turns_out_to_have_been_a_gap_is_told_later() -> None:
    """The first step of a file may be the gap; the second shows it."""
    assert told(found(at(0, 60, 61))) == [("gap", "A", 60)]
    assert told(found(at(0, 60, 70, 71))) == [("gap", "A", 60), ("gap", "A", 70)]


def test_every_symbol_has_its_own_clock() -> None:
    """A symbol that trades rarely does not hide the gap of another."""
    bars = [*at(0, 1, 2, 9), *at(0, 60, 120, symbol="B")]
    assert told(found(sorted(bars, key=lambda bar: bar.time))) == [("gap", "A", 9)]


@pytest.mark.parametrize(
    ("prices", "change"), [((100, 141), "+41.0%"), ((100, 59), "-41.0%"), ((100, 300), "+200.0%")]
)
def test_a_change_beyond_the_limit_is_a_jump(prices: tuple[float, ...], change: str) -> None:
    """From a close to the next open, upwards or downwards."""
    (jump,) = found(priced(*prices))
    assert told([jump]) == [("jump", "A", 1)]
    assert (jump.decision, jump.brief) == ("passed", change)
    assert (
        f"opens at {prices[1]} after a close of 100, {change} (maximum_jump = 0.4)" in jump.detail
    )


@pytest.mark.parametrize("second", [139, 61])
def test_a_change_within_the_limit_is_none(second: float) -> None:
    """Ordinary movement is not mentioned."""
    assert found(priced(100, second)) == []


def test_movement_within_a_bar_is_no_jump() -> None:
    """Only what happens between two bars is a jump."""
    wide = Bar(symbol="A", time=START, open=10, high=40, low=10, close=40)
    assert found([wide, make_bar(1, price=41)]) == []
    assert told(found([wide, make_bar(1, price=10)])) == [("jump", "A", 1)]


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (51, "as in a 2:1 split"),
        (49, "as in a 2:1 split"),
        (33, "as in a 3:1 split"),
        (10, "as in a 10:1 split"),
        (198, "as in a 1:2 reverse split"),
        (1_010, "as in a 1:10 reverse split"),
        (56, None),
        (44, None),
        (170, None),
        (5, None),
    ],
)
def test_a_jump_near_a_whole_ratio_is_told_as_a_split(second: float, words: str | None) -> None:
    """Five per cent from 2:1, 3:1 and so on up to 10:1 in both directions."""
    (jump,) = found(priced(100, second), maximum_jump=0.4)
    assert (words in jump.detail) if words else ("split" not in jump.detail)


def test_a_split_is_a_jump_whatever_the_limit() -> None:
    """Somebody who accepts wild movement wants to know of splits nevertheless."""
    assert told(found(priced(100, 51, 170), maximum_jump=3.0)) == [("jump", "A", 1)]
    assert found(priced(100, 57, 98, 30), maximum_jump=3.0) == []


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (2.5, 2.5, "; adjusted_close is adjusted for it"),
        (10.0, 5.0, "; adjusted_close jumps as well"),
        (None, 5.0, "as in a 2:1 split"),
        (10.0, None, "as in a 2:1 split"),
    ],
)
def test_it_is_told_whether_adjusted_prices_explain_a_jump(
    before: float | None, after: float | None, words: str
) -> None:
    """A split that the adjusted close knows of is no mistake of the data."""
    first, second = priced(10, 5)
    bars = [
        first.model_copy(update={"adjusted_close": before}),
        second.model_copy(update={"adjusted_close": after}),
    ]
    (jump,) = found(bars)
    assert jump.detail.endswith(words)


def test_a_jump_that_is_skipped_must_be_confirmed() -> None:
    """A single wrong price is left out; a new level costs one bar."""
    spike = found(priced(100, 900, 101, 102), on_jump="skip")
    assert [(one.decision, one.time) for one in spike] == [
        ("skipped", START + timedelta(minutes=1))
    ]
    level = found(priced(100, 50, 51, 52, 51), on_jump="skip")
    assert told(level) == [("jump", "A", 1)]
    wild = found(priced(100, 900, 20, 101), on_jump="skip")
    assert told(wild) == [("jump", "A", 1), ("jump", "A", 2)]


def test_an_old_spike_confirms_nothing() -> None:
    """Only the bar right after a skipped one can confirm its price."""
    assert told(found(priced(100, 900, 101, 900, 101), on_jump="skip")) == [
        ("jump", "A", 1),
        ("jump", "A", 3),
    ]


@pytest.mark.parametrize(("skips", "decision"), [(True, "skipped"), (False, "refused")])
def test_a_bar_that_comes_twice_is_told(skips: bool, decision: str) -> None:
    """The first one counts, and the same time of another symbol is no repetition."""
    bars = [make_bar(0), make_bar(1, price=1.1), make_bar(1, price=1.2), make_bar(1, "B")]
    (again,) = found(bars, skip_repeated=skips)
    assert (again.kind, again.symbol, again.decision) == ("duplicate", "A", decision)
    assert again.detail == "there is already a bar of this symbol and time"


def test_a_bar_that_comes_late_is_told() -> None:
    """A source that does not keep the order is found out."""
    (late,) = found(at(5, 3))
    assert (late.kind, late.decision) == ("out_of_order", "skipped")
    assert late.detail == "it is 0:02:00 earlier than the bar before it"


def test_both_checks_can_be_switched_off() -> None:
    """Nothing is a gap or a jump where the limit is 0."""
    bars = [make_bar(0), make_bar(1), make_bar(10_000, price=1_000.0)]
    assert [one.kind for one in found(bars)] == ["gap", "jump"]
    assert [one.kind for one in found(bars, maximum_gap=0.0)] == ["jump"]
    assert [one.kind for one in found(bars, maximum_jump=0.0)] == ["gap"]


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(1, 30), min_size=1, max_size=30),
    limit=st.sampled_from((1.0, 2.5, 5.0)),
)
def test_gaps_are_those_of_a_plain_count(steps: list[int], limit: float) -> None:
    """With a known interval, the gaps are the steps that are longer than the limit."""
    minutes = [sum(steps[:count]) for count in range(len(steps) + 1)]
    expected = [late for early, late in pairwise(minutes) if late - early > limit]
    gaps = found(at(*minutes, interval=60), maximum_gap=limit)
    assert [minute for _, _, minute in told(gaps)] == expected


@settings(deadline=None)
@given(prices=st.lists(st.floats(0.01, 1e6), min_size=2, max_size=30))
def test_jumps_are_those_of_a_plain_count(prices: list[float]) -> None:
    """Every change beyond the limit is told, and no other."""
    expected = [
        place
        for place, (before, after) in enumerate(pairwise(prices), 1)
        if abs(after / before - 1) > 0.4
    ]
    assert [minute for _, _, minute in told(found(priced(*prices)))] == expected


@needs_data
@pytest.mark.parametrize(
    ("name", "gaps", "longest", "jumps"),
    [
        ("eurusd-1h", 42, "3 days, 1:00:00", []),
        ("btcusd-1mo", 0, None, []),
        ("nvda-1999-2014-1d", 1, "7 days, 0:00:00", []),
        ("orcl-1995-2014-1d", 1, "7 days, 0:00:00", []),
        ("yhoo-1996-2015-1d", 1, "7 days, 0:00:00", ["2008-02-01"]),
        ("index-2006-1min", 54, "2 days, 11:01:00", []),
    ],
)
def test_genuine_prices_have_few_doubts(
    name: str, gaps: int, longest: str | None, jumps: list[str]
) -> None:
    """Weekends, nights, the closed exchange of September 2001, and the one bid for a company."""
    doubts = found(read(DATA / f"{name}.csv"))
    pauses = [one for one in doubts if one.kind == "gap"]
    assert len(pauses) == gaps
    assert max(pauses, key=lambda one: one.size).brief == longest if longest else not pauses
    changes = [one for one in doubts if one.kind == "jump"]
    assert [f"{one.time:%Y-%m-%d}" for one in changes] == jumps
    for one in changes:
        assert "28.68 after a close of 19.18, +49.5%" in one.detail
        assert "split" not in one.detail


SPLITS = {"2000-06-27": 2, "2001-09-17": 2, "2006-04-07": 2}
"""Two-for-one splits of one share; its prices in the data are adjusted for them."""


def with_splits(bars: list[Bar], *, adjusted: bool) -> list[Bar]:
    """Prices as they were quoted at the time: before each split so many times as high."""
    quoted = []
    for bar in bars:
        times = 1
        for date, parts in SPLITS.items():
            times *= parts if f"{bar.time:%Y-%m-%d}" < date else 1
        prices = {name: getattr(bar, name) * times for name in ("open", "high", "low", "close")}
        close = bar.adjusted_close if adjusted else None
        quoted.append(bar.model_copy(update={**prices, "adjusted_close": close}))
    return quoted


@needs_data
@pytest.mark.parametrize("adjusted", [True, False])
def test_genuine_splits_are_found(adjusted: bool) -> None:
    """Quoted prices fall to a half on the days of the splits, and on no other in fifteen years."""
    bars = with_splits(read(DATA / "nvda-1999-2014-1d.csv"), adjusted=adjusted)
    jumps = [one for one in found(bars) if one.kind == "jump"]
    assert [f"{one.time:%Y-%m-%d}" for one in jumps] == list(SPLITS)
    for one in jumps:
        assert one.detail.endswith("adjusted_close is adjusted for it") == adjusted
        assert "as in a 2:1 split" in one.detail or one.time == datetime(2001, 9, 17, tzinfo=UTC)
