"""Under the simulated clock: everything at once, without a thread, from the beginning each time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from hookbus import Clock, DeadLetter, Delivery, Statement
from hookbus.contracts import Attempts

from tests.plugins.journal.samples import Ordered, Traded, envelope, envelopes, opened


def at_once(call: Awaitable[Any]) -> Any:
    """The result of something that is awaited; fails where it would wait."""
    steps = call.__await__()
    try:
        next(steps)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("this waits")


async def test_nothing_waits_and_no_thread_is_started(
    tmp_path: Path, simulated_clock: Clock
) -> None:
    """Callbacks are called before a call returns, and what is awaited is there already."""
    before = threading.active_count()
    told: list[int] = []
    async with opened(tmp_path, clock=simulated_clock) as session:
        journal = session.journal
        for one in envelopes(5):
            journal.append(one, lambda position, _: told.append(position))
        assert told == [1, 2, 3, 4, 5]
        for one in envelopes(3, first=10):
            session.recorder.keep(one)
        consumer = journal.consumer("a:b", ["*"], beginning=True)
        assert at_once(consumer.opened()).head == 8
        assert len(at_once(consumer.read(0, 10))) == 8
        create = Statement("CREATE TABLE own (n)")
        assert at_once(journal.transact([create], [envelope(Ordered(), 6)])) == [9]
        at_once(consumer.begin(Delivery(1)))
        at_once(consumer.failed(Delivery(1)))
        assert at_once(consumer.finish(Delivery(1), 1, [], [envelope(Ordered(), 7)])) == [10]
        at_once(consumer.released(Delivery(2)))
        letter = DeadLetter(envelope(Traded(), 2).to_json(), "e", "t", Attempts(), 1)
        at_once(consumer.bury(Delivery(2), 2, letter))
        assert at_once(journal.query(Statement("SELECT count(*) FROM events"))) == [(10,)]
        assert at_once(anext(journal.history(["*"]))).position == 1
        assert threading.active_count() <= before


async def test_each_run_begins_anew(tmp_path: Path, simulated_clock: Clock) -> None:
    """A back-test sees nothing of the one before, and leaves the real journal alone."""
    (tmp_path / "journal.db").write_bytes(b"the real one")
    for _ in range(2):
        async with opened(tmp_path, clock=simulated_clock) as session:
            assert (await session.figures()).events == 0
            for one in envelopes(3):
                session.recorder.keep(one)
            assert session.last_run is None
    assert (tmp_path / "journal.db").read_bytes() == b"the real one"


async def test_the_same_run_gives_the_same_rows(tmp_path: Path, simulated_clock: Clock) -> None:
    """Also where it makes no difference to anybody: gaps, names and positions."""
    dumps = []
    for number in range(2):
        folder = tmp_path / str(number)
        async with opened(folder, clock=simulated_clock, settings={"backlog": 900}) as session:
            for number_of_event, one in enumerate(envelopes(2_000)):
                session.recorder.keep(one)
                if number_of_event % 500 == 0:
                    await asyncio.sleep(0)
            await session.journal.flushed()
            events = await session.journal.query(Statement("SELECT * FROM events"))
            dumps.append((events, await session.journal.query(Statement("SELECT * FROM runs"))))
    assert dumps[0] == dumps[1]
    assert len(dumps[0][0]) == 2_000
