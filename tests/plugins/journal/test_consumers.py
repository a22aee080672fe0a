"""Consumers: what the journal remembers of a durable subscription, over the end of a process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hookbus import (
    Attempts,
    ConsumerState,
    DeadLetter,
    DeadLettersFull,
    Delivery,
    Statement,
    StoredEvent,
    TransactionRefused,
)
from hookbus_journal import deadletters
from hookbus_journal.database import open_for_reading

from tests.plugins.journal.conftest import Journals
from tests.plugins.journal.samples import Ordered, Traded, append, envelope, envelopes, opened

CREATE = Statement("CREATE TABLE own (n INTEGER PRIMARY KEY)")


def letter(sequence: int, **parts: Any) -> DeadLetter:
    """A dead letter about an event."""
    event = envelope(Traded(symbol="ETH"), sequence)
    known = {"error": "ValueError: no", "traceback": "...", "attempts": Attempts(3, 1)}
    return DeadLetter(event.to_json(), **{**known, **parts}, time_ns=77)


async def test_a_new_consumer_begins_at_the_next_event(journals: Journals) -> None:
    """Or at the first that is kept, if it wants that; what it reads is of its types only."""
    async with journals() as session:
        await append(session, *envelopes(3))
        late = session.journal.consumer("a:late", ["sample.*"], beginning=False)
        early = session.journal.consumer("a:early", ["sample.traded"], beginning=True)
        await append(session, envelope(Ordered(), 4), envelope(Traded(), 5))
        state = await late.opened()
        assert (state.head, state.offset) == (5, 3)
        assert [one.sequence for one in await late.read(state.offset, 10)] == [4, 5]
        assert (await early.opened()).offset == 0
        assert [one.sequence for one in await early.read(0, 10)] == [1, 2, 3, 5]
        assert [one.sequence for one in await early.read(1, 2)] == [2, 3]


async def test_what_was_published_before_is_not_next(journals: Journals) -> None:
    """Events that wait to be recorded come before a consumer that comes after them."""
    async with journals() as session:
        for one in envelopes(5):
            session.recorder.keep(one)
        consumer = session.journal.consumer("a:b", ["*"], beginning=False)
        assert (await consumer.opened()).offset == 5
        assert await consumer.read(5, 10) == []


async def test_a_consumer_that_is_there_is_returned_again(journals: Journals) -> None:
    """With the types that it wants now, and the place where it stood."""
    async with journals() as session:
        first = session.journal.consumer("a:b", ["sample.traded"], beginning=True)
        await append(session, *envelopes(2), envelope(Ordered(), 3))
        await first.finish(Delivery(1), 1)
        second = session.journal.consumer("a:b", ["sample.*"], beginning=False)
        assert second is first
        assert (await second.opened()).offset == 1
        assert [one.position for one in await second.read(1, 10)] == [2, 3]


async def test_finishing_out_of_order_is_remembered(journals: Journals) -> None:
    """What is finished beyond the offset is named, until the offset has passed it."""
    async with journals() as session:
        consumer = session.journal.consumer("a:b", ["*"], beginning=True)
        await append(session, *envelopes(6))
        for position, offset in ((3, 0), (5, 0), (1, 1), (2, 3)):
            await consumer.finish(Delivery(position), offset)
        state = await consumer.opened()
        assert (state.offset, state.finished) == (3, frozenset({5}))
        await consumer.finish(Delivery(2), 1)
        assert (await consumer.opened()).offset == 3, "an offset went back"


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_an_attempt_that_never_ended_is_a_crash(tmp_path: Path) -> None:
    """Failures and crashes are counted apart, a cancelled attempt as neither."""
    async with opened(tmp_path, run="one") as session:
        consumer = session.journal.consumer("a:b", ["*"], beginning=True)
        await append(session, *envelopes(4))
        for position in (1, 2, 3):
            await consumer.begin(Delivery(position))
        await consumer.failed(Delivery(1))
        await consumer.released(Delivery(2))
    async with opened(tmp_path, run="two") as session:
        consumer = session.journal.consumer("a:b", ["*"], beginning=False)
        expected = {1: Attempts(1, 0), 2: Attempts(0, 0), 3: Attempts(0, 1)}
        assert await consumer.opened() == ConsumerState(4, 0, frozenset(), expected, {})
        await consumer.begin(Delivery(3))
    async with opened(tmp_path, run="three") as session:
        consumer = session.journal.consumer("a:b", ["*"], beginning=False)
        assert (await consumer.opened()).attempts[3] == Attempts(0, 2)
        await consumer.finish(Delivery(3), 0)
        assert 3 not in (await consumer.opened()).attempts


async def test_an_event_is_handled_with_its_effects_or_not_at_all(journals: Journals) -> None:
    """A statement that fails leaves offset, rows and events as they were."""
    async with journals() as session:
        consumer = session.journal.consumer("a:b", ["sample.traded"], beginning=True)
        await session.journal.transact([CREATE])
        await append(session, *envelopes(2))
        insert = Statement("INSERT INTO own VALUES (1)")
        answer = envelope(Ordered(), 3)
        assert await consumer.finish(Delivery(1), 1, [insert], [answer]) == [3]
        with pytest.raises(TransactionRefused):
            await consumer.finish(Delivery(2), 2, [insert], [envelope(Ordered(), 4)])
        assert (await consumer.opened()).offset == 1
        count = Statement("SELECT (SELECT count(*) FROM own), (SELECT count(*) FROM events)")
        assert await session.journal.query(count) == [(1, 3)]


async def test_a_dead_letter_is_kept_tried_again_and_handled(journals: Journals) -> None:
    """It tells whoever asked to be told, keeps its number when it fails again, and goes at last."""
    told: list[tuple[int, StoredEvent]] = []
    async with journals() as session:
        consumer = session.journal.consumer("a:b", ["*"], beginning=True)
        consumer.on_retry(lambda number, event: told.append((number, event)))
        await append(session, *envelopes(2))
        await consumer.begin(Delivery(1))
        await consumer.bury(Delivery(1), 1, letter(1))
        state = await consumer.opened()
        assert (state.offset, state.attempts, state.retrying) == (1, {}, {})
        assert await session.journal.retry([1, 99]) == 1
        assert await session.journal.retry([1]) == 0, "it is being tried already"
        assert [(number, event.key) for number, event in told] == [(1, "ETH")]
        assert list((await consumer.opened()).retrying) == [1]
        again = letter(1, error="again", attempts=Attempts(6, 1))
        await consumer.bury(Delivery(1, letter=1), 1, again)
        (kept,) = await session.journal.query(
            Statement("SELECT id, error, failures, retrying, type, key FROM dead_letters")
        )
        assert kept == (1, "again", 6, 0, "sample.traded", "ETH")
        await session.journal.retry([1])
        await consumer.finish(Delivery(1, letter=1), 1)
        assert await session.journal.query(Statement("SELECT * FROM dead_letters")) == []
        await consumer.bury(Delivery(2), 2, letter(2))
        rows = await session.journal.query(Statement("SELECT id FROM dead_letters"))
        assert rows == [(2,)], "a number was used twice"
        assert await session.journal.discard([2, 3]) == 1


async def test_full_dead_letters_keep_the_event_where_it_is(journals: Journals) -> None:
    """The consumer is told, its offset stays, and it goes on when there is room."""
    async with journals(settings={"dead_letters": 1}) as session:
        consumer = session.journal.consumer("a:b", ["*"], beginning=True)
        await append(session, *envelopes(2))
        await consumer.bury(Delivery(1), 1, letter(1))
        with pytest.raises(DeadLettersFull, match="there are 1 dead letters"):
            await consumer.bury(Delivery(2), 2, letter(2))
        assert (await consumer.opened()).offset == 1
        await consumer.bury(Delivery(1, letter=1), 1, letter(1))
        await session.journal.discard([1])
        await consumer.bury(Delivery(2), 2, letter(2))
        assert (await consumer.opened()).offset == 2


async def test_a_closed_consumer_is_told_nothing_but_kept_for(journals: Journals) -> None:
    """Its dead letters wait, and events of its types go on being durable."""
    told: list[int] = []
    async with journals() as session:
        consumer = session.journal.consumer("a:b", ["sample.traded"], beginning=True)
        consumer.on_retry(lambda number, _: told.append(number))
        await append(session, *envelopes(1))
        await consumer.bury(Delivery(1), 1, letter(1))
        consumer.close()
        assert await session.journal.retry([1]) == 1
        assert told == []
        assert session.journal.requires(Traded)
        assert list((await consumer.opened()).retrying) == [1]


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_dead_letters_are_listed_and_shown_from_outside(tmp_path: Path) -> None:
    """On any connection, by consumer, in pages; the event comes back out of the letter."""
    async with opened(tmp_path) as session:
        for name in ("a:b", "c:d"):
            consumer = session.journal.consumer(name, ["*"], beginning=True)
            for number in (1, 2):
                await consumer.bury(Delivery(number), number, letter(number))
        connection = open_for_reading(session.path)
        listed = deadletters.listed(connection)
        assert [(one.id, one.consumer) for one in listed] == [
            (1, "a:b"), (2, "a:b"), (3, "c:d"), (4, "c:d"),
        ]  # fmt: skip
        assert [one.id for one in deadletters.listed(connection, "c:d", limit=1, after=3)] == [4]
        shown = deadletters.shown(connection, 2)
        assert shown is not None
        assert (shown.error, shown.failures, shown.crashes) == ("ValueError: no", 3, 1)
        event = envelope(Traded(symbol="ETH"), 2)
        assert (shown.event.run, shown.event.sequence) == ("test-run", 2)
        assert (shown.event.time_ns, shown.event.key) == (event.time_ns, "ETH")
        assert shown.event.data == '{"symbol":"ETH","price":1.5}'
        assert deadletters.shown(connection, 9) is None
        assert deadletters.count(connection) == 4
        connection.close()
