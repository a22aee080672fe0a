"""The account of what was odd: nothing is lost, and nobody is flooded."""

from __future__ import annotations

from datetime import timedelta

from hookbus_market.doubts import MOST_SYMBOLS, Doubts, doubt_about
from hookbus_market.errors import BadRow
from hookbus_market.quality import Doubt
from hookbus_trading import DataSuspected
from hookbus_trading.fields import DataDoubt
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.market.makers import START


def gap(symbol: str = "A", size: float = 1.0) -> Doubt:
    """A gap of some size."""
    time = START + timedelta(seconds=size)
    return Doubt("gap", symbol, time, f"of {size:g}", "passed", size, f"{size:g} s")


def test_an_event_says_all_of_it() -> None:
    """What is published has kind, symbol, time, decision, the text and the count."""
    doubts = Doubts()
    assert doubts.add(gap(size=3)) == DataSuspected(
        symbol="A",
        kind="gap",
        decision="passed",
        detail="of 3",
        count=1,
        time=START + timedelta(seconds=3),
    )


def test_the_first_are_told_one_by_one_and_later_ones_in_groups() -> None:
    """Ten thousand and one of a kind and symbol make fifteen events, and the last has the count."""
    doubts = Doubts()
    events = [event for _ in range(10_001) if (event := doubts.add(gap())) is not None]
    assert [event.count for event in events] == [*range(1, 11), 100, 1_000, 10_000]
    assert [event.count for event in doubts.untold()] == [10_001]
    assert list(doubts.untold()) == []


def test_kinds_and_symbols_are_counted_apart() -> None:
    """A symbol that is full of gaps does not hide the first one of another."""
    doubts = Doubts()
    for _ in range(50):
        doubts.add(gap("A"))
    other, jump = doubts.add(gap("B")), doubts.add(gap("A")._replace(kind="jump"))
    assert other is not None
    assert jump is not None
    assert (other.count, jump.count) == (1, 1)


def test_what_ends_the_feed_is_always_told() -> None:
    """The last one, which was refused, is published however many there were before it."""
    doubts = Doubts()
    for _ in range(50):
        doubts.add(gap())
    event = doubts.add(gap()._replace(decision="refused"))
    assert event is not None
    assert (event.decision, event.count) == ("refused", 51)


def test_a_file_full_of_symbols_floods_nobody() -> None:
    """Beyond some thousand symbols they share one count, so that events and memory are bounded."""
    doubts = Doubts()
    total = MOST_SYMBOLS + 5_000
    events = [doubts.add(gap(f"S{number}")) for number in range(total)]
    told = [event for event in events if event is not None]
    assert len(told) < MOST_SYMBOLS + 20
    shared = [*told, *doubts.untold()][-1]
    assert (shared.symbol, shared.count) == (None, 5_000)


KINDS: dict[DataDoubt, str] = {
    "bad_row": "Bad rows",
    "out_of_order": "Rows out of order",
    "duplicate": "Duplicate bars",
    "unknown_symbol": "Bars of unknown symbols",
    "gap": "Gaps",
    "jump": "Price jumps",
}


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Doubt,
            kind=st.sampled_from(list(KINDS)),
            symbol=st.sampled_from(("A", "B", None)),
            time=st.none(),
            detail=st.just("odd"),
            decision=st.sampled_from(("passed", "skipped")),
            size=st.just(0.0),
            brief=st.just(""),
        ),
        max_size=150,
    )
)
def test_nothing_is_lost(found: list[Doubt]) -> None:
    """The last event of a kind and symbol has their number, and the summary that of the kind."""
    doubts = Doubts()
    events = [event for doubt in found if (event := doubts.add(doubt)) is not None]
    events += doubts.untold()
    last = {(event.kind, event.symbol): event.count for event in events}
    keys = [(doubt.kind, doubt.symbol) for doubt in found]
    assert last == {key: keys.count(key) for key in keys}
    kinds = [doubt.kind for doubt in found]
    expected = {KINDS[kind]: str(kinds.count(kind)) for kind in kinds}
    assert dict(doubts.rows()) == expected
    assert doubts.skipped == sum(doubt.decision == "skipped" for doubt in found)
    assert dict(doubts.more()) == {
        kind: kinds.count(kind) - 10 for kind in kinds if kinds.count(kind) > 10
    }


def test_the_largest_gap_and_the_largest_jump_are_named() -> None:
    """The summary has the worst one, with its symbol."""
    doubts = Doubts()
    for symbol, size in (("A", 3.0), ("B", 7.0), ("A", 5.0)):
        doubts.add(gap(symbol, size))
    doubts.add(Doubt("jump", "C", START, "x", "passed", 2.0, "-50.0%"))
    assert list(doubts.rows()) == [
        ("Gaps", "3"),
        ("Largest gap", "7 s B"),
        ("Price jumps", "1"),
        ("Largest jump", "-50.0% C"),
    ]


def test_a_bad_row_is_told_with_its_place() -> None:
    """File, line, column and value are in the text of the event."""
    bad = BadRow("a.csv", 7, "Close", "x", "no number", symbol="A")
    event = Doubts().add(doubt_about(bad, "skipped"))
    assert event == DataSuspected(
        symbol="A",
        kind="bad_row",
        decision="skipped",
        detail="a.csv:7: column 'Close' is 'x': no number",
    )
