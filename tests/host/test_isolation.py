"""What one plugin does at run time stays its own: tasks that die, are forgotten, or exit."""

from __future__ import annotations

import asyncio
import sys
from typing import ClassVar

from hookbus import Event, Plugin, PluginContext, hookimpl
from hookbus.operational import PluginFailed
from hookbus.plugins.plugin import PluginState
from hookbus.testing import HostFactory


class Quiet(Plugin):
    """Does nothing."""

    name = "quiet"


class Dependent(Plugin):
    """Requires a plugin that dies later on."""

    name = "dependent"
    requires = ("mortal",)


class Mortal(Plugin):
    """A plugin whose task dies after a minute."""

    name = "mortal"
    closed: ClassVar[list[str]] = []

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Start the task, and something to undo."""
        context.start_task(self.die(), "life")
        context.exit_stack.callback(self.closed.append, "closed")
        context.bus.subscribe("*", self.hear)

    async def die(self) -> None:
        """Die."""
        await asyncio.sleep(60)
        raise RuntimeError("old age")

    async def hear(self, event: Event) -> None:
        """Listen."""


async def test_a_plugin_whose_task_dies_is_undone_with_its_dependents(
    host_factory: HostFactory,
) -> None:
    """Half a plugin is worse than none: its subscriptions, tasks and exit stack go too."""
    Mortal.closed.clear()
    async with host_factory(Mortal, Dependent, Quiet) as host:
        await asyncio.sleep(120)
        failed = [event.plugin for event in host.recorded.of(PluginFailed)]
        assert failed == ["mortal", "dependent"]
        assert Mortal.closed == ["closed"]
        assert [one.plugin for one in host.event_bus.subscriptions] == []
        assert host.records["quiet"].state is PluginState.STARTED


class Sloppy(Plugin):
    """Starts a bare task once the host runs, and forgets it."""

    name = "sloppy"
    task: asyncio.Task[None] | None = None

    @hookimpl
    async def hookbus_ready(self) -> None:
        """Start it."""
        self.task = asyncio.create_task(asyncio.sleep(1e9))


async def test_no_task_outlives_its_plugin(host_factory: HostFactory) -> None:
    """Tasks that a plugin started by hand are cancelled when it stops."""
    async with host_factory(Sloppy) as host:
        task = host.records["sloppy"].instance.task  # type: ignore[union-attr]
        assert not task.done()
    assert task.cancelled()


class Exiting(Plugin):
    """Calls sys.exit in a task of its own."""

    name = "exiting"

    @hookimpl
    async def hookbus_ready(self) -> None:
        """Exit from a bare task, whose result nobody awaits."""
        self.task = asyncio.create_task(self.leave())

    async def leave(self) -> None:
        """Exit."""
        sys.exit(7)


async def test_sys_exit_in_a_task_of_a_plugin_does_not_end_the_host(
    host_factory: HostFactory,
) -> None:
    """asyncio would let it through to whoever runs the loop."""
    async with host_factory(Exiting, Quiet) as host:
        await asyncio.sleep(1)
        task = host.records["exiting"].instance.task  # type: ignore[union-attr]
        assert "must not end the host" in str(task.exception())
        assert host.records["quiet"].state is PluginState.STARTED


class Obliging(Plugin):
    """Starts a task of its own for whoever calls."""

    name = "obliging"

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Keep the context."""
        self.context = context

    def oblige(self) -> asyncio.Task[None]:
        """Start it."""
        return self.context.start_task(asyncio.sleep(1e9), "favour")


async def test_a_task_started_for_a_caller_is_the_plugins_own(host_factory: HostFactory) -> None:
    """Whoever calls: it ends with the plugin whose context has started it, and not before."""
    async with host_factory(Obliging) as host:
        record = host.records["obliging"]
        task = record.instance.oblige()  # type: ignore[union-attr]
        assert host.ownership.owner(task) == "obliging"
    assert task.cancelled()
