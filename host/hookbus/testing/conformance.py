"""The conformance suite: what every plugin owes to its host and its neighbours."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from hookbus.containment.limits import GRACE
from hookbus.events import Event
from hookbus.hookspecs import hookimpl
from hookbus.operational import HandlerFailed, OperationalEvent
from hookbus.plugins.plugin import Plugin, PluginState
from hookbus.testing.hosts import HostFactory, RecordingHost

IMPORT_SECONDS = 3.0
"""How long the import of a plugin's module may take, in a fresh process on a busy machine."""


class FailsToStart(Plugin):
    """A neighbour that cannot be started."""

    name = "fails-to-start"

    @hookimpl
    async def hookbus_start(self) -> None:
        """Fail."""
        raise RuntimeError("this neighbour always fails")


class FailsOnEvents(Plugin):
    """A neighbour whose handler fails on every event."""

    name = "fails-on-events"

    @hookimpl
    async def hookbus_start(self, context: Any) -> None:
        """Subscribe to everything."""
        context.bus.subscribe("*", self.fail)

    async def fail(self, _: Event) -> None:
        """Fail."""
        raise RuntimeError("this handler always fails")


class PluginConformance:
    """Subclass it in a test module, name the plugin, and pytest runs the suite on it.

        class TestConformance(PluginConformance):
            plugin = RiskPlugin
            settings = {"maximum_position": 2.0}
            companions = (TradingPlugin,)
            events = (Bar(...), Fill(...))

    `settings` are the plugin's own; `companions` the classes of the plugins that it requires, with
    their settings in `companion_settings`; `events` a few of the events that it subscribes to.
    """

    plugin: ClassVar[type[Plugin]]
    settings: ClassVar[Mapping[str, Any]] = {}
    companions: ClassVar[Sequence[type[Plugin]]] = ()
    companion_settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    events: ClassVar[Sequence[Event]] = ()

    def make_host(
        self, host_factory: HostFactory, *others: type[Plugin], enabled: bool = True
    ) -> RecordingHost:
        """A host of the plugin, its companions and `others`."""
        settings = dict(self.companion_settings)
        settings[self.plugin.name] = {**self.settings, "enabled": enabled}
        return host_factory(self.plugin, *self.companions, *others, settings=settings)

    def test_import_is_cheap_and_does_nothing_else(self) -> None:
        """Importing the plugin's module takes no time, starts no thread and touches no file."""
        probe = Path(__file__).with_name("_import_probe.py")
        done = subprocess.run(
            [sys.executable, str(probe), self.plugin.__module__],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["deeds"] == [], f"importing {self.plugin.__module__} had effects outside"
        assert report["threads"] == 0, f"importing {self.plugin.__module__} started threads"
        assert report["seconds"] < IMPORT_SECONDS, f"the import took {report['seconds']:.1f} s"

    def test_settings_schema_builds_and_describes_every_field(self) -> None:
        """The configuration reference can be made, and the settings of this test are valid."""
        model = self.plugin.Settings
        schema = model.model_json_schema()
        undescribed = [name for name, field in model.model_fields.items() if not field.description]
        assert schema["type"] == "object"
        assert undescribed == [], f"give these settings a description: {undescribed}"
        assert model.model_validate(dict(self.settings)) is not None

    async def test_starts_and_describes_itself(self, host_factory: HostFactory) -> None:
        """The plugin starts, has a docstring, and its hooks fit those of the host."""
        async with self.make_host(host_factory) as host:
            self.assert_started(host)
            assert host.records[self.plugin.name].description, "give the class a docstring"

    async def test_set_up_and_tear_down_leave_nothing(self, host_factory: HostFactory) -> None:
        """After stopping there is no task, thread or file handle more than before."""
        await self.run_once(host_factory)
        tasks, threads, files = asyncio.all_tasks(), _threads(), _open_files()
        await self.run_once(host_factory)
        assert asyncio.all_tasks() - tasks == set(), "tasks were left running"
        left = {one for one in _threads() - threads if _runs_on(one)}
        assert left == set(), "threads were left running"
        assert _open_files() - files == set(), "files were left open"

    async def test_survives_failing_neighbours(self, host_factory: HostFactory) -> None:
        """Neighbours that cannot start, or fail on every event, do not touch it."""
        async with self.make_host(host_factory, FailsToStart, FailsOnEvents) as host:
            await self.publish(host, self.events)
            assert host.records["fails-to-start"].state is PluginState.FAILED
            self.assert_started(host)
            self.assert_no_failures(host)

    async def test_can_be_disabled_and_enabled_twice(self, host_factory: HostFactory) -> None:
        """Disabled it is not even built; enabled again it starts as before."""
        for _ in range(2):
            async with self.make_host(host_factory, enabled=False) as host:
                assert host.records[self.plugin.name].state is PluginState.DISABLED
                assert host.records[self.plugin.name].instance is None
            async with self.make_host(host_factory) as host:
                self.assert_started(host)

    async def test_duplicates_and_gaps_in_events_do_not_break_it(
        self, host_factory: HostFactory
    ) -> None:
        """Events that come twice, not at all or in the wrong order fail no handler."""
        async with self.make_host(host_factory) as host:
            self.assert_events_given(host)
            twice = [event for event in self.events for _ in range(2)]
            await self.publish(host, [*twice, *self.events[::2], *reversed(self.events)])
            self.assert_started(host)
            self.assert_no_failures(host)

    # Steps of the tests above

    async def run_once(self, host_factory: HostFactory) -> None:
        """Start a host, publish the events, and stop it."""
        async with self.make_host(host_factory) as host:
            self.assert_started(host)
            await self.publish(host, self.events)

    async def publish(self, host: RecordingHost, events: Sequence[Event]) -> None:
        """Publish events in the host's name and wait until they are handled."""
        for event in events:
            await host.bus.publish(event)
        await asyncio.wait_for(host.event_bus.settled(), timeout=60)
        host.assert_balanced()

    def assert_started(self, host: RecordingHost) -> None:
        """The plugin and its companions are up."""
        for name in (self.plugin.name, *(one.name for one in self.companions)):
            record = host.records[name]
            assert record.state is PluginState.STARTED, f"{name}: {record.phase}: {record.reason}"

    def assert_no_failures(self, host: RecordingHost) -> None:
        """No handler of the plugin has failed."""
        failures = host.recorded.of(HandlerFailed)
        own = [failure for failure in failures if failure.plugin == self.plugin.name]
        assert own == []

    def assert_events_given(self, host: RecordingHost) -> None:
        """There is an event for each subscription to something that other plugins publish."""
        classes = {type(event) for event in self.events}
        for subscription in host.event_bus.subscriptions:
            wanted = subscription.channel.filter
            if subscription.plugin == self.plugin.name and not _only_operational(wanted.classes):
                assert any(wanted.matches(cls) for cls in classes), (
                    f"{subscription.name} subscribes to {wanted}: name such events in `events`"
                )


def _only_operational(classes: Sequence[type[Event]]) -> bool:
    return bool(classes) and all(issubclass(cls, OperationalEvent) for cls in classes)


def _runs_on(thread: threading.Thread) -> bool:
    """Whether a thread does not end within the grace that it may need for its last steps."""
    thread.join(GRACE)
    return thread.is_alive()


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def _open_files() -> set[tuple[int, str]]:
    """The open file descriptors and what they point to, where the system tells."""
    folder = Path("/proc/self/fd")
    if not folder.exists():
        return set()
    numbers = [int(entry.name) for entry in folder.iterdir()]
    return {found for number in numbers if (found := _target(folder, number)) is not None}


def _target(folder: Path, number: int) -> tuple[int, str] | None:
    try:
        return number, os.readlink(folder / str(number))
    except OSError:
        return None
