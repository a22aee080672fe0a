"""Recording: what nobody asked to be durable is kept as well as that can be done, and counted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hookbus import Envelope, Statement
from hookbus_journal.events import RecordingFellBehind
from hookbus_journal.session import Session
from hookbus_journal.tasks import Note

from tests.plugins.journal.conftest import Journals
from tests.plugins.journal.samples import (
    Anything,
    Ordered,
    Told,
    Traded,
    append,
    envelope,
    envelopes,
    opened,
)


def keep(session: Session, *events: Envelope) -> None:
    """Dispatch events."""
    for one in events:
        session.recorder.keep(one)


async def rows(session: Session, columns: str = "sequence", table: str = "events") -> list[Any]:
    """What is kept, in order."""
    await session.journal.flushed()
    return await session.journal.query(Statement(f"SELECT {columns} FROM {table} ORDER BY rowid"))


async def test_events_are_recorded_in_the_order_of_dispatch(journals: Journals) -> None:
    """Also around a durable one, which is committed before it is dispatched."""
    async with journals(settings={"durable": ["sample.ordered"]}) as session:
        for number in range(1, 1_000, 2):
            keep(session, envelope(Traded(), number))
            if number % 7 == 0:
                durable = envelope(Ordered(), number + 1)
                await append(session, durable)
                keep(session, durable)
        kept = [sequence for (sequence,) in await rows(session)]
        assert kept == sorted(kept)
        assert len(kept) == len(set(kept)) == 500 + 71
        assert session.recorder.recorded == 500
        assert session.journal.committed == 71


async def test_what_is_committed_with_a_transaction_is_not_recorded_again(
    journals: Journals,
) -> None:
    """Although its type is not durable; where the commit failed, it is recorded."""
    async with journals() as session:
        one, two, three = envelopes(3)
        await session.journal.transact([], [one])
        bad = session.journal.transact([Statement("nonsense")], [two])
        await asyncio.gather(bad, return_exceptions=True)
        await asyncio.sleep(0)
        keep(session, one, two, three)
        assert await rows(session, "sequence, durable") == [(1, 1), (2, 0), (3, 0)]


async def test_settings_say_what_is_recorded(journals: Journals) -> None:
    """Patterns include and exclude, by wire name."""
    chosen = {"record": ["sample.*"], "exclude": ["*.ordered"]}
    async with journals(settings=chosen) as session:
        keep(session, envelope(Traded(), 1), envelope(Ordered(), 2), envelope(Anything(), 3))
        assert await rows(session) == [(1,)]


async def test_a_consumer_that_comes_makes_its_types_durable(journals: Journals) -> None:
    """From then on they are appended, and no longer recorded."""
    async with journals() as session:
        keep(session, envelope(Traded(), 1))
        session.journal.consumer("a:b", ["sample.traded"], beginning=False)
        keep(session, envelope(Traded(), 2), envelope(Ordered(), 3))
        assert await rows(session) == [(1,), (3,)]


async def test_data_that_is_too_large_or_no_json_is_left_out_and_counted(
    journals: Journals,
) -> None:
    """The event is recorded all the same, with the reason in place of its data."""
    async with journals(settings={"payload_limit": 40}) as session:
        keep(session, envelope(Ordered(note="x" * 100), 1), envelope(Anything(value=object()), 2))
        keep(session, envelope(Ordered(), 3))
        data = [text for (text,) in await rows(session, "data")]
        assert data[0] == '{"omitted": 111}'
        assert data[1].startswith('{"unwritable": "other.anything cannot be written as JSON')
        assert data[2] == '{"note":""}'
        assert session.recorder.omitted == 2


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_falling_behind_is_counted_written_down_and_told(tmp_path: Path) -> None:
    """Once when it begins and once when it is over; the journal has a row for the gap."""
    told = Told()
    async with opened(tmp_path, told=told, settings={"backlog": 600}) as session:
        keep(session, *envelopes(2_000))
        assert session.recorder.behind
        await session.journal.flushed()
        missed = session.recorder.missed
        assert missed > 0
        assert not session.recorder.behind
        assert sum(event.count for event in told.of(RecordingFellBehind)) == missed
        assert len(told.of(RecordingFellBehind)) == 2
        keep(session, *envelopes(5, first=3_000))
        kept = await rows(session)
        assert len(kept) == 2_005 - missed
        gaps = await rows(session, "count, reason", "gaps")
        assert gaps == [(missed, "the journal fell behind")]


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_what_is_kept_is_written_at_the_next_turn_of_the_loop(tmp_path: Path) -> None:
    """Nobody has to publish more for an event to be recorded."""
    async with opened(tmp_path) as session:
        keep(session, envelope(Traded(), 1))
        await asyncio.sleep(0)
        assert session.recorder.waiting == 1
        await session.journal.do(Note(lambda _: None))
        assert session.recorder.recorded == 1
