"""Positions counted from fills: entries, exits, and the time with a position."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hookbus_report.positions import Positions, Presence
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.report.makers import START, after

DAY = timedelta(days=1)


def kinds(*quantities: int) -> list[list[tuple[str, str, float]]]:
    """What each of these fills of one symbol opened and closed."""
    positions = Positions(START)
    return [
        [
            (mark.kind, mark.direction, mark.quantity)
            for mark in positions.fill("ALPHA", Decimal(quantity), 100.0, START)
        ]
        for quantity in quantities
    ]


def test_buying_enters_a_long_position_and_selling_leaves_it() -> None:
    """Parts of it, too."""
    assert kinds(3, 1, -2, -2) == [
        [("entry", "long", 3)],
        [("entry", "long", 1)],
        [("exit", "long", 2)],
        [("exit", "long", 2)],
    ]


def test_selling_first_is_a_short_position() -> None:
    """It is left by buying."""
    assert kinds(-3, 3) == [[("entry", "short", 3)], [("exit", "short", 3)]]


def test_turning_around_leaves_one_position_and_enters_another() -> None:
    """One fill, two marks."""
    assert kinds(2, -5) == [
        [("entry", "long", 2)],
        [("exit", "long", 2), ("entry", "short", 3)],
    ]


@given(st.lists(st.integers(-5, 5).filter(bool), max_size=30))
def test_marks_add_up_to_what_was_traded(quantities: list[int]) -> None:
    """Nothing that was bought or sold is without a mark, and what is left is what is held."""
    marks = kinds(*quantities)
    assert [sum(one[2] for one in marked) for marked in marks] == [abs(q) for q in quantities]
    signs = {("entry", "long"): 1, ("exit", "long"): -1, ("entry", "short"): -1}
    flow = sum(signs.get((kind, side), 1) * size for marked in marks for kind, side, size in marked)
    assert flow == sum(quantities)


def test_time_with_a_position_by_hand() -> None:
    """Away for 2 days, there for 3, away for 4, there for 1."""
    presence = Presence(START)
    for days, there in ((2, True), (3, True), (5, False), (9, True)):
        presence.change(after(days=days), there)
    assert presence.total(after(days=10)) == 4 * DAY
    assert presence.longest_away(after(days=10)) == 4 * DAY


def test_an_end_without_a_position_counts_as_away() -> None:
    """The time after the last exit is part of the run."""
    presence = Presence(START)
    presence.change(after(days=1), True)
    presence.change(after(days=2), False)
    assert presence.longest_away(after(days=30)) == 28 * DAY
    assert presence.total(after(days=30)) == DAY


def test_a_position_in_any_symbol_counts() -> None:
    """Two that overlap are not counted twice."""
    positions = Positions(START)
    for days, symbol, quantity in ((0, "A", 1), (1, "B", -1), (2, "A", -1), (4, "B", 1)):
        positions.fill(symbol, Decimal(quantity), 100.0, after(days=days))
    assert positions.presence.total(after(days=8)) == 4 * DAY
