"""The watchdog: code that blocks the event loop is noticed and blamed on its plugin."""

from __future__ import annotations

import asyncio
import time

import pytest
from hookbus import Event, Plugin, PluginContext, hookimpl
from hookbus.operational import LoopBlocked
from hookbus.testing import HostFactory
from hookbus.watchdog import Watchdog, blame


class Poked(Event, type="watchdog.poked"):
    """Makes the blocker block."""


class Blocker(Plugin):
    """Computes for a while without giving way."""

    name = "blocker"

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Listen."""
        context.bus.subscribe(Poked, self.block_the_loop)

    async def block_the_loop(self, _: Poked) -> None:
        """Keep the loop busy for more than the limit."""
        until = time.monotonic() + 0.8
        while time.monotonic() < until:
            pass


class Innocent(Plugin):
    """Listens to the same event and does nothing wrong."""

    name = "innocent"
    heard = 0

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Listen."""
        context.bus.subscribe(Poked, self.hear)

    async def hear(self, _: Poked) -> None:
        """Count."""
        self.heard += 1


@pytest.mark.real_time
async def test_a_handler_that_blocks_the_loop_is_named_with_its_stack(
    host_factory: HostFactory,
) -> None:
    """The event says who, for how long and where; the neighbour gets its event all the same."""
    async with host_factory(Blocker, Innocent, config={"host": {"block_warning": 0.2}}) as host:
        async with host.bus.stream(LoopBlocked) as stream:
            await host.bus.publish(Poked())
            event = await asyncio.wait_for(anext(stream), timeout=20)
        assert event.plugin == "blocker"
        assert event.seconds > 0.2
        assert "block_the_loop" in event.stack
        assert host.records["innocent"].instance.heard == 1  # type: ignore[union-attr]


@pytest.mark.real_time
async def test_a_loop_that_waits_is_not_blamed(host_factory: HostFactory) -> None:
    """Waiting is not blocking."""
    async with host_factory(Innocent, config={"host": {"block_warning": 0.5}}) as host:
        await asyncio.wait([asyncio.create_task(asyncio.sleep(1.2))])
        assert host.recorded.of(LoopBlocked) == []


def test_the_innermost_frame_of_a_plugin_is_blamed() -> None:
    """A plugin called by another is the one that blocks; the owner of the task decides ties."""
    homes = {"paper": "paper", "risk": "paper.risk", "feed": "feed", "more": "feed"}
    assert blame(["json.decoder", "paper.risk.desk", "feed.plugin"], homes, "feed") == "risk"
    assert blame(["paper.book", "feed"], homes, None) == "paper"
    assert blame(["feed.more"], homes, "more") == "more"
    assert blame(["asyncio.events", "papers"], homes, None) is None
    assert blame(["asyncio.events"], homes, "risk") == "risk"


def test_stopping_does_not_wait_for_an_answer_that_only_it_holds_up() -> None:
    """The loop cannot answer the thread while it waits for the thread to end."""
    complaints: list[object] = []

    async def main() -> float:
        watchdog = Watchdog(
            asyncio.get_running_loop(),
            4.0,
            lambda modules, task: "host",
            complaints.append,
            complaints.append,
        )
        before = watchdog._answered
        watchdog.start()
        while watchdog._answered is before:
            pass
        began = time.monotonic()
        watchdog.stop()
        assert not watchdog._thread.is_alive()
        return time.monotonic() - began

    assert asyncio.run(main()) < 2.0
    assert complaints == []
