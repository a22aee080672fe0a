"""The hooks of hookbus. This file is the manual: a plugin author reads it first.

A plugin is a subclass of `hookbus.Plugin`. It takes part in the life of the host by implementing
hooks: methods with the names below, each marked with `@hookimpl`. All hooks are optional.

    from hookbus import Plugin, PluginContext, hookimpl

    class Greeter(Plugin):
        name = "greeter"

        @hookimpl
        async def hookbus_start(self, context: PluginContext) -> None:
            context.log.info("hello")

Rules that hold for every hook:

- The host calls one plugin after the other, in dependency order (`hookbus_stop` and
  `hookbus_summary` excepted, see there). An error or a hang in one plugin fails that plugin and the
  plugins that require it; the others go on.
- A method may leave out arguments that it does not need, but may not invent any.
- Only the hooks in `ASYNC_HOOKS` may be `async def`; they may also be plain functions. The others
  must be plain functions that return quickly: the host asks them in another thread, within a limit.
- Hooks are for wiring. What happens during the run travels over the bus, never through a hook.
- Pluggy's `wrapper`, `tryfirst` and `trylast` mean nothing here, and wrappers are refused:
  no plugin stands between the host and another plugin.

Each hook is called in this order:

    hookbus_events -> hookbus_jobs -> hookbus_health -> hookbus_simulation_start
        -> hookbus_start -> hookbus_ready -> (the run) -> hookbus_stop -> hookbus_summary
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from hookbus.events import Event
    from hookbus.health import HealthCheck
    from hookbus.plugins.context import PluginContext
    from hookbus.plugins.plugin import Summary
    from hookbus.scheduler.jobs import Job

HOOK_API_VERSION: Final = 1
"""The version of the hooks in this file; `hook_api` of a plugin says which it was made for."""

PROJECT_NAME: Final = "hookbus"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
"""Marks the specifications in this file; plugins do not need it."""

hookimpl = pluggy.HookimplMarker(PROJECT_NAME)
"""Marks a method of a plugin as the implementation of the hook of the same name."""

ASYNC_HOOKS: Final = frozenset({"hookbus_start", "hookbus_ready", "hookbus_stop"})
"""The hooks that may be `async def`."""


@hookspec
def hookbus_events() -> Iterable[type[Event]] | None:
    """Name the event types that the plugin declares.

    Called by the host once, after all plugins have been built and before any is started; also by
    commands that list events without running anything.

    Only declared types can be decoded from outside (`hookbus events emit`, a journal) and appear in
    `hookbus events list`. Declare the types that the plugin owns, not those that it merely uses:
    the types of `hookbus-trading` are declared by the plugin `trading`, so require that one.

    Return an iterable of `Event` classes that have a wire name, or None. A wire name that
    another plugin has declared for a different class fails the plugin that comes second.

    Example:
        @hookimpl
        def hookbus_events(self):
            return (ThresholdCrossed,)
    """


@hookspec
def hookbus_jobs() -> Iterable[Job] | None:
    """Name the jobs that the plugin wants to have run.

    Called by the host once, right after the plugin's `hookbus_events` and before any plugin is
    started; also by `hookbus jobs list` and `hookbus jobs preview`, which never start a plugin. The
    first run of a job is due only after `hookbus_ready` of all plugins.

    The full name of a job is `plugin.name`; settings in `[jobs."plugin.name"]` override what the
    plugin asks for. A job whose times depend on what the plugin learns at start is added there,
    with `context.scheduler.add(Job(...))`.

    Return an iterable of `Job`, or None. Building the jobs must not need a network, a file or
    anything that `hookbus_start` creates, but a job may run a method that does.

    Example:
        @hookimpl
        def hookbus_jobs(self):
            return (Job("rebalance", self.rebalance, cron="0 9 * * 1-5", timezone="Europe/Berlin"),)
    """


@hookspec
def hookbus_health() -> Iterable[HealthCheck] | None:
    """Name the checks by which the plugin says how well it works.

    Called by the host once, right after the plugin's `hookbus_jobs` and before any plugin is
    started. The checks themselves are called during the run, by whoever wants to know: a plugin
    finds those of all started plugins with `context.health_checks()`. Without one that asks, none
    is ever called.

    A check that raises, or takes longer than its time-out, counts as critical, and the report names
    this plugin. A plain function is called in a thread, under the simulated clock on the loop. Make
    checks cheap: they may be called every few seconds.

    Return an iterable of `HealthCheck`, each with a name of its own, or None. Building them must
    not need anything that `hookbus_start` creates, but what they call may.

    Example:
        @hookimpl
        def hookbus_health(self):
            return (HealthCheck("connection", self.check_connection),)
    """


@hookspec
def hookbus_simulation_start(base: Path) -> datetime | None:
    """Say from which instant on the plugin has data to replay.

    Called by the host once, before any plugin is started, and only under the simulated clock when
    `[clock] start` is not set. The simulation begins at the earliest answer of all plugins.

    `base` is the folder that relative paths in the settings start from, as in `context.path`.

    Return an aware `datetime`, or None where the plugin does not care. The first record of a file
    may be read to find it out; do not read the whole file. An error fails the plugin.

    Example:
        @hookimpl
        def hookbus_simulation_start(self, base):
            return first_time_in(base / self.settings.path)
    """


@hookspec
def hookbus_start(context: PluginContext) -> None:
    """Set the plugin up: subscribe, provide services, start tasks and sources.

    Called by the host once for each plugin, after all that it `requires` and comes `after` have
    been started. May be `async def`. Must return within `[host] start_timeout` seconds.

    `context` is the plugin's own: what is subscribed, scheduled, provided, started or pushed on
    `context.exit_stack` through it is undone when the plugin stops or fails, so most plugins
    need no `hookbus_stop`.

    Do not publish here, since plugins that start later would miss it: publish from
    `hookbus_ready` on. Do not run for ever either: work that goes on belongs into
    `context.start_task` or, when it feeds events into the bus, `context.start_source`.
    A task started in another way and still running when this returns is an error.

    An error fails the plugin; what it had registered until then is undone.

    Example:
        @hookimpl
        async def hookbus_start(self, context):
            context.bus.subscribe(Bar, self.on_bar, delivery="lossless")
            context.provide(PriceSource, self)
    """


@hookspec
def hookbus_ready(context: PluginContext) -> None:
    """Begin to work: every plugin has been started, and whoever listens is listening.

    Called by the host once for each started plugin, in the order of starting, before sources and
    jobs begin. May be `async def`. Must return within `[host] start_timeout` seconds.

    `context` is the same as in `hookbus_start`. From here on the plugin may publish. A service that
    another plugin provides, but that this plugin does not require, can be asked for here.

    An error fails the plugin as one in `hookbus_start` does.

    Example:
        @hookimpl
        async def hookbus_ready(self, context):
            await context.bus.publish(PortfolioOpened(cash=self.settings.cash))
    """


@hookspec
def hookbus_stop(context: PluginContext) -> None:
    """Finish what must be finished by hand: flush a file, cancel orders, say goodbye.

    Called by the host once for each plugin that was being started, even if that failed half-way, in
    the reverse order of starting: whatever the plugin requires still works. Its own subscriptions,
    tasks and services are still there and are undone right after; its sources have ended. May be
    `async def`. Is cancelled after `[host] stop_timeout` seconds, and the plugin then counts as
    failed, but the host goes on stopping the others.

    `context` is the same as in `hookbus_start`. Publishing still works. Take nothing for granted
    that `hookbus_start` creates, as it may not have got that far.

    Example:
        @hookimpl
        async def hookbus_stop(self, context):
            await self.broker.cancel_open_orders()
    """


@hookspec
def hookbus_summary() -> Summary | None:
    """Say in a few lines what came out of the run.

    Called by the host once for each plugin that was started, after all plugins have been stopped,
    in alphabetical order. `hookbus run` prints the answers as tables, or as JSON.

    Return a `Summary`, or None when there is nothing to say. Cells are text: format numbers,
    with their units, as a reader wants to see them.

    Example:
        @hookimpl
        def hookbus_summary(self):
            return Summary(title="Portfolio", rows=(("Final equity", f"{self.equity:,.2f} USD"),))
    """
