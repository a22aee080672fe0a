"""A bar costs the same, and as much is remembered, however many bars there were before."""

from __future__ import annotations

import sys
from collections import deque
from types import FrameType
from typing import Any

from hookbus_opprank.board import Board
from hookbus_trading import Bar

from tests.plugins.opprank.makers import make_bar, make_settings

WINDOW = 50
PRICES = [100.0, 101.0, 100.5, 99.0, 100.0]


def bars(first: int, count: int) -> list[Bar]:
    """Bars that repeat five prices, from a minute on."""
    return [
        make_bar(minute, PRICES[minute % 5], high=103.0, low=97.0, volume=10.0)
        for minute in range(first, first + count)
    ]


class Opcodes:
    """Counts the operations of the interpreter, in whatever is called while it watches."""

    def __init__(self) -> None:
        self.count = 0

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """Count an operation."""
        frame.f_trace_opcodes = True
        self.count += event == "opcode"
        return self.trace


def operations(board: Board, given: list[Bar]) -> int:
    """How many operations it takes to push some bars."""
    watched(Board(make_settings(WINDOW)), given)  # Python 3.12 counts nothing the first time
    return watched(board, given)


def watched(board: Board, given: list[Bar]) -> int:
    """Push some bars and count the operations."""
    opcodes, before = Opcodes(), sys.gettrace()
    sys.settrace(opcodes.trace)
    try:
        for bar in given:
            board.push(bar)
    finally:
        sys.settrace(before)
    return opcodes.count


def remembered(one: object, seen: set[int]) -> int:
    """The bytes of what an object holds, itself included, settings and classes left out."""
    if id(one) in seen or isinstance(one, type) or type(one).__name__ == "OpprankSettings":
        return 0
    seen.add(id(one))
    names = getattr(type(one), "__slots__", ())
    parts: list[Any] = [getattr(one, name) for name in names]
    if isinstance(one, dict):
        parts += [*one.keys(), *one.values()]
    elif isinstance(one, list | tuple | deque):
        parts += one
    elif hasattr(one, "__dict__"):
        parts += vars(one).values()
    return sys.getsizeof(one) + sum(remembered(part, seen) for part in parts)


def test_cost_and_memory_do_not_grow_with_the_history() -> None:
    """As many operations for 200 bars, and as many bytes, after 1,000 bars as after 50,000."""
    board = Board(make_settings(WINDOW))
    costs, sizes, minute = [], [], 0
    for target in (1_000, 10_000, 50_000):
        for bar in bars(minute, target - minute):
            board.push(bar)
        sizes.append(remembered(board, set()))
        costs.append(operations(board, bars(target, 200)))
        minute = target + 200
    assert costs[0] > 200 * 50  # operations were counted
    assert len(set(costs)) == 1
    assert max(sizes) - min(sizes) < 0.01 * min(sizes)  # two windows may hold other whole numbers
    assert sizes[0] < 60_000


def test_the_count_would_notice_a_sum_over_the_history() -> None:
    """A planted board whose bars cost more and more is told from one whose bars do not."""

    class Growing(Board):
        def push(self, bar: Bar) -> bool:
            total = 0
            for number in range(self.bars):
                total += number
            return super().push(bar)

    board = Growing(make_settings(WINDOW))
    early, late = operations(board, bars(0, 20)), operations(board, bars(20, 20))
    assert late > early
