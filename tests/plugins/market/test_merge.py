"""Several streams of bars as one."""

from __future__ import annotations

from hookbus_market.merge import merged
from hookbus_market.rows import Bars
from hookbus_trading import Bar
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.market.makers import make_bar

minutes = st.lists(st.lists(st.integers(0, 10), unique=True).map(sorted), max_size=5)


def stream(bars: list[Bar]) -> Bars:
    """The bars as a stream."""
    yield from bars


@given(minutes)
def test_merging_sorts_by_time_and_then_by_stream(streams: list[list[int]]) -> None:
    """Nothing is lost, time never goes back, and a common time keeps the order of the streams."""
    bars = [
        [make_bar(minute, symbol=f"S{place}") for minute in times]
        for place, times in enumerate(streams)
    ]
    expected = sorted((bar for each in bars for bar in each), key=lambda bar: bar.time)
    assert list(merged([stream(each) for each in bars])) == expected


def test_merging_takes_one_bar_of_each_stream_at_a_time() -> None:
    """However long the streams are, no more than their next bars are in memory."""
    taken = 0

    def endless() -> Bars:
        nonlocal taken
        for minute in range(1_000_000):
            taken += 1
            yield make_bar(minute)

    both = merged([endless(), endless()])
    for _ in range(10):
        next(both)
    both.close()
    assert taken <= 12


def test_closing_the_merged_stream_closes_every_stream() -> None:
    """Files of streams that were not at their end are released."""
    closed = []

    def watched(name: str) -> Bars:
        try:
            yield make_bar(0)
            yield make_bar(1)
        finally:
            closed.append(name)

    both = merged([watched("a"), watched("b")])
    next(both)
    both.close()
    assert closed == ["a", "b"]
