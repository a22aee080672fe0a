"""Transactions: what durable handlers, and others, commit together."""

from __future__ import annotations

import asyncio

import pytest
from hookbus import (
    Journal,
    Statement,
    Transaction,
    TransactionRefused,
    UsageError,
)
from hookbus.testing.hosts import HostFactory

from tests.contracts.durable import FAST, Answered, Noted, running


async def test_a_transaction_commits_rows_events_and_offset_together(
    host_factory: HostFactory,
) -> None:
    """What the handler writes and publishes is there once, caused by the event in hand."""
    async with running(host_factory) as (host, bus):
        journal = host.services.get(Journal, "tester")
        await journal.transact([Statement("CREATE TABLE totals (about PRIMARY KEY, n)")])

        async def handle(event: Noted, transaction: Transaction) -> None:
            transaction.execute(
                "INSERT INTO totals VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
                event.about,
                event.number,
            )
            transaction.publish(Answered(about=event.about, number=event.number * 10))

        bus.subscribe(Noted, handle, delivery="durable", name="mine", transaction=True)
        for number in (1, 2, 3):
            await bus.publish(Noted(about="a", number=number))
        await host.settled()
        assert await journal.query(Statement("SELECT * FROM totals")) == [("a", 6)]
        answers = [one for one in host.recorded.envelopes if isinstance(one.event, Answered)]
        assert [event.number for event in host.recorded.of(Answered)] == [10, 20, 30]
        causes = {one.id for one in host.recorded.envelopes if isinstance(one.event, Noted)}
        assert {one.causation_id for one in answers} == causes


async def test_a_statement_that_fails_undoes_the_whole_transaction(
    host_factory: HostFactory,
) -> None:
    """It is a failure of the attempt: nothing is written or published, and it is tried again."""
    async with running(host_factory) as (host, bus):
        journal = host.services.get(Journal, "tester")
        await journal.transact([Statement("CREATE TABLE once (n UNIQUE)")])
        attempts = 0

        async def handle(event: Noted, transaction: Transaction) -> None:
            nonlocal attempts
            attempts += 1
            transaction.publish(Answered(about="a", number=attempts))
            transaction.execute("INSERT INTO once VALUES (?)", attempts)
            if attempts < 3:
                transaction.execute("INSERT INTO once VALUES (?)", attempts)

        bus.subscribe(Noted, handle, delivery="durable", name="mine", transaction=True, retry=FAST)
        await bus.publish(Noted(about="a"))
        await host.settled()
        assert await journal.query(Statement("SELECT n FROM once")) == [(3,)]
        assert [event.number for event in host.recorded.of(Answered)] == [3]
        assert host.event_bus.ledger.report().discrepancies == ()


async def test_a_transaction_takes_nothing_after_its_handler(host_factory: HostFactory) -> None:
    """A handler that keeps it gets an error, not a silent loss."""
    async with running(host_factory) as (host, bus):
        kept: list[Transaction] = []

        async def handle(_: Noted, transaction: Transaction) -> None:
            kept.append(transaction)
            with pytest.raises(UsageError, match=r"is no hookbus\.Event"):
                transaction.publish("text")  # type: ignore[arg-type]

        bus.subscribe(Noted, handle, delivery="durable", name="mine", transaction=True)
        await bus.publish(Noted(about="a"))
        await host.settled()
        with pytest.raises(UsageError, match="after the handler has returned"):
            kept[0].execute("SELECT 1")
        with pytest.raises(UsageError, match="after the handler has returned"):
            kept[0].publish(Noted(about="b"))


@pytest.mark.real_time
async def test_what_an_event_of_an_earlier_run_leads_to_names_it_as_its_cause(
    host_factory: HostFactory,
) -> None:
    """By its whole id, and the first event of its chain by that one's; also through an outbox."""

    async def nothing(_: Noted) -> None:
        await asyncio.Event().wait()

    async with running(host_factory) as (host, bus):
        kept = bus.subscribe(Noted, nothing, delivery="durable", name="mine")
        await bus.publish(Noted(about="a"))
        kept.close()
        (first,) = (one for one in host.recorded.envelopes if isinstance(one.event, Noted))
    async with running(host_factory) as (host, bus):

        async def handle(_: Noted, transaction: Transaction) -> None:
            await bus.publish(Answered(about="bus"))
            transaction.publish(Answered(about="outbox"))

        bus.subscribe(Noted, handle, delivery="durable", name="mine", transaction=True)
        await host.settled()
        answers = [one for one in host.recorded.envelopes if isinstance(one.event, Answered)]
        assert [(one.key, one.causation_id, one.correlation_id) for one in answers] == [
            ("bus", first.id, first.id),
            ("outbox", first.id, first.id),
        ]
        assert {one.depth for one in answers} == {1}


async def test_a_transaction_outside_a_handler_commits_rows_and_events_together(
    host_factory: HostFactory,
) -> None:
    """And nothing of it when the block raises, or when a statement fails."""
    async with running(host_factory) as (host, bus):
        journal = host.services.get(Journal, "tester")
        async with bus.transaction() as transaction:
            transaction.execute("CREATE TABLE mine (n UNIQUE)")
        async with bus.transaction() as transaction:
            transaction.execute("INSERT INTO mine VALUES (?)", 1)
            transaction.publish(Noted(about="a", number=1))

        async def enter(number: int, error: Exception | None = None) -> None:
            async with bus.transaction() as transaction:
                transaction.publish(Noted(about="a", number=2))
                transaction.execute("INSERT INTO mine VALUES (?)", number)
                if error is not None:
                    raise error

        with pytest.raises(TransactionRefused, match="UNIQUE"):
            await enter(1)
        with pytest.raises(KeyError):
            await enter(3, KeyError())
        assert await journal.query(Statement("SELECT n FROM mine")) == [(1,)]
        assert [event.number for event in host.recorded.of(Noted)] == [1]
        assert host.event_bus.ledger.report().discrepancies == ()
