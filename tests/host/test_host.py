"""The host as a whole: order, contexts, services, sources, the end of a run, stopping."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from hookbus import (
    ConfigurationError,
    Event,
    Plugin,
    PluginContext,
    ServiceMissing,
    Source,
    Summary,
    UsageError,
    hookimpl,
)
from hookbus.operational import HostStopping, LedgerDiscrepancy, PluginStopped, SourceFinished
from hookbus.plugins.plugin import PluginState
from hookbus.testing import HostFactory

SIMULATED = {"clock": {"mode": "simulated"}}


class Counted(Event, type="host.counted"):
    """What the feeds of these tests publish."""

    number: int


class Counter(Plugin):
    """Counts to three, a second apart."""

    name = "counter"

    @hookimpl
    def hookbus_events(self) -> tuple[type[Event], ...]:
        """Declare the event."""
        return (Counted,)

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Prepare the feed."""
        self.context = context
        self.source = context.start_source(self.count, "numbers")

    async def count(self, source: Source) -> None:
        """Feed."""
        for number in range(3):
            await self.context.clock.sleep(1)
            await self.context.bus.publish(Counted(number=number))
            source.progress(number + 1, 3, "counting")


class Adder(Plugin):
    """Adds up what it hears, slowly."""

    name = "adder"
    requires = ("counter",)
    total = 0

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Listen."""
        context.bus.subscribe(Counted, self.add, delivery="lossless")

    async def add(self, event: Counted) -> None:
        """Take two minutes for it."""
        await asyncio.sleep(120)
        self.total += event.number

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Tell."""
        return Summary("Sum", (("Total", str(self.total)),))


async def test_a_run_ends_when_its_sources_have_finished_and_all_is_handled(
    host_factory: HostFactory,
) -> None:
    """The last event is handled before the host stops, however slow its handler is."""
    report = await host_factory(Counter, Adder).run()
    assert report.summaries == (Summary("Sum", (("Total", "3"),)),)
    assert report.exit_code == 0
    assert report.ledger.discrepancies == ()
    assert report.ledger.by_type["host.counted"] == 3


async def test_plugins_stop_in_the_reverse_order_of_starting(host_factory: HostFactory) -> None:
    """Whatever a plugin requires still works while it stops."""
    host = host_factory(Adder, Counter)
    await host.run()
    assert [event.plugin for event in host.recorded.of(PluginStopped)] == ["adder", "counter"]


async def test_a_source_tells_how_far_it_has_come(host_factory: HostFactory) -> None:
    """The progress bar and whoever else looks can see done, total and label."""
    host = host_factory(Counter)
    await host.run()
    [source] = host.sources
    assert (source.full_name, source.done, source.total) == ("counter.numbers", 3, 3)
    assert [event.name for event in host.recorded.of(SourceFinished)] == ["counter.numbers"]


class FailingSource(Counter):
    """A feed with one bad record."""

    name = "failing"

    async def count(self, source: Source) -> None:
        """Fail."""
        raise ValueError("row 17 is damaged")


async def test_a_failed_source_ends_a_simulation_with_exit_code_1(
    host_factory: HostFactory,
) -> None:
    """One bad record ends the run visibly; it does not live on as a zombie."""
    host = host_factory(FailingSource)
    report = await host.run()
    assert report.exit_code == 1
    assert report.failed_sources == ("failing.numbers",)
    [event] = host.recorded.of(SourceFinished)
    assert "row 17 is damaged" in str(event.error)


async def test_a_simulation_that_nothing_ends_is_refused(host_factory: HostFactory) -> None:
    """Without a source and an end, simulated time would run on for ever."""
    with pytest.raises(ConfigurationError, match=r"clock.mode.*\[clock\] end"):
        await host_factory(Quiet, config=SIMULATED).run()


class Quiet(Plugin):
    """Does nothing."""

    name = "quiet"


async def test_a_simulation_can_end_at_a_given_instant(host_factory: HostFactory) -> None:
    """`[clock] end` ends the run at that instant."""
    config = {"clock": {"mode": "simulated", "end": datetime(2024, 1, 2, tzinfo=UTC)}}
    host = host_factory(Quiet, config=config)
    report = await host.run()
    assert "2024-01-02" in report.reason
    assert host.clock.now() == datetime(2024, 1, 2, tzinfo=UTC)


async def test_a_host_stops_when_it_is_asked_to(host_factory: HostFactory) -> None:
    """The first reason counts, and is in the event that says goodbye."""
    host = host_factory(Counter)
    running = asyncio.create_task(host.run())
    await asyncio.sleep(1.5)
    host.request_stop("enough")
    host.request_stop("really")
    report = await running
    assert report.reason == "enough"
    assert [event.reason for event in host.recorded.of(HostStopping)] == ["enough"]
    assert report.ledger.by_type["host.counted"] == 1


class Scale(Protocol):
    """A contract between two plugins."""

    def weigh(self, number: int) -> int:
        """Weigh a number."""


class Provider(Plugin):
    """Provides a scale."""

    name = "provider"

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Provide."""
        context.provide(Scale, self)

    def weigh(self, number: int) -> int:
        """Weigh."""
        return number * 2


class Asker(Plugin):
    """Asks for a scale."""

    name = "asker"
    after = ("provider",)
    weight = 0

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Ask."""
        self.weight = context.service(Scale).weigh(21)


async def test_services_are_found_by_contract(host_factory: HostFactory) -> None:
    """One plugin provides, another asks, and neither imports the other."""
    async with host_factory(Asker, Provider) as host:
        assert host.records["asker"].instance.weight == 42  # type: ignore[union-attr]


async def test_a_missing_service_names_the_contract_and_fails_only_the_asker(
    host_factory: HostFactory,
) -> None:
    """The message says what is needed and what there is instead."""
    async with host_factory(Asker, Quiet) as host:
        assert host.records["asker"].state is PluginState.FAILED
        assert "Scale" in str(host.records["asker"].reason)
        assert host.records["quiet"].state is PluginState.STARTED


async def test_services_go_away_with_their_plugin(host_factory: HostFactory) -> None:
    """A stopped plugin provides nothing any more."""
    async with host_factory(Provider) as host:
        pass
    with pytest.raises(ServiceMissing):
        host.services.get(Scale, "test")


async def test_settled_waits_for_queues_and_jobs_too(host_factory: HostFactory) -> None:
    """What a handler put into a work queue is done when `settled` returns."""
    done: list[int] = []

    async def work(item: int) -> None:
        await asyncio.sleep(5)
        done.append(item)

    class Queueing(Plugin):
        """Puts what it hears into a queue."""

        name = "queueing"

        @hookimpl
        async def hookbus_start(self, context: PluginContext) -> None:
            self.queue = context.queue("work", int, work)
            context.bus.subscribe(Counted, self.enqueue)

        async def enqueue(self, event: Counted) -> None:
            await self.queue.put(event.number)

    async with host_factory(Queueing) as host:
        for number in range(3):
            await host.bus.publish(Counted(number=number))
        await host.settled()
        assert done == [0, 1, 2]


async def test_settled_inside_a_handler_is_refused(host_factory: HostFactory) -> None:
    """It would wait for itself for ever."""
    errors: list[Exception] = []

    class Waiter(Plugin):
        """Waits where it must not."""

        name = "waiter"

        @hookimpl
        async def hookbus_start(self, context: PluginContext) -> None:
            self.settled: Callable[[], Awaitable[None]] = context.bus.settled
            context.bus.subscribe(Counted, self.wait)

        async def wait(self, _: Counted) -> None:
            try:
                await self.settled()
            except UsageError as error:
                errors.append(error)

    async with host_factory(Waiter) as host:
        await host.bus.publish(Counted(number=1))
        await host.settled()
    assert len(errors) == 1


async def test_books_that_do_not_balance_are_a_critical_event_and_exit_code_1(
    host_factory: HostFactory,
) -> None:
    """A delivery that is counted twice, here by the test itself, does not go unnoticed."""
    host = await host_factory(Adder, Counter).start()
    host.balanced = False
    host.event_bus.subscriptions[0].delivered += 1
    report = await host.stop()
    assert report.exit_code == 1
    assert "NOT accounted for" in report.ledger.line()
    [event] = host.recorded.of(LedgerDiscrepancy)
    assert "does not balance" in event.detail


SCRIPT = """
import sys
from pathlib import Path
from hookbus.settings.config import make_config
from hookbus.host import Host
from hookbus.logs import make_logger
from hookbus.loop import run
from tests.host.test_host import Adder, Counter
from tests.host.test_isolation import Dependent, Mortal

config = make_config({"clock": {"mode": "simulated"}})
host = Host(config, plugins=[Adder, Counter, Mortal, Dependent], group=None,
            record_to=Path(sys.argv[1]), log=make_logger("error"))
run(host.run(), host.clock)
"""


def test_the_same_run_writes_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    """A simulation is deterministic to the byte, failures included."""
    digests = set()
    for seed in ("0", "1", "4711"):
        path = tmp_path / f"{seed}.jsonl"
        env: dict[str, Any] = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=True, env=env)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
        assert len(path.read_text().splitlines()) > 10
    assert len(digests) == 1
