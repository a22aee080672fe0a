"""The portfolio: what it publishes and when, and that the order of arrival does not matter."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hookbus import Event
from hookbus_paper.portfolio.book import PortfolioBook
from hookbus_paper.portfolio.library import Library
from hookbus_paper.portfolio.settings import PortfolioSettings
from hookbus_trading.flow import Bar, Fill, PortfolioUpdated, TradingSignal
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.paper.makers import at, make_bar, make_fill, make_signal

DAY = 24 * 60


def library_of(**settings: Any) -> Library:
    """A library whose books tell every move."""
    return Library(PortfolioSettings(**{"publish_change": 0} | settings))


def tell(library: Library, event: Bar | Fill | TradingSignal) -> list[PortfolioUpdated]:
    """The updates that an event leads to."""
    events: Iterable[Event]
    if isinstance(event, Bar):
        events = library.on_bar(event)
    elif isinstance(event, Fill):
        events = library.on_fill(event)
    else:
        events = library.on_signal(event)
    return [one for one in events if isinstance(one, PortfolioUpdated)]


def replay(library: Library, events: Sequence[Bar | Fill]) -> list[PortfolioUpdated | None]:
    """The last update after each event, None where there was none."""
    told = [tell(library, event) for event in events]
    return [updates[-1] if updates else None for updates in told]


def main_of(library: Library) -> PortfolioBook:
    """The book that counts."""
    return library.book("main")


def test_a_fill_and_a_bar_are_published_with_every_figure() -> None:
    """After a fill, and when a bar revalues what is held: cash, equity, profit, drawdown."""
    library = library_of(starting_cash=Decimal(2000))
    fill, bar = make_fill(commission=2), make_bar(1, 100, 90)
    assert replay(library, [fill, bar]) == [
        PortfolioUpdated(
            symbol="ABC",
            position=Decimal(10),
            average_price=Decimal(100),
            cash=Decimal(998),
            equity=Decimal(1998),
            exposure=Decimal(1000),
            realised_pnl=Decimal(-2),
            unrealised_pnl=Decimal(0),
            drawdown=Decimal("0.001"),
            time=at(0),
        ),
        PortfolioUpdated(
            symbol="ABC",
            position=Decimal(10),
            average_price=Decimal(100),
            cash=Decimal(998),
            equity=Decimal(1898),
            exposure=Decimal(900),
            realised_pnl=Decimal(-2),
            unrealised_pnl=Decimal(-100),
            drawdown=Decimal("0.051"),
            time=at(1),
        ),
    ]


def test_a_small_move_is_told_once_it_has_become_a_large_one() -> None:
    """Equity is published when it has moved by more than the setting since the last time."""
    library = library_of(publish_change=0.01, starting_cash=Decimal(1000))
    closes = (100, 100.9, 101.1, 101.9, 102.2, 100.9)
    bars = [make_bar(minute, close) for minute, close in enumerate(closes, 1)]
    updates = replay(library, [make_fill(), *bars])[1:]
    assert [None if one is None else one.equity for one in updates] == [
        None,
        None,
        Decimal(1011),
        None,
        Decimal(1022),
        Decimal(1009),
    ]


def test_a_signal_and_a_new_day_tell_the_equity_that_nobody_knows_yet() -> None:
    """Whoever sizes an order or counts a day's loss knows the last equity; none is told twice."""
    library = library_of(publish_change=0.5)
    replay(library, [make_fill(), make_bar(1, 101)])
    assert [one.equity for one in tell(library, make_signal())] == [Decimal(100_010)]
    assert tell(library, make_signal()) == []
    assert tell(library, make_bar(2, 102)) == []
    (yesterday,) = tell(library, make_bar(DAY, 103))
    assert (yesterday.equity, yesterday.time) == (Decimal(100_020), at(2))


def test_each_book_has_its_own_money() -> None:
    """A fill on a paper book moves no cash of the book that counts, and bars value both."""
    library = library_of(starting_cash=Decimal(1000))
    replay(library, [make_fill(1, quantity=1), make_fill(2, quantity=2, book="shadow:test")])
    updates = tell(library, make_bar(1, 110))
    assert {one.book: one.equity for one in updates} == {
        "main": Decimal(1010),
        "shadow:test": Decimal(1020),
    }


def test_a_bar_of_what_is_not_held_is_not_published() -> None:
    """Nothing changed, so nothing is said."""
    library = library_of()
    told = replay(library, [make_bar(0), make_fill(minute=1), make_bar(1, symbol="XYZ")])
    assert told[::2] == [None, None]


def test_a_repeated_fill_is_booked_once_and_counted() -> None:
    """The same order and fill identifier is a duplicate; another fill of the order is not."""
    library = library_of()
    first = make_fill()
    updates = replay(library, [first, first, make_fill(fill_id="2")])
    assert updates[1] is None
    assert main_of(library).account.position("ABC").quantity == 20
    assert ("Fills ignored: repeated", "1") in library.rows()


def test_repeated_and_old_bars_do_not_move_the_value() -> None:
    """A bar from the past must not become the last price."""
    library = library_of()
    replay(library, [make_fill(), make_bar(2, 120), make_bar(1, 1), make_bar(2, 1)])
    assert main_of(library).account.equity == 100_200
    assert ("Bars ignored: repeated or out of order", "2") in library.rows()


@given(
    st.lists(st.floats(1, 1000), min_size=1, max_size=12),
    st.lists(st.integers(0, 11), max_size=6),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_fills_and_bars_of_one_instant_may_come_in_either_order(
    closes: list[float], filled: list[int], first: list[bool]
) -> None:
    """Money, curve and drawdown are the same whether a fill precedes its bar or follows it."""
    outcomes = []
    for order in (first, [not one for one in first], [True] * 12):
        library = library_of()
        for minute, close in enumerate(closes):
            bar: list[Bar | Fill] = [make_bar(minute, close)]
            fills: list[Bar | Fill] = [
                make_fill(number, "sell" if number % 2 else "buy", minute, price=repr(close))
                for number, wanted in enumerate(filled)
                if wanted == minute
            ]
            replay(library, fills + bar if order[minute] else bar + fills)
        outcomes.append(
            (library.rows(), main_of(library).curve.points, main_of(library).curve.maximum_drawdown)
        )
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_the_summary_says_what_came_of_it() -> None:
    """Trades, return, drawdown and final equity, formatted for a reader."""
    library = library_of(starting_cash=Decimal(2000))
    bars = [make_bar(0), make_bar(1, 100, 80), make_bar(2, 80, 130)]
    sale = make_fill(2, "sell", 3, price=130, commission=1)
    replay(library, [make_fill(), *bars, sale, make_bar(3, 130)])
    assert library.rows() == (
        ("Bars", "4"),
        ("Fills", "2"),
        ("Trades (round trips)", "1, 1 won"),
        ("Commission", "1.00"),
        ("Return", "+14.95%"),
        ("Maximum drawdown", "10.00%"),
        ("Final equity", "2,299.00"),
    )


def test_what_is_still_held_at_the_end_is_shown() -> None:
    """An open position is no round trip, but the reader is told."""
    library = library_of()
    replay(library, [make_fill()])
    assert ("Positions still open", "1") in library.rows()


def test_there_is_no_portfolio_without_cash() -> None:
    """A start with nothing has no return and no drawdown."""
    with pytest.raises(ValueError, match="starting_cash"):
        PortfolioSettings(starting_cash=Decimal(0))


def test_a_fill_is_valued_at_its_own_price_until_its_bar_is_over() -> None:
    """After a gap the last close is no price any more: it would show a loss that never was."""
    library = library_of()
    replay(library, [make_bar(0, 100)])
    (update,) = tell(library, make_fill(1, "sell", 1, price=60))
    assert update.equity == 100_000
    (late,) = tell(library, make_fill(2, "sell", 0, price=60))
    assert late.equity == 100_000 - 20 * 40


def test_a_day_that_begins_with_a_fill_is_told_with_the_equity_before_it() -> None:
    """The daily loss is counted from what the day before has left, to the last digit."""
    library = library_of(publish_change=0.5)
    replay(library, [make_fill(), make_bar(1, 101)])
    before, after = tell(library, make_fill(2, "sell", DAY, price=90))
    assert (before.equity, before.time) == (100_010, at(1))
    assert (after.equity, after.time) == (99_900, at(DAY))
    assert tell(library, make_bar(DAY, 90)) == []


def test_a_signal_tells_an_exposure_that_moved_while_equity_did_not() -> None:
    """A hedged book may grow on both sides; whoever limits leverage must know."""
    library = library_of(publish_change=0.5)
    hedge = [make_fill(), make_fill(2, "sell", symbol="XYZ")]
    replay(library, [*hedge, make_bar(1, 120), make_bar(1, 120, symbol="XYZ")])
    (update,) = tell(library, make_signal())
    assert (update.equity, update.exposure) == (100_000, 2400)


def test_opposite_sides_of_one_symbol_are_both_exposure() -> None:
    """One strategy may leave; the book must stay within its limits with the other one."""
    library = library_of()
    replay(library, [make_fill(), make_fill(2, "sell", strategy="other"), make_bar(1, 110)])
    (update,) = tell(library, make_signal())
    assert (update.position, update.exposure, update.equity) == (0, 2200, 100_000)
