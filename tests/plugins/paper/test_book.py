"""The portfolio: what it publishes and when, and that the order of arrival does not matter."""

from decimal import Decimal

import pytest
from hookbus_paper.portfolio.book import PortfolioBook
from hookbus_paper.portfolio.settings import PortfolioSettings
from hookbus_trading.flow import Bar, Fill, PortfolioUpdated
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.paper.makers import at, make_bar, make_fill


def replay(book: PortfolioBook, events: list[Bar | Fill]) -> list[PortfolioUpdated | None]:
    """What the book publishes after each event."""
    return [
        book.on_bar(event) if isinstance(event, Bar) else book.on_fill(event) for event in events
    ]


def test_a_fill_and_a_bar_are_published_with_every_figure() -> None:
    """After a fill, and when a bar revalues what is held: cash, equity, profit, drawdown."""
    book = PortfolioBook(PortfolioSettings(starting_cash=Decimal(2000)))
    fill, bar = make_fill(commission=2), make_bar(1, 100, 90)
    assert replay(book, [fill, bar]) == [
        PortfolioUpdated(
            symbol="ABC",
            position=Decimal(10),
            average_price=Decimal(100),
            cash=Decimal(998),
            equity=Decimal(1998),
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
            realised_pnl=Decimal(-2),
            unrealised_pnl=Decimal(-100),
            drawdown=Decimal("0.051"),
            time=at(1),
        ),
    ]


def test_a_bar_of_what_is_not_held_is_not_published() -> None:
    """Nothing changed, so nothing is said."""
    book = PortfolioBook(PortfolioSettings())
    assert replay(book, [make_bar(0), make_fill(minute=1), make_bar(1, symbol="XYZ")])[::2] == [
        None,
        None,
    ]


def test_bars_are_not_published_if_not_wanted() -> None:
    """With `publish_bars = false` only fills speak, and the curve goes on."""
    book = PortfolioBook(PortfolioSettings(publish_bars=False))
    assert replay(book, [make_fill(), make_bar(1, 100, 50)])[1] is None
    assert book.curve.points[-1] == (at(1), 99_500)


def test_a_repeated_fill_is_booked_once_and_counted() -> None:
    """The same order and fill identifier is a duplicate; another fill of the order is not."""
    book = PortfolioBook(PortfolioSettings())
    first = make_fill()
    updates = replay(book, [first, first, make_fill(fill_id="2")])
    assert updates[1] is None
    assert book.account.position("ABC").quantity == 20
    assert ("Fills ignored: repeated", "1") in book.rows()


def test_repeated_and_old_bars_do_not_move_the_value() -> None:
    """A bar from the past must not become the last price."""
    book = PortfolioBook(PortfolioSettings())
    replay(book, [make_fill(), make_bar(2, 120), make_bar(1, 1), make_bar(2, 1)])
    assert book.account.equity == 100_200
    assert ("Bars ignored: repeated or out of order", "2") in book.rows()


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
        book = PortfolioBook(PortfolioSettings())
        for minute, close in enumerate(closes):
            bar: list[Bar | Fill] = [make_bar(minute, close)]
            fills: list[Bar | Fill] = [
                make_fill(number, "sell" if number % 2 else "buy", minute, price=repr(close))
                for number, wanted in enumerate(filled)
                if wanted == minute
            ]
            replay(book, fills + bar if order[minute] else bar + fills)
        outcomes.append((book.rows(), book.curve.points, book.curve.maximum_drawdown))
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_the_summary_says_what_came_of_it() -> None:
    """Trades, return, drawdown and final equity, formatted for a reader."""
    book = PortfolioBook(PortfolioSettings(starting_cash=Decimal(2000)))
    bars = [make_bar(0), make_bar(1, 100, 80), make_bar(2, 80, 130)]
    sale = make_fill(2, "sell", 3, price=130, commission=1)
    replay(book, [make_fill(), *bars, sale, make_bar(3, 130)])
    assert book.rows() == (
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
    book = PortfolioBook(PortfolioSettings())
    replay(book, [make_fill()])
    assert ("Positions still open", "1") in book.rows()


def test_there_is_no_portfolio_without_cash() -> None:
    """A start with nothing has no return and no drawdown."""
    with pytest.raises(ValueError, match="starting_cash"):
        PortfolioSettings(starting_cash=Decimal(0))
