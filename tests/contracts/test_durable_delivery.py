"""Durable delivery: the bus of the host together with the journal that is installed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hookbus import (
    Clock,
    Envelope,
    Journal,
    Retry,
    Statement,
    UsageError,
    WouldBlock,
)
from hookbus.operational import (
    ConsumerResumed,
    ConsumerStalled,
    EventDeadLettered,
    HandlerFailed,
)
from hookbus.testing.hosts import HostFactory

from tests.contracts.durable import FAST, Noted, running


async def test_a_durable_subscription_gets_every_event_once_and_in_order(
    host_factory: HostFactory,
) -> None:
    """Each event that was published after the subscribing, with nothing left to do at the end."""
    async with running(host_factory) as (host, bus):
        got: list[int] = []

        async def handle(event: Noted) -> None:
            await asyncio.sleep(0)
            got.append(event.number)

        subscription = bus.subscribe(Noted, handle, delivery="durable", name="mine")
        for number in range(100):
            assert await bus.publish(Noted(about="a", number=number)) >= 1
        await host.settled()
        assert got == list(range(100))
        stats = subscription.stats()
        assert (stats.matched, stats.delivered, stats.pending) == (100, 100, 0)


async def test_a_durable_event_is_committed_before_it_is_dispatched(
    host_factory: HostFactory,
) -> None:
    """An inline handler that looks into the journal finds the event that it is called for."""
    async with running(host_factory, durable=["test.*"]) as (host, bus):
        journal = host.services.get(Journal, "tester")
        found: list[Any] = []

        async def look(_: Noted) -> None:
            found.extend(await journal.query(Statement("SELECT data FROM events WHERE durable")))

        bus.subscribe(Noted, look)
        await bus.publish(Noted(about="a", number=7))
        await host.settled()
        assert found == [('{"about":"a","number":7}',)]


async def test_a_durable_event_cannot_be_published_without_waiting(
    host_factory: HostFactory,
) -> None:
    """`publish_nowait` says so; `publish_forced` has it committed and dispatched by itself."""
    async with running(host_factory, durable=["test.*"]) as (host, bus):
        with pytest.raises(WouldBlock, match="committed first; await publish"):
            bus.publish_nowait(Noted(about="a"))
        bus.publish_forced(Noted(about="a", number=3))
        await host.settled()
        assert [event.number for event in host.recorded.of(Noted)] == [3]


async def test_order_is_kept_for_each_key_and_a_retry_holds_up_only_its_own(
    host_factory: HostFactory,
) -> None:
    """While `a` waits for its next attempt, `b` goes on; nothing of `a` overtakes it."""
    async with running(host_factory) as (host, bus):
        got: list[tuple[str, int]] = []
        failing = {("a", 0): 2}

        async def handle(event: Noted) -> None:
            key = event.about, event.number
            if failing.get(key, 0):
                failing[key] -= 1
                raise RuntimeError("not yet")
            got.append(key)

        bus.subscribe(Noted, handle, delivery="durable", name="mine", retry=FAST)
        for number in range(3):
            for about in ("a", "b"):
                await bus.publish(Noted(about=about, number=number))
        await host.settled()
        assert [key for key in got if key[0] == "a"] == [("a", 0), ("a", 1), ("a", 2)]
        assert got[:3] == [("b", 0), ("b", 1), ("b", 2)]


async def test_concurrent_handlers_work_on_different_keys(host_factory: HostFactory) -> None:
    """Up to `concurrency` at a time, and never two of one key."""
    async with running(host_factory) as (host, bus):
        busy: list[str] = []
        most = 0

        async def handle(event: Noted) -> None:
            nonlocal most
            assert event.about not in busy
            busy.append(event.about)
            most = max(most, len(busy))
            await asyncio.sleep(1)
            busy.remove(event.about)

        bus.subscribe(Noted, handle, delivery="durable", name="mine", concurrency=3)
        for number in range(12):
            await bus.publish(Noted(about="abcd"[number % 4], number=number))
        await host.settled()
        assert most == 3
        assert host.recorded.of(HandlerFailed) == []


async def test_an_event_that_keeps_failing_goes_to_the_dead_letters(
    host_factory: HostFactory,
) -> None:
    """After its attempts, and the next one is handled; the account has both."""
    async with running(host_factory) as (host, bus):
        got: list[int] = []

        async def handle(event: Noted) -> None:
            if event.number == 1:
                raise ValueError("never")
            got.append(event.number)

        subscription = bus.subscribe(Noted, handle, delivery="durable", name="mine", retry=FAST)
        for number in range(3):
            await bus.publish(Noted(about="a", number=number))
        await host.settled()
        stats = subscription.stats()
        assert got == [0, 2]
        assert (stats.dead_lettered, stats.failures, stats.retries) == (1, 5, 4)
        (letter,) = host.recorded.of(EventDeadLettered)
        assert (letter.reason, letter.attempts) == ("ValueError: never", 5)


async def test_a_consumer_waits_while_the_dead_letters_are_full(
    host_factory: HostFactory, simulated_clock: Clock
) -> None:
    """Nothing is lost or passed by; it says so once, and goes on when one has been discarded."""
    async with running(host_factory, dead_letters=1) as (host, bus):
        got: list[int] = []

        async def handle(event: Noted) -> None:
            if event.number < 2:
                raise ValueError("never")
            got.append(event.number)

        once = Retry(attempts=1)
        subscription = bus.subscribe(Noted, handle, delivery="durable", name="mine", retry=once)
        for number in range(3):
            await bus.publish(Noted(about="a", number=number))
        await simulated_clock.sleep(60)
        assert got == []
        assert (subscription.stats().dead_lettered, subscription.stats().pending) == (1, 2)
        (stalled,) = host.recorded.of(ConsumerStalled)
        assert "dead letters" in stalled.reason
        journal: Any = host.services.get(Journal, "tester")
        await journal.discard([1])
        await host.settled()
        assert got == [2]
        assert subscription.stats().dead_lettered == 2
        assert len(host.recorded.of(ConsumerResumed)) == 1


async def test_a_handler_that_hangs_is_given_up_after_its_attempts(
    host_factory: HostFactory,
) -> None:
    """Each attempt ends at the time limit, and the rest is handled."""
    async with running(host_factory) as (host, bus):
        got: list[int] = []

        async def handle(event: Noted) -> None:
            if event.number == 0:
                await asyncio.Event().wait()
            got.append(event.number)

        subscription = bus.subscribe(
            Noted, handle, delivery="durable", name="mine", retry=FAST, timeout=5.0
        )
        for number in range(3):
            await bus.publish(Noted(about="a", number=number))
        await host.settled()
        assert got == [1, 2]
        assert subscription.stats().dead_lettered == 1


async def test_what_a_predicate_refuses_is_passed_by(host_factory: HostFactory) -> None:
    """It counts as filtered and is not asked about again."""
    async with running(host_factory) as (host, bus):
        got: list[int] = []

        async def handle(event: Noted) -> None:
            got.append(event.number)

        subscription = bus.subscribe(
            Noted, handle, delivery="durable", name="mine", where="number > 1"
        )
        for number in range(4):
            await bus.publish(Noted(about="a", number=number))
        await host.settled()
        stats = subscription.stats()
        assert got == [2, 3]
        assert (stats.matched, stats.filtered, stats.delivered) == (4, 2, 2)


async def test_a_plain_function_is_a_handler_too(host_factory: HostFactory) -> None:
    """With its envelope, if it asks for that."""
    async with running(host_factory) as (host, bus):
        got: list[Envelope] = []
        bus.subscribe(Noted, got.append, delivery="durable", name="mine", envelope=True)
        await bus.publish(Noted(about="a", number=1))
        await host.settled()
        assert [one.event for one in got] == [Noted(about="a", number=1)]


async def test_a_consumer_that_cannot_keep_up_reads_on_from_the_journal(
    host_factory: HostFactory,
) -> None:
    """However small its capacity: publishers never wait for it, and it gets everything."""
    async with running(host_factory) as (host, bus):
        got: list[int] = []

        async def handle(event: Noted) -> None:
            await asyncio.sleep(0.01)
            got.append(event.number)

        bus.subscribe(Noted, handle, delivery="durable", name="mine", capacity=4)
        for number in range(300):
            await bus.publish(Noted(about="a", number=number))
        await host.settled()
        assert got == list(range(300))


async def test_two_consumers_of_one_name_are_refused(host_factory: HostFactory) -> None:
    """They would share one place in the journal."""
    async with running(host_factory) as (_, bus):

        async def handle(_: Noted) -> None:
            return

        bus.subscribe(Noted, handle, delivery="durable", name="mine")
        with pytest.raises(UsageError, match="'tester' has a durable subscription 'mine' already"):
            bus.subscribe(Noted, handle, delivery="durable", name="mine")


async def test_a_handler_that_is_closed_hands_its_event_back(host_factory: HostFactory) -> None:
    """Cancellation is no acknowledgement, and no crash: the next subscription gets the event."""
    async with running(host_factory) as (host, bus):
        began, got = asyncio.Event(), []

        async def hang(_: Noted) -> None:
            began.set()
            await asyncio.Event().wait()

        async def handle(event: Noted) -> None:
            got.append(event.number)

        first = bus.subscribe(Noted, hang, delivery="durable", name="mine")
        await bus.publish(Noted(about="a", number=1))
        await began.wait()
        first.close()
        await bus.publish(Noted(about="a", number=2))
        bus.subscribe(Noted, handle, delivery="durable", name="mine", crashes=1)
        await host.settled()
        assert got == [1, 2]
        assert host.recorded.of(EventDeadLettered) == []


@pytest.mark.real_time
async def test_what_was_not_handled_waits_for_the_next_run(
    host_factory: HostFactory,
) -> None:
    """On the system's clock the journal goes on where the last run has ended."""
    got: list[int] = []

    async def fail(_: Noted) -> None:
        await asyncio.Event().wait()

    async def handle(event: Noted) -> None:
        got.append(event.number)

    async with running(host_factory) as (host, bus):
        subscription = bus.subscribe(Noted, fail, delivery="durable", name="mine")
        for number in range(3):
            await bus.publish(Noted(about="a", number=number))
        subscription.close()
        waiting = host.event_bus.ledger.report()
        assert [one.pending for one in waiting.accounts if one.name == "mine"] == [3]
    async with running(host_factory) as (host, bus):
        bus.subscribe(Noted, handle, delivery="durable", name="mine")
        await host.settled()
    assert got == [0, 1, 2]


@pytest.mark.real_time
async def test_many_publishers_at_once_are_committed_and_dispatched_in_one_order(
    host_factory: HostFactory,
) -> None:
    """Every subscriber sees durable events in the order of the journal."""
    async with running(host_factory) as (host, bus):
        live: list[str] = []
        durable: list[str] = []

        async def handle(envelope: Envelope) -> None:
            durable.append(envelope.id)

        bus.subscribe(Noted, handle, delivery="durable", name="mine", envelope=True)
        bus.subscribe(
            Noted, lambda envelope: live.append(envelope.id), mode="inline", envelope=True
        )
        await asyncio.gather(
            *(bus.publish(Noted(about="a", number=number)) for number in range(500))
        )
        await host.settled()
        assert len(live) == 500
        assert durable == live
        journal = host.services.get(Journal, "tester")
        stored = [one async for one in journal.history(["test.noted"])]
        assert [f"{one.run}-{one.sequence}" for one in stored] == live
