"""Retention: old events go, by age and by size, but never what a consumer still needs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hookbus import Delivery, Envelope, SimulatedClock
from hookbus_journal.database import open_for_reading
from hookbus_journal.retention import needed_from, used_bytes, waiting
from hookbus_journal.session import DAY_NS, Session

from tests.plugins.journal.conftest import Journals
from tests.plugins.journal.samples import (
    NOON,
    Ordered,
    Traded,
    append,
    envelope,
    envelopes,
    opened,
)

MIB = 1024 * 1024


class Later(SimulatedClock):
    """The system's clock, as it were, at a time of the test's choice."""

    simulated = False


async def positions(session: Session) -> list[int]:
    """What is kept."""
    return [event.position async for event in session.journal.history(["*"])]


def by_days(count: int) -> Sequence[Envelope]:
    """Events that are a day apart each."""
    some = envelopes(count)
    for day, one in enumerate(some):
        one.time_ns = NOON + day * DAY_NS
    return some


async def test_events_go_when_they_are_too_old(journals: Journals) -> None:
    """Those that are younger stay."""
    clock = SimulatedClock(NOON + 10 * DAY_NS)
    async with journals(clock=clock, settings={"keep_days": 3.5}) as session:
        await append(session, *by_days(10))
        await session.prune()
        assert await positions(session) == [8, 9, 10]


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_events_go_when_they_are_too_many(tmp_path: Path) -> None:
    """The oldest ones, until the database holds no more than it may."""
    settings = {"keep_bytes": 4 * MIB, "payload_limit": 100_000}
    clock = Later(NOON)
    async with opened(tmp_path, clock=clock, settings=settings) as session:
        for start in range(1, 4_001, 500):
            some = [envelope(Ordered(note="x" * 2_000), start + n) for n in range(500)]
            await append(session, *some)
        connection = open_for_reading(session.path)
        assert used_bytes(connection) > 8 * MIB
        await session.prune()
        assert used_bytes(connection) <= 4 * MIB
        kept = await positions(session)
        assert kept[-1] == 4_000
        assert 700 < len(kept) < 1_050
        assert kept == list(range(kept[0], 4_001))
        connection.close()


async def test_what_a_consumer_has_not_finished_stays(journals: Journals) -> None:
    """Whether it is connected or not; what it finished beyond its offset does not hold anything."""
    clock = SimulatedClock(NOON + 100 * DAY_NS)
    async with journals(clock=clock, settings={"keep_days": 1}) as session:
        consumer = session.journal.consumer("a:slow", ["sample.traded"], beginning=True)
        await append(session, envelope(Ordered(), 50), *by_days(6))
        consumer.close()
        await session.prune()
        assert await positions(session) == [2, 3, 4, 5, 6, 7]
        await consumer.finish(Delivery(2), 2)
        await consumer.finish(Delivery(3), 2)
        await session.prune()
        assert await positions(session) == [4, 5, 6, 7]
        await consumer.finish(Delivery(4), 7)
        await session.prune()
        assert await positions(session) == []


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_positions_are_never_used_twice(tmp_path: Path) -> None:
    """Not after everything was removed, over a restart, and not after a crash."""
    clock, crashed = Later(NOON + 100 * DAY_NS), tmp_path / "crashed"
    async with opened(tmp_path, clock=clock) as session:
        await append(session, *envelopes(5))
        await session.prune()
        assert await positions(session) == []
        shutil.copytree(tmp_path, crashed)
    for folder in (tmp_path, crashed):
        async with opened(folder, run="next", clock=clock) as session:
            assert session.last_run == ("test-run", folder == tmp_path)
            assert await append(session, envelope(Traded(), 6)) == [6]


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_what_waits_is_counted_by_consumer(tmp_path: Path) -> None:
    """Of its types only, without what is finished."""
    async with opened(tmp_path) as session:
        for name, types in (("a:all", ["*"]), ("b:some", ["sample.ordered"]), ("c:none", ["x.y"])):
            session.journal.consumer(name, types, beginning=True)
        slow = session.journal.consumer("a:all", ["*"], beginning=True)
        await append(session, *envelopes(3), envelope(Ordered(), 4))
        await slow.finish(Delivery(3), 0)
        await session.journal.flushed()
        connection = open_for_reading(session.path)
        found = [(one.consumer, one.events, one.first) for one in waiting(connection)]
        assert found == [("a:all", 3, 1), ("b:some", 1, 4), ("c:none", 0, None)]
        assert needed_from(connection) == 1
        connection.close()
