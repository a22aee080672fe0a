"""The service: what is committed, in which order, and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hookbus import (
    Delivery,
    Journal,
    JournalError,
    PayloadTooLarge,
    Statement,
    StoredEvent,
    TransactionRefused,
)
from hookbus_journal import guard
from hookbus_journal.events import JournalFailed
from hookbus_journal.history import PAGE
from hookbus_journal.session import Session

from tests.plugins.journal.conftest import Journals
from tests.plugins.journal.samples import (
    NOON,
    RUN,
    Anything,
    Ordered,
    Traded,
    append,
    envelope,
    envelopes,
    opened,
)

CREATE = Statement("CREATE TABLE IF NOT EXISTS own (n INTEGER PRIMARY KEY)")


def insert(number: int) -> Statement:
    """A row of one's own."""
    return Statement("INSERT INTO own VALUES (?)", (number,))


async def kept(session: Session, *types: str, **bounds: Any) -> list[StoredEvent]:
    """The history as a list."""
    return [event async for event in session.journal.history(types or ("*",), **bounds)]


async def test_an_event_comes_back_as_it_was(journals: Journals) -> None:
    """Every part of an envelope is kept, also links to events of other runs."""
    first = envelope(Traded(symbol="ETH", price=0.1), 7)
    second = envelope(Ordered(note="ü"), 8, cause=7)
    second._correlation, second._causation = "old-run-3", "old-run-12"
    async with journals() as session:
        assert isinstance(session.journal, Journal)
        assert await append(session, first, second) == [1, 2]
        assert await kept(session) == [
            StoredEvent(
                1, RUN, 7, "sample.traded", 1, "paper", NOON + 7, "ETH", f"{RUN}-7", None, 0,
                '{"symbol":"ETH","price":0.1}',
            ),
            StoredEvent(
                2, RUN, 8, "sample.ordered", 3, "paper", NOON + 8, None, "old-run-3",
                "old-run-12", 0, '{"note":"ü"}',
            ),
        ]  # fmt: skip


async def test_callbacks_come_in_the_order_of_the_calls(journals: Journals) -> None:
    """Also with an event among them that is refused; positions rise."""
    told: list[tuple[int, Exception | None]] = []
    async with journals(settings={"payload_limit": 100}) as session:
        for number in range(1, 700):
            note = "x" * 200 if number == 350 else ""
            session.journal.append(
                envelope(Ordered(note=note), number), lambda *result: told.append(result)
            )
        await session.journal.flushed()
        positions = [position for position, error in told if error is None]
        assert positions == sorted(positions)
        assert len(positions) == 698
        assert isinstance(told[349][1], PayloadTooLarge)
        assert len(await kept(session)) == 698


async def test_a_durable_event_that_is_too_large_is_refused_by_name(journals: Journals) -> None:
    """The publisher is told the size and the limit; bytes count, not characters."""
    async with journals(settings={"payload_limit": 60}) as session:
        with pytest.raises(PayloadTooLarge, match=r"sample\.ordered takes 71 bytes.*takes 60"):
            await append(session, envelope(Ordered(note="ü" * 30), 1))
        await append(session, envelope(Ordered(note="u" * 30), 2))


async def test_a_durable_event_that_no_json_can_express_is_refused(journals: Journals) -> None:
    """And the others of its batch are committed."""
    async with journals() as session:
        bad = append(session, envelope(Anything(value=object()), 1))
        good = append(session, envelope(Anything(value="\ud800"), 2))
        results = await asyncio.gather(bad, good, return_exceptions=True)
        assert isinstance(results[0], JournalError)
        assert "other.anything cannot be written as JSON" in str(results[0])
        assert (await kept(session))[0].data == '{"value":"\\ud800"}'


async def test_a_transaction_is_all_or_nothing(journals: Journals) -> None:
    """Rows and events together, or neither, and nobody else is undone with it."""
    async with journals() as session:
        journal = session.journal
        await journal.transact([CREATE])
        calls = [journal.transact([insert(n)], [envelope(Traded(), n)]) for n in (1, 2, 1, 3)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert isinstance(results[2], TransactionRefused)
        assert [one for one in results if isinstance(one, list)] == [[1], [2], [3]]
        assert await journal.query(Statement("SELECT n FROM own")) == [(1,), (2,), (3,)]
        assert [event.sequence for event in await kept(session)] == [1, 2, 3]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO events (position) VALUES (99)",
        'UPDATE consumers SET "offset" = 9',
        "DELETE FROM dead_letters",
        "SELECT data FROM events",
        "CREATE TRIGGER sly AFTER INSERT ON events BEGIN SELECT 1; END",
        "CREATE INDEX sly ON events (data)",
        "ALTER TABLE events ADD COLUMN more",
        "DROP TABLE gaps",
        "UPDATE sqlite_sequence SET seq = 0",
        "DELETE FROM sqlite_schema",
        "CREATE TEMP TABLE sly (n)",
        "PRAGMA user_version = 5",
        "ATTACH ':memory:' AS other",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT sly",
        "RELEASE task",
        "INSERT INTO own VALUES (7); COMMIT; BEGIN",
        "no SQL at all",
        "INSERT INTO own VALUES (?)",
    ],
)
async def test_statements_that_are_none_of_a_plugins_business_are_refused(
    journals: Journals, sql: str
) -> None:
    """The journal's tables, its settings and its transactions are out of reach."""
    async with journals() as session:
        journal = session.journal
        await journal.transact([CREATE], [envelope(Traded(), 1)])
        with pytest.raises(TransactionRefused):
            await journal.transact([insert(5), Statement(sql)])
        assert await journal.query(Statement("SELECT n FROM own")) == []
        assert await append(session, envelope(Traded(), 2)) > [1]
        assert len(await kept(session)) == 2


async def test_a_view_or_a_trigger_opens_no_back_door(journals: Journals) -> None:
    """They are judged by what they touch when they are used."""
    async with journals() as session:
        journal = session.journal
        view = Statement("CREATE VIEW sly AS SELECT data FROM events")
        deed = "INSERT INTO gaps VALUES (1, 1, '', 1)"
        trigger = Statement(f"CREATE TRIGGER t AFTER INSERT ON own BEGIN {deed}; END")
        await journal.transact([CREATE, view, trigger])
        for statement in (Statement("SELECT * FROM sly"), insert(1)):
            with pytest.raises(TransactionRefused, match="is not allowed"):
                await journal.transact([statement])


async def test_a_statement_that_ends_the_transaction_undoes_itself_only(journals: Journals) -> None:
    """`OR ROLLBACK` undoes all that was committed together: the others are committed again."""
    async with journals() as session:
        journal = session.journal
        await journal.transact([CREATE, insert(1)])
        sly = Statement("INSERT OR ROLLBACK INTO own VALUES (1)")
        others = [append(session, envelope(Traded(), n)) for n in range(2, 5)]
        more = journal.transact([insert(2)])
        results = await asyncio.gather(
            others[0], journal.transact([sly]), others[1], more, others[2], return_exceptions=True
        )
        assert [isinstance(one, TransactionRefused) for one in results].count(True) == 1
        assert [event.sequence for event in await kept(session)] == [2, 3, 4]
        assert await journal.query(Statement("SELECT n FROM own")) == [(1,), (2,)]


async def test_a_prepared_statement_of_the_journal_is_no_back_door(journals: Journals) -> None:
    """The journal's own statements are kept prepared; the same text of a plugin is judged anew."""
    own = "DELETE FROM finished WHERE consumer = ? AND position <= ?"
    async with journals() as session:
        consumer = session.journal.consumer("a:b", ["*"], beginning=True)
        await append(session, *envelopes(5))
        await consumer.finish(Delivery(3), 0)
        with pytest.raises(TransactionRefused, match="is not allowed"):
            await session.journal.transact([Statement(own, ("a:b", 9))])
        assert (await consumer.opened()).finished == {3}


async def test_a_type_that_a_refused_transaction_brought_is_forgotten(journals: Journals) -> None:
    """Its number went with the transaction, so that the next event of the type gets a new one."""
    async with journals(settings={"payload_limit": 50}) as session:
        await append(session, envelope(Traded(), 1))
        large = envelope(Ordered(note="x" * 100), 3)
        with pytest.raises(PayloadTooLarge):
            await session.journal.transact([], [envelope(Anything(), 2), large])
        await append(session, envelope(Traded(), 4), envelope(Anything(), 5))
        types = [event.type for event in await kept(session)]
        assert types == ["sample.traded", "sample.traded", "other.anything"]


async def test_a_transaction_that_takes_too_long_is_refused(
    journals: Journals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody waits for the one who writes; those who waited with it are not undone."""
    monkeypatch.setattr(guard, "LIMIT", 0.1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    async with journals() as session:
        await session.journal.transact([CREATE])
        bad = session.journal.transact([Statement(f"INSERT INTO own {endless}SELECT i FROM n")])
        good = append(session, envelope(Traded(), 1))
        results = await asyncio.gather(bad, good, return_exceptions=True)
        assert isinstance(results[0], TransactionRefused)
        assert "took longer than 0.1 s" in str(results[0])
        assert [event.sequence for event in await kept(session)] == [1]
        assert await session.journal.query(Statement("SELECT * FROM own")) == []


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_a_query_that_is_cancelled_ends(tmp_path: Path) -> None:
    """It gives its thread to the next one, however long it would have gone on."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    async with opened(tmp_path) as session:
        for _ in range(4):
            query = asyncio.ensure_future(session.journal.query(Statement(endless)))
            await asyncio.sleep(0.02)
            query.cancel()
        async with asyncio.timeout(10):
            assert await session.journal.query(Statement("SELECT 1")) == [(1,)]


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_a_query_that_holds_up_the_log_is_ended(tmp_path: Path) -> None:
    """With an error that says so; the log begins anew, and short reads go on."""
    async with opened(tmp_path) as session:
        session.committer.checkpoints.due = 10
        await append(session, *envelopes(500))
        sql = "SELECT count(*) FROM events a, events b, events c, events d"
        query = asyncio.ensure_future(session.journal.query(Statement(sql)))
        await asyncio.sleep(0.05)
        for first in range(1_000, 5_000, 100):
            await append(session, *envelopes(100, first=first))
        with pytest.raises(JournalError, match="took so long that it held up the journal"):
            async with asyncio.timeout(10):
                await query
        assert len(await kept(session)) == 4_500
        assert session.committer.checkpoints.pages < 100


async def test_a_query_reads_what_is_committed_and_changes_nothing(journals: Journals) -> None:
    """Everything but SELECT is refused, and bad SQL is named."""
    async with journals() as session:
        await append(session, *envelopes(3))
        count = Statement("SELECT count(*) FROM events WHERE sequence > ?", (1,))
        assert await session.journal.query(count) == [(2,)]
        for sql in ("DELETE FROM events", "PRAGMA user_version", "ATTACH 'x' AS y", "nonsense"):
            with pytest.raises(TransactionRefused, match=sql):
                await session.journal.query(Statement(sql))


async def test_which_events_are_durable_follows_settings_and_consumers(journals: Journals) -> None:
    """The answer is kept for each class, and anew when a consumer comes; not for own events."""
    async with journals(settings={"durable": ["sample.o*"]}) as session:
        requires = session.journal.requires
        assert [requires(one) for one in (Ordered, Traded, Anything)] == [True, False, False]
        session.journal.consumer("risk:slow", ["sample.traded"], beginning=False)
        assert [requires(one) for one in (Ordered, Traded, Anything)] == [True, True, False]
        session.journal.consumer("all:of-it", ["*"], beginning=False)
        assert requires(Anything)
        assert not requires(JournalFailed)


@pytest.mark.real_time
@pytest.mark.usefixtures("simulated_clock")
async def test_consumers_of_earlier_runs_are_kept_for(tmp_path: Path) -> None:
    """What they want is durable although they are not connected: it waits for them."""
    async with opened(tmp_path) as session:
        session.journal.consumer("risk:slow", ["sample.traded"], beginning=False)
    async with opened(tmp_path, run="next") as session:
        assert session.journal.requires(Traded)
        assert not session.journal.requires(Ordered)


async def test_the_history_is_read_by_type_time_and_position(journals: Journals) -> None:
    """Oldest first, over several pages, up to what was there when it was asked for."""
    count = 2 * PAGE + 10
    async with journals() as session:
        events = [envelope(Ordered() if n % 3 else Traded(), n) for n in range(1, count + 1)]
        await append(session, *events)
        assert [one.position for one in await kept(session)] == list(range(1, count + 1))
        thirds = await kept(session, "sample.t*")
        assert [one.sequence for one in thirds] == list(range(3, count + 1, 3))
        late = await kept(session, "*", since_ns=NOON + count - 5)
        assert [one.sequence for one in late] == list(range(count - 5, count + 1))
        assert [one.position for one in await kept(session, "*", after=count - 2)] == [
            count - 1,
            count,
        ]
        assert await kept(session, "nothing.*") == []
        assert await kept(session, "*", since_ns=NOON * 2) == []


async def test_a_history_ends_where_it_was_when_it_began(journals: Journals) -> None:
    """What is written while it is read is not in it: who replays does not chase himself."""
    async with journals() as session:
        await append(session, *envelopes(PAGE + 5))
        seen = 0
        async for event in session.journal.history(["*"]):
            seen += 1
            if seen < PAGE:
                await append(session, envelope(Traded(), 9_000 + event.sequence))
        assert seen == PAGE + 5


async def test_a_clock_that_was_set_back_hides_nothing(journals: Journals) -> None:
    """From a time on means by the time of each event, not by the place of the first."""
    async with journals() as session:
        events = envelopes(6)
        for one, seconds in zip(events, (10, 20, 30, 15, 25, 35), strict=True):
            one.time_ns = NOON + seconds
        await append(session, *events)
        late = await kept(session, "*", since_ns=NOON + 25)
        assert [one.sequence for one in late] == [3, 5, 6]


async def test_after_the_end_everything_is_refused(journals: Journals) -> None:
    """Nothing hangs, and nothing is written behind the back of the next host."""
    async with journals() as session:
        await append(session, *envelopes(1))
    with pytest.raises(JournalError, match="the journal is closed"):
        await append(session, envelope(Traded(), 2))
    with pytest.raises(JournalError, match="the journal is closed"):
        await session.journal.transact([CREATE])
    with pytest.raises(JournalError, match="the journal is closed"):
        await session.journal.query(Statement("SELECT 1"))


async def test_a_listener_that_fails_does_not_keep_others_waiting(journals: Journals) -> None:
    """Each `done` is called, whatever another one raised; the loop's handler is told of it."""
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: problems.append(found))

    def fail(_: int, __: Exception | None) -> None:
        raise RuntimeError("deaf")

    async with journals() as session:
        session.journal.append(envelope(Traded(), 1), fail)
        assert await append(session, envelope(Traded(), 2)) == [2]
    assert [str(one["exception"]) for one in problems] == ["deaf"]
