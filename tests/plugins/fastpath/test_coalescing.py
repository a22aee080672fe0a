"""The generation counter: whatever is noted is told once, in order, and the latest wins."""

from __future__ import annotations

import math

from hookbus_fastpath.coalescing import Pending, Picture
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.fastpath.makers import trades


def test_many_updates_are_taken_as_one() -> None:
    """The first update asks for somebody to take it, the rest ride along."""
    picture = Picture()
    noted = [picture.note(trades(price=float(n), volume=0.5), n) for n in (1, 2, 3)]
    assert noted == [True, False, False]
    assert picture.take() == Pending(trades(price=3.0, volume=0.5), 3, 3, 1.5, 1)
    assert picture.take() is None


def test_the_count_begins_anew_after_it_was_taken() -> None:
    """A second reaction stands for what came since, under a generation that goes on."""
    picture = Picture()
    picture.note(trades(volume=2.0), 5)
    picture.take()
    assert picture.note(trades(price=7.0, volume=1.0), 9)
    assert picture.take() == Pending(trades(price=7.0, volume=1.0), 2, 1, 1.0, 9)


def test_the_whole_picture_has_the_sums_since_the_start() -> None:
    """Trades and volume add up over what was told and what was not."""
    picture = Picture()
    picture.note(trades(count=2, volume=1.5), 5)
    picture.take()
    picture.note(trades(count=3, volume=0.5), 9)
    assert (picture.trades, picture.volume, picture.generation) == (5, 2.0, 2)


@given(st.lists(st.one_of(st.just("take"), st.floats(0, 1e6)), max_size=40))
def test_every_update_is_told_exactly_once(steps: list[str | float]) -> None:
    """However triggers and workers take turns, updates, volumes, prices and times add up."""
    picture = Picture()
    noted: list[float] = []
    taken: list[Pending] = []
    for now, step in enumerate(steps):
        if isinstance(step, float):
            waiting = sum(one.updates for one in taken) < len(noted)
            noted.append(step)
            event = trades(price=float(len(noted)), volume=step)
            assert picture.note(event, now) is not waiting
        elif (pending := picture.take()) is not None:
            taken.append(pending)
    told = sum(one.updates for one in taken)
    assert told + picture.generation - picture.told == len(noted)
    ends = [sum(one.updates for one in taken[: place + 1]) for place in range(len(taken))]
    for pending, end in zip(taken, ends, strict=True):
        assert pending.generation == end
        assert pending.latest.price == float(end)
        assert math.isclose(pending.volume, math.fsum(noted[end - pending.updates : end]))
