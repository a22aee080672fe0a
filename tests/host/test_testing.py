"""The fixtures and the conformance suite that plugin authors use."""

import asyncio
from datetime import UTC, datetime

import pytest
from hookbus import Event, Plugin, PluginContext, hookimpl
from hookbus.plugins.plugin import PluginState
from hookbus.testing import HostFactory, PluginConformance, RecordingBus, RecordingHost


class Ticked(Event, type="testing.ticked"):
    """An event of these tests."""

    number: int


class Doubler(Plugin):
    """Publishes every number that it hears once more, doubled."""

    name = "doubler"

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Listen to odd numbers."""
        self.bus = context.bus
        context.bus.subscribe(Ticked, self.on_tick, where="number % 2 == 1")

    async def on_tick(self, event: Ticked) -> None:
        """Answer."""
        await self.bus.publish(Ticked(number=event.number * 2))


class TestDoublerConforms(PluginConformance):
    """A well-behaved plugin passes the suite."""

    plugin = Doubler
    events = (Ticked(number=1), Ticked(number=2))


async def test_a_host_of_the_factory_records_what_its_plugins_publish(
    host_factory: HostFactory,
) -> None:
    """Authors can look at every event of a run, in order, from the start of the plugins on."""
    async with host_factory(Doubler) as host:
        await host.bus.publish(Ticked(number=3))
        await host.settled()
        assert [event.number for event in host.recorded.of(Ticked)] == [3, 6]
        assert host.recorded.types[0] == "hookbus.plugin.started"


async def test_an_hour_of_simulated_time_passes_at_once(
    host_factory: HostFactory,
) -> None:
    """Tests wait for as long as they like without taking time."""
    async with host_factory(Doubler) as host:
        await asyncio.sleep(3600)
        assert host.clock.now() == datetime(2024, 1, 1, 1, tzinfo=UTC)


async def test_a_host_left_running_is_stopped(host_factory: HostFactory) -> None:
    """A test that forgets to stop its host, or fails in the middle, leaves no task behind."""
    host = await host_factory(Doubler).start()
    assert host.records["doubler"].state is PluginState.STARTED


async def lose_an_event(host: RecordingHost) -> None:
    """What a bug in the bus would do: one of three events is never handed to its handler."""
    (subscription,) = host.event_bus.subscriptions
    for number in (1, 3, 5):
        await host.bus.publish(Ticked(number=number))
    await host.event_bus.settled()
    subscription.delivered -= 1


async def test_a_lost_event_fails_the_test_when_the_host_has_settled(
    host_factory: HostFactory,
) -> None:
    """The books are looked at whenever everything should have been handled."""
    async with host_factory(Doubler) as host:
        await lose_an_event(host)
        with pytest.raises(AssertionError, match=r"'Doubler\.on_tick' of 'doubler' does not"):
            await host.settled()
        host.balanced = False
        await host.settled()


async def test_a_lost_event_fails_the_test_at_the_end(host_factory: HostFactory) -> None:
    """Also one that never settled its host."""
    host = await host_factory(Doubler).start()
    await lose_an_event(host)
    with pytest.raises(AssertionError, match="does not balance"):
        await host.stop()
    host.balanced = False
    assert (await host.stop()).exit_code == 1


async def test_a_due_run_that_gets_lost_fails_the_test(host_factory: HostFactory) -> None:
    """The books of the scheduler count as well."""
    async with host_factory(Doubler) as host:
        host.scheduler.ledger.open("doubler.lost")
        host.scheduler.ledger.pending -= 1
        with pytest.raises(AssertionError, match=r"job 'doubler\.lost': 1 due, but 0 ended"):
            await host.settled()
        host.balanced = False


async def test_the_recording_bus_needs_no_host(recording_bus: RecordingBus) -> None:
    """A plugin's logic can be tested against a real bus without a host around it."""
    await recording_bus.publish(Ticked(number=1))
    assert recording_bus.recorded.events == [Ticked(number=1)]
