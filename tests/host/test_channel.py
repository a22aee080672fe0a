"""The ring and its cursors, compared with plain lists."""

from __future__ import annotations

import asyncio

import pytest
from hookbus.bus.channel import SLICE, Channel, Cursor
from hookbus.bus.filters import make_filter
from hookbus.clock import SimulatedClock
from hookbus.envelope import Envelope, Origin
from hookbus.loop import run
from hypothesis import example, given
from hypothesis import strategies as st

from tests.host.bussing import Alarm, Tick, numbers, turns

ORIGIN = Origin("run", "plugin")


def envelope(number: int, *, critical: bool = False) -> Envelope:
    """A numbered envelope."""
    event = Alarm(number=number) if critical else Tick(number=number)
    return Envelope(event, number + 1, 0, ORIGIN, number + 1, None, 0)


def channel(capacity: int = 1) -> Channel:
    """An empty ring."""
    return Channel(make_filter("*"), None, capacity)


def reader(ring: Channel, capacity: int, *, lossless: bool = False) -> Cursor:
    """A cursor on a ring."""
    cursor = Cursor(ring, capacity, lossless=lossless)
    ring.add(cursor)
    return cursor


def read(cursor: Cursor, most: int = SLICE) -> tuple[int, list[int]]:
    """What a best-effort reader does when it wakes: skip what is lost, take the rest."""
    lost = 0
    kept: list[Envelope] = []
    if cursor.unread > cursor.capacity:
        lost, kept = cursor.skip_lost(most)
    return lost, numbers([*kept, *cursor.take(most - len(kept))])


@pytest.mark.parametrize(("capacity", "size"), [(1, 1), (2, 2), (3, 4), (1000, 1024), (1024, 1024)])
def test_the_ring_is_the_next_power_of_two(capacity: int, size: int) -> None:
    """A position is found with a mask; nobody gets fewer places than it asked for."""
    ring = channel(capacity)
    assert len(ring.buffer) == size
    assert ring.mask == size - 1


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(1, 20)),
        st.tuples(st.just("read"), st.integers(0, 3)),
        st.tuples(st.just("few"), st.integers(0, 3)),
        st.tuples(st.just("grow"), st.integers(1, 40)),
        st.tuples(st.just("late"), st.integers(1, 9)),
    ),
    max_size=60,
)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), Steps)
@example([4], [("push", 4), ("grow", 8), ("read", 0)])
@example([4], [("push", 7), ("grow", 8), ("push", 3), ("read", 0)])
def test_readers_get_the_newest_in_order_and_know_what_they_lost(
    capacities: list[int], steps: list[tuple[str, int]]
) -> None:
    """Each reader, whatever the others do and however the ring grows, sees every event from its
    start or is told how many it lost: never one twice, out of order, or of another lap."""
    ring = channel()
    readers = [(reader(ring, capacity), capacity, [0]) for capacity in capacities]
    pushed = 0
    for step, amount in steps:
        if step == "push":
            for _ in range(amount):
                ring.push(envelope(pushed))
                pushed += 1
        elif step == "grow":
            ring.grow(amount)
        elif step == "late":
            readers.append((reader(ring, amount), amount, [pushed]))
        else:
            cursor, capacity, place = readers[amount % len(readers)]
            most = 2 if step == "few" else SLICE
            waiting = pushed - place[0]
            expected_loss = max(0, waiting - capacity)
            lost, got = read(cursor, most)
            assert lost == expected_loss
            start = place[0] + lost
            assert got == list(range(start, min(pushed, start + most)))
            place[0] = start + len(got)
            assert cursor.unread == pushed - place[0]


@given(
    st.lists(st.booleans(), max_size=200),
    st.integers(1, 8),
    st.lists(st.integers(1, 30)),
    st.data(),
)
def test_critical_envelopes_outlive_the_ring(
    marks: list[bool], capacity: int, pauses: list[int], data: st.DataObject
) -> None:
    """A reader that falls behind loses ordinary events, is told how many, and gets every critical
    one, each once and in order, in portions no larger than it asked for."""
    ring = channel()
    slow, other = reader(ring, capacity), reader(ring, 1)
    got: list[int] = []
    lost = 0
    for number, critical in enumerate(marks):
        ring.push(envelope(number, critical=critical))
        if critical:
            ring.keep_last()
        if number in pauses:
            most = data.draw(st.integers(1, 5))
            missed, numbers_read = read(slow, most)
            assert len(numbers_read) <= most
            got, lost = got + numbers_read, lost + missed
            read(other)
    while slow.unread:
        missed, numbers_read = read(slow, 3)
        got, lost = got + numbers_read, lost + missed
    assert got == sorted(set(got))
    assert len(got) + lost == len(marks)
    assert {number for number, critical in enumerate(marks) if critical} <= set(got)
    assert slow.lagged == lost


def test_what_is_kept_is_let_go_when_everybody_has_read_it() -> None:
    """Critical envelopes are no leak: the next one drops those that nobody needs any more."""
    ring = channel()
    cursor = reader(ring, 4)
    for number in range(1000):
        ring.push(envelope(number, critical=True))
        ring.keep_last()
        read(cursor)
    assert len(ring.kept) <= 2


def test_a_reader_that_never_reads_is_not_kept_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beyond the limit the oldest critical ones are lost, and counted as lost."""
    monkeypatch.setattr("hookbus.bus.channel.KEPT_LIMIT", 10)
    ring = channel()
    cursor = reader(ring, 2)
    for number in range(100):
        ring.push(envelope(number, critical=True))
        ring.keep_last()
    assert len(ring.kept) == 10
    lost, got = read(cursor)
    assert lost == 90
    assert got == list(range(90, 100))


@given(st.integers(1, 9), st.integers(1, 9), st.lists(st.integers(0, 2), max_size=80))
def test_the_slowest_lossless_reader_sets_the_limit(one: int, other: int, steps: list[int]) -> None:
    """A ring is full exactly when a lossless reader has as much unread as it asked for."""
    ring = channel()
    readers = [reader(ring, one, lossless=True), reader(ring, other, lossless=True)]
    reader(ring, 1)
    for number, step in enumerate(steps):
        full = any(cursor.unread >= cursor.capacity for cursor in readers)
        assert ring.is_full() is full
        assert {id(one) for one in ring.blockers()} == {
            id(cursor) for cursor in readers if cursor.unread >= cursor.capacity
        }
        if step == 2 and not full:
            ring.push(envelope(number))
        elif step < 2:
            readers[step].take(2)


def test_a_removed_reader_no_longer_gates() -> None:
    """Publishers that waited only for it go on."""

    async def main() -> None:
        ring = channel()
        slow = reader(ring, 1, lossless=True)
        fast = reader(ring, 8, lossless=True)
        ring.push(envelope(0))
        waiter = asyncio.get_running_loop().create_future()
        ring.room_waiters.append(waiter)
        fast.take()
        assert not waiter.done()
        ring.remove(slow)
        assert waiter.done()
        assert not ring.is_full()

    run(main(), SimulatedClock())


def test_a_push_wakes_every_sleeper_once() -> None:
    """Sleepers that gave up meanwhile do not disturb the others."""

    async def main() -> None:
        ring = channel()
        sleepers = [reader(ring, 4) for _ in range(3)]
        tasks = [asyncio.ensure_future(cursor.sleep()) for cursor in sleepers]
        await turns()
        assert all(cursor.sleeping for cursor in sleepers)
        tasks[1].cancel()
        await turns()
        ring.push(envelope(0))
        ring.push(envelope(1))
        await turns()
        assert tasks[0].done()
        assert tasks[2].done()
        assert ring.sleepers == []
        assert not sleepers[0].sleeping

    run(main(), SimulatedClock())


def test_a_sleeper_with_a_limit_wakes_by_itself() -> None:
    """And leaves nothing behind in the ring."""
    clock = SimulatedClock()

    async def main() -> None:
        ring = channel()
        await reader(ring, 4).sleep(2.5)
        assert ring.sleepers == []

    run(main(), clock)
    assert clock.now_ns() == 2_500_000_000


def test_a_sleeper_that_is_cancelled_leaves_nothing_behind() -> None:
    """A reader on a quiet ring may give up and come back for days."""

    async def main() -> None:
        ring = channel()
        cursor = reader(ring, 4)
        for _ in range(10):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(cursor.sleep(), 1)
        assert ring.sleepers == []

    run(main(), SimulatedClock())


def test_a_removed_reader_leaves_no_sleeper_behind() -> None:
    """Readers may come and go on a quiet ring."""

    async def main() -> None:
        ring = channel()
        reader(ring, 4)
        gone = reader(ring, 4)
        task = asyncio.ensure_future(gone.sleep())
        await turns()
        ring.remove(gone)
        assert ring.sleepers == []
        task.cancel()

    run(main(), SimulatedClock())
