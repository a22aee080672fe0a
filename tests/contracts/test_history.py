"""Streams that begin in the journal and go on live: the bus together with the real journal."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hookbus import Bus, Clock, Lagged, SimulatedClock, SystemClock, UsageError
from hookbus.bus import past
from hookbus.bus.streams import Stream
from hookbus.host import Host
from hookbus.loop import run
from hookbus.settings.config import make_config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.remembered import (
    LONG_AGO,
    Kept,
    Loose,
    Numbered,
    Passing,
    Unrecorded,
    Urgent,
    World,
    play,
)

apsw = pytest.importorskip("apsw")


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few events already take several readings."""
    monkeypatch.setattr(past, "PAGE", 3)


async def read(stream: Stream, count: int) -> list[Any]:
    """The next items, each of which has to come within a few seconds."""
    return [await asyncio.wait_for(anext(stream), 5) for _ in range(count)]


async def numbers(stream: Stream, count: int) -> list[int]:
    """The numbers of the next events."""
    return [event.number for event in await read(stream, count)]


async def is_quiet(stream: Stream) -> bool:
    """Whether nothing more comes for a while."""
    try:
        await asyncio.wait_for(anext(stream), 0.05)
    except TimeoutError:
        return True
    return False


CLOCKS = pytest.mark.parametrize("clock", [SimulatedClock, SystemClock])

kinds = st.sampled_from([Loose, Kept])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.lists(kinds, min_size=1, max_size=12)),
        st.tuples(st.just("read"), st.integers(1, 6)),
        st.tuples(st.just("turns"), st.integers(1, 3)),
    ),
    max_size=14,
)
beginnings = st.one_of(st.none(), st.integers(1, 30))


class Reader:
    """Reads a stream; what it misses while it reads the past is an error."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.got: list[int] = []
        self.lost = 0

    async def take(self) -> None:
        """Read one item."""
        reading_past = self.stream._past is not None
        (item,) = await read(self.stream, 1)
        if isinstance(item, Lagged):
            assert not reading_past, "a gap while the past was read"
            self.lost += item.missed
        else:
            self.got.append(item.number)


def the_newest(dispatched: list[int], history: int | None) -> list[int]:
    """What a stream is to begin with."""
    return dispatched if history is None else sorted(dispatched)[-history:]


async def joined(
    world: World, before: list[type[Numbered]], after: Any, history: int | None, capacity: int
) -> tuple[Reader, list[int], list[int]]:
    """A reader that came after `before` and has read all: what it got, and what was before it."""
    for kind in before:
        world.publish(kind)
    earlier = list(world.dispatched)
    options: dict[str, Any] = {"since": LONG_AGO} if history is None else {"history": history}
    reader = Reader(world.bus.stream(Numbered, capacity=capacity, **options))
    wanted = the_newest(earlier, history)
    for step, what in after:
        if step == "publish":
            for kind in what:
                world.publish(kind)
        for _ in range(what if step == "turns" else 0):
            await asyncio.sleep(0)
        for _ in range(what if step == "read" else 0):
            if len(reader.got) + reader.lost < len(wanted) + len(world.dispatched) - len(earlier):
                await reader.take()
    await world.host.event_bus.settled()
    total = len(wanted) + len(world.dispatched) - len(earlier)
    while len(reader.got) + reader.lost < total:
        await reader.take()
    assert await is_quiet(reader.stream)
    reader.stream.close()
    return reader, wanted, world.dispatched[len(earlier) :]


@CLOCKS
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(kinds, max_size=20), steps, beginnings, st.integers(1, 40))
def test_each_event_comes_exactly_once(
    clock: type[Clock], before: list[Any], after: Any, history: int | None, capacity: int
) -> None:
    """However publishing, committing and reading take turns: each event that was dispatched before
    the opening, then each that came later; only a reader that has caught up can lag, and then what
    it got and what it was told to have lost make up the whole."""

    async def scenario(world: World) -> None:
        reader, wanted, later = await joined(world, before, after, history, capacity)
        expected = Counter([*wanted, *later])
        assert not Counter(reader.got) - expected, "twice, or never published"
        assert (expected - Counter(reader.got)).total() == reader.lost
        live = [number for number in reader.got if number in set(later)]
        if not reader.lost:
            assert sorted(reader.got[: len(wanted)]) == sorted(wanted)
            assert sorted(live) == sorted(later)
        for kind in (set(wanted), set(later)):
            loose = [number for number in reader.got if number in kind]
            assert len(loose) == len(set(loose))

    play(scenario, clock())


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(kinds, max_size=20), steps, beginnings, st.integers(1, 40))
def test_the_order_is_that_of_publishing(
    before: list[Any], after: Any, history: int | None, capacity: int
) -> None:
    """In a simulation, where commits take no time, it is exactly the order of dispatching."""

    async def scenario(world: World) -> None:
        reader, wanted, later = await joined(world, before, after, history, capacity)
        places = {number: place for place, number in enumerate([*wanted, *later])}
        order = [places[number] for number in reader.got]
        assert order == sorted(order)
        assert reader.lost or len(order) == len(places)

    play(scenario, SimulatedClock())


@CLOCKS
def test_it_begins_with_what_the_journal_has_not_written_yet(clock: type[Clock]) -> None:
    """What was published right before the opening is there, durable or not, and comes once."""

    async def scenario(world: World) -> None:
        for kind in [Loose, Kept, Loose, Kept] * 3:
            world.publish(kind)
        since = world.bus.stream(Numbered, since=LONG_AGO)
        newest = world.bus.stream(Numbered, history=100)
        world.publish(Loose)
        for stream in (since, newest):
            got = await numbers(stream, 13)
            assert len(set(got)) == 13
            assert await is_quiet(stream)

    play(scenario, clock())


def test_it_reaches_over_earlier_runs_and_begins_at_a_time(tmp_path: Path) -> None:
    """All runs of the file, oldest first; from the time on that is asked for; the newest n of all;
    and the predicate goes for the past as well."""
    clock = SystemClock()
    moments: list[datetime] = []

    async def scenario(world: World) -> None:
        moments.append(clock.now())
        for kind in [Loose, Kept] * 4:
            await world.bus.publish(kind(number=10 * len(moments)))

    async def last(world: World) -> None:
        stream = world.bus.stream(Numbered, since=LONG_AGO)
        assert await numbers(stream, 24) == [10] * 8 + [20] * 8 + [30] * 8
        stream = world.bus.stream(Numbered, since=moments[1])
        assert await numbers(stream, 16) == [20] * 8 + [30] * 8
        stream = world.bus.stream(Numbered, history=10)
        assert await numbers(stream, 10) == [20] * 2 + [30] * 8
        stream = world.bus.stream(Numbered, history=10, where="number < 15")
        assert await numbers(stream, 8) == [10] * 8
        assert await is_quiet(stream)
        tomorrow = clock.now() + timedelta(days=1)
        stream = world.bus.stream(Numbered, since=tomorrow)
        world.publish(Loose)
        assert len(await read(stream, 1)) == 1

    for part in (scenario, scenario, scenario, last):
        play(part, clock, tmp_path)


@CLOCKS
def test_what_no_journal_keeps_is_told_where_the_ring_lost_it(clock: type[Clock]) -> None:
    """Events of excluded types are not made up for by the journal: `Lagged` says how many; but
    critical ones are never dropped."""

    async def scenario(world: World) -> None:
        for _ in range(10):
            world.publish(Loose)
        stream = world.bus.stream("test.*", since=LONG_AGO, capacity=4)
        await read(stream, 1)
        for kind in [Loose, Unrecorded, Urgent] * 5:
            world.publish(kind)
        first = await numbers(stream, 9 + 5)
        assert first == sorted(first)
        assert await read(stream, 1) == [Lagged(5)]
        assert [type(one) for one in await read(stream, 5)] == [Urgent] * 5
        assert await is_quiet(stream)
        assert stream.lagged == 5

    play(scenario, clock())


@CLOCKS
def test_history_has_what_is_in_memory_only(clock: type[Clock]) -> None:
    """Events of types that no journal keeps stand in their place among the others."""

    async def scenario(world: World) -> None:
        for kind in [Loose, Unrecorded] * 4:
            world.publish(kind)
        stream = world.bus.stream("test.*", history=5)
        got = await read(stream, 5)
        assert [type(one) for one in got] == [Unrecorded, *[Loose, Unrecorded] * 2]

    play(scenario, clock())


def test_a_type_that_nobody_declares_any_more_is_left_out_and_told(tmp_path: Path) -> None:
    """It is counted by type and logged once; the others come."""
    clock = SystemClock()

    async def first(world: World) -> None:
        for _ in range(3):
            await world.bus.publish(Passing())
            world.publish(Loose)

    async def second(world: World) -> None:
        stream = world.bus.stream(["gone.*", Loose], since=LONG_AGO)
        assert len(await numbers(stream, 3)) == 3
        assert stream.unreadable == {"gone.passing": 3}

    play(first, clock, tmp_path)
    play(second, clock, tmp_path)


@CLOCKS
def test_giving_up_and_coming_back_loses_nothing(clock: type[Clock]) -> None:
    """A reader that is cancelled while the journal is read goes on where it was; two tasks may
    read one stream, and two streams the same journal."""

    async def scenario(world: World) -> None:
        for _ in range(30):
            world.publish(Loose)
        stream, other = (world.bus.stream(Numbered, since=LONG_AGO) for _ in range(2))
        got: list[int] = []

        async def follow(one: Stream) -> None:
            while True:
                got.append((await anext(one)).number)

        for turn in range(60):
            readers = [asyncio.ensure_future(follow(stream)) for _ in range(2)]
            for _ in range(turn % 4):
                await asyncio.sleep(0)
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
        rest = [await asyncio.wait_for(anext(stream), 5) for _ in range(30 - len(got))]
        assert got + [one.number for one in rest] == world.dispatched
        assert await numbers(other, 30) == world.dispatched

    play(scenario, clock())


def test_a_stream_that_is_closed_leaves_no_reading_open(tmp_path: Path) -> None:
    """Closed or cancelled mid-way, the write-ahead log can be emptied, which any open reading
    transaction would prevent."""

    async def scenario(world: World) -> None:
        for _ in range(200):
            world.publish(Loose)
        streams = [world.bus.stream(Numbered, since=LONG_AGO) for _ in range(6)]
        readers = [asyncio.ensure_future(read(stream, 150)) for stream in streams]
        await asyncio.sleep(0.002)
        for stream, reader in zip(streams, readers, strict=True):
            stream.close()
            reader.cancel()
        ends = await asyncio.gather(*readers, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError | StopAsyncIteration) for one in ends)
        assert world.host.event_bus.channels == {}
        await asyncio.sleep(0.05)
        connection = apsw.Connection(str(tmp_path / ".hookbus" / "journal" / "journal.db"))
        assert connection.execute("SELECT count(*) FROM events").get >= 200
        assert connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE) == (0, 0)
        connection.close()

    play(scenario, SystemClock(), tmp_path)


@CLOCKS
def test_a_lossless_stream_holds_publishers_while_it_reads_the_past(clock: type[Clock]) -> None:
    """It loses nothing, and they go on as it is read."""

    async def scenario(world: World) -> None:
        for _ in range(10):
            world.publish(Loose)
        stream = world.bus.stream(Numbered, since=LONG_AGO, delivery="lossless", capacity=2)

        async def publisher() -> None:
            for number in range(100, 110):
                await world.bus.publish(Loose(number=number))

        task = asyncio.ensure_future(publisher())
        await asyncio.sleep(0.01)
        assert not task.done()
        assert (await numbers(stream, 20))[10:] == list(range(100, 110))
        await task

    play(scenario, clock())


def test_without_a_journal_since_says_what_to_install() -> None:
    """And `history` goes on as ever; both at once, or a time without a zone, are refused."""

    async def scenario() -> None:
        async with Host(make_config({}), plugins=(), group=None, clock=SimulatedClock()) as host:
            bus = Bus(host.event_bus, "tester")
            with pytest.raises(UsageError, match="install hookbus-journal"):
                bus.stream(Loose, since=LONG_AGO)
            await bus.publish(Loose(number=4))
            assert (await anext(bus.stream(Loose, history=3))).number == 4
            with pytest.raises(UsageError, match=r"history=3 and since=.* exclude each other"):
                bus.stream(Loose, history=3, since=LONG_AGO)

    async def with_journal(world: World) -> None:
        with pytest.raises(UsageError, match="no time zone"):
            world.bus.stream(Loose, since=datetime(2026, 1, 1))

    run(scenario(), SimulatedClock())
    play(with_journal, SimulatedClock())
