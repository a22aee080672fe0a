"""Every way in which a plugin can be broken, beside three healthy plugins that go on unharmed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hookbus import ConfigurationError, Event, Plugin, PluginContext, PluginError, hookimpl
from hookbus.operational import PluginFailed
from hookbus.plugins.plugin import PluginState
from hookbus.testing import HostFactory, RecordingHost

from tests.host.plugin_factory import HANG, Site, release


class Ticked(Event, type="neighbour.ticked"):
    """What the neighbours listen to."""

    number: int


class Neighbour(Plugin):
    """Counts what it hears."""

    heard = 0

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Listen."""
        context.bus.subscribe(Ticked, self.hear)

    async def hear(self, _: Ticked) -> None:
        """Count."""
        self.heard += 1


class Anchor(Neighbour):
    """Sorts before the broken one."""

    name = "anchor"


class Middle(Neighbour):
    """Has something to do with it only by chance."""

    name = "middle"


class Zenith(Neighbour):
    """Sorts behind it."""

    name = "zenith"


NEIGHBOURS = (Anchor, Middle, Zenith)

LIMITS = {"import_timeout": 0.5, "start_timeout": 2.0, "stop_timeout": 2.0}


@dataclass(frozen=True)
class Case:
    """A broken plugin: its source, the phase that fails, and what the message must say."""

    source: str
    phase: str
    says: tuple[str, ...]
    requires: tuple[str, ...] = ("hookbus",)
    settings: dict[str, object] | None = None


PLUGIN = """
class ThePlugin(Plugin):
    "Broken."
    name = "broken"
"""

CASES = {
    "import error": Case(
        "import no_such_module_anywhere", "import", ("no_such_module_anywhere", "Install")
    ),
    "syntax error": Case("def broken(:", "import", ("SyntaxError",)),
    "exit at import": Case("import sys\nsys.exit(3)", "import", ("SystemExit", "exits")),
    "import that hangs": Case(HANG, "import", ("more than 0.5 s",)),
    "no such hook": Case(
        f"{PLUGIN}\n    @hookimpl\n    def hookbus_strat(self, context): ...",
        "hooks",
        ("hookbus_strat", "hookbus_start"),
    ),
    "wrong hook arguments": Case(
        f"{PLUGIN}\n    @hookimpl\n    def hookbus_start(self, contxt): ...",
        "hooks",
        ("contxt", "def hookbus_start(self, context)"),
    ),
    "async where it must be plain": Case(
        f"{PLUGIN}\n    @hookimpl\n    async def hookbus_events(self): ...",
        "hooks",
        ("async", "hookbus_events"),
    ),
    "class that cannot be built": Case(
        f"{PLUGIN}\n    def __init__(self): ...", "build", ("TypeError", "__init__(self, settings)")
    ),
    "invalid settings": Case(
        f"{PLUGIN}\n    class Settings(Settings):\n        size: float = Field(1.0, gt=0)",
        "settings",
        ("plugins.broken.size", "-3", "greater than 0"),
        settings={"size": -3},
    ),
    "unknown settings key": Case(
        f"{PLUGIN}\n    class Settings(Settings):\n        colour: str = 'red'",
        "settings",
        ("plugins.broken.color", "colour"),
        settings={"color": "blue"},
    ),
    "host version out of range": Case(
        PLUGIN, "version", ("hookbus", ">=99", "0.1"), requires=("hookbus>=99",)
    ),
    "missing dependency": Case(
        f"{PLUGIN}    requires = ('not-there',)\n", "order", ("not-there", "Install")
    ),
    "requires itself in a circle": Case(
        f"{PLUGIN}    requires = ('broken',)\n", "order", ("broken -> broken",)
    ),
    "duplicate event type": Case(
        "from hookbus.events import Event\n"
        "class Mine(Event, type='hookbus.host.started'):\n    x: int\n"
        f"{PLUGIN}\n    @hookimpl\n    def hookbus_events(self): return (Mine,)",
        "events",
        ("hookbus.host.started", "Mine", "HostStarted"),
    ),
    "start that raises": Case(
        f"{PLUGIN}\n    @hookimpl\n    async def hookbus_start(self): raise OSError('no disk')",
        "start",
        ("OSError", "no disk"),
    ),
    "start that exits": Case(
        f"{PLUGIN}\n    @hookimpl\n    async def hookbus_start(self): raise SystemExit(9)",
        "start",
        ("SystemExit",),
    ),
    "start that hangs": Case(
        "import asyncio\n"
        f"{PLUGIN}\n    @hookimpl\n    async def hookbus_start(self): await asyncio.Event().wait()",
        "start",
        ("longer than 2 s",),
    ),
    "start that swallows its cancellation": Case(
        "import asyncio\n"
        f"{PLUGIN}\n    @hookimpl\n    async def hookbus_start(self):\n"
        "        while True:\n"
        "            try: await asyncio.sleep(1000)\n"
        "            except asyncio.CancelledError: pass\n",
        "start",
        ("swallowed its cancellation",),
    ),
    "start that leaves a task behind": Case(
        "import asyncio\n"
        f"{PLUGIN}\n    @hookimpl\n    async def hookbus_start(self):\n"
        "        self.task = asyncio.create_task(asyncio.sleep(1e6))",
        "start",
        ("left tasks running", "context.start_task"),
    ),
    "ready that raises": Case(
        f"{PLUGIN}\n    @hookimpl\n    def hookbus_ready(self): raise ValueError('not ready')",
        "ready",
        ("not ready",),
    ),
    "task that dies": Case(
        f"{PLUGIN}\n    @hookimpl\n    async def hookbus_start(self, context):\n"
        "        context.start_task(self.die(), 'dying')\n"
        "    async def die(self): raise KeyError('gone')",
        "task",
        ("broken.dying", "gone"),
    ),
}


def make_host(site: Site, host_factory: HostFactory, **broken: object) -> RecordingHost:
    """A host of three healthy plugins and whatever is installed in `site`."""
    settings = {"broken": broken} if broken else {}
    return host_factory(*NEIGHBOURS, settings=settings, config={"host": LIMITS}, group=site.group)


async def check_neighbours(host: RecordingHost) -> None:
    """The three are started and hear everything."""
    for number in range(20):
        await host.bus.publish(Ticked(number=number))
    await host.settled()
    for neighbour in NEIGHBOURS:
        record = host.records[neighbour.name]
        assert record.state is PluginState.STARTED, f"{record.name}: {record.reason}"
        assert isinstance(record.instance, Neighbour)
        assert record.instance.heard == 20
    assert host.event_bus.ledger.report().discrepancies == ()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_broken_plugin_fails_alone(
    case: Case, site: Site, host_factory: HostFactory
) -> None:
    """It is failed, with the phase, the reason and the mend, as an event too; three go on."""
    site.install("broken", case.source, requires=case.requires)
    async with make_host(site, host_factory, **(case.settings or {})) as host:
        await check_neighbours(host)
        record = host.records["broken"]
        assert record.state is PluginState.FAILED
        assert record.phase == case.phase
        told = f"{record.reason} {record.mend}"
        for text in case.says:
            assert text in told
        events = [one for one in host.recorded.of(PluginFailed) if one.plugin == "broken"]
        assert [one.phase for one in events] == [case.phase]
    release()


AT_START = {name: case for name, case in CASES.items() if case.phase != "task"}


@pytest.mark.parametrize("case", AT_START.values(), ids=AT_START.keys())
async def test_a_broken_plugin_ends_a_strict_host(
    case: Case, site: Site, host_factory: HostFactory
) -> None:
    """With --strict the same failure is an error with exit code 3, or 4 for its settings."""
    site.install("broken", case.source, requires=case.requires)
    host = make_host(site, host_factory, **(case.settings or {}))
    host.strict = True
    with pytest.raises((PluginError, ConfigurationError)) as caught:
        await host.start()
    assert caught.value.exit_code == (4 if case.phase == "settings" else 3)
    release()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_disabled_broken_plugin_is_not_even_imported(
    case: Case, site: Site, host_factory: HostFactory
) -> None:
    """`enabled = false` and safe mode help against every kind of broken plugin."""
    site.install("broken", f"import hookbus.no_such_thing_was_imported\n{case.source}")
    async with make_host(site, host_factory, enabled=False) as host:
        await check_neighbours(host)
        assert host.records["broken"].state is PluginState.DISABLED


async def test_a_shutdown_that_hangs_is_cut_off(site: Site, host_factory: HostFactory) -> None:
    """The hanging plugin is failed after its limit, and the others are stopped in order."""
    source = (
        "import asyncio\n"
        f"{PLUGIN}\n    @hookimpl\n    async def hookbus_stop(self): await asyncio.Event().wait()"
    )
    site.install("broken", source)
    host = make_host(site, host_factory)
    async with host:
        await check_neighbours(host)
    assert host.records["broken"].phase == "stop"
    assert [host.records[one.name].state for one in NEIGHBOURS] == [PluginState.STOPPED] * 3


async def test_two_plugins_of_one_name_are_both_named(
    site: Site, host_factory: HostFactory
) -> None:
    """Neither is chosen silently; the message names both distributions and the way to choose."""
    for distribution in ("hookbus-broken", "other-broken"):
        site.install("broken", PLUGIN, distribution=distribution)
    async with make_host(site, host_factory) as host:
        await check_neighbours(host)
        told = f"{host.records['broken'].reason} {host.records['broken'].mend}"
        assert "hookbus-broken" in told
        assert "other-broken" in told
        assert "distribution =" in told


async def test_a_circle_of_three_names_all_of_them(site: Site, host_factory: HostFactory) -> None:
    """Every member of a circular dependency fails, and the circle is printed."""
    for name, needs in (("one", "two"), ("two", "three"), ("three", "one")):
        site.install_healthy(name, requires=(needs,))
    async with make_host(site, host_factory) as host:
        await check_neighbours(host)
        assert {host.records[name].state for name in ("one", "two", "three")} == {
            PluginState.FAILED
        }
        assert "one -> two -> three -> one" in str(host.records["one"].reason)


async def test_dependents_fail_with_the_cause(site: Site, host_factory: HostFactory) -> None:
    """A plugin that requires a failed one fails too, and says whose fault it is."""
    site.install("broken", "import no_such_module_anywhere")
    site.install_healthy("dependent", requires=("broken",))
    async with make_host(site, host_factory) as host:
        await check_neighbours(host)
        assert "no_such_module_anywhere" in str(host.records["dependent"].reason)
