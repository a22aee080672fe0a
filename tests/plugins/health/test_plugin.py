"""The plugin in a host: what it hears of, what it tells, and when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hookbus import HealthCheck, HealthReport, Plugin, PluginContext, hookimpl
from hookbus.operational import BackpressureWarning, HandlerFailed, LoopBlocked
from hookbus.testing import HostFactory
from hookbus_health import HealthPlugin
from hookbus_trading import HealthStatusChanged, PortfolioUpdated
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.health.makers import (
    TIME,
    Failing,
    Mortal,
    Unborn,
    bar,
    make_host,
    portfolio,
    tick,
    told,
)

HOUR = 3600.0


async def test_a_loss_is_told_once_for_each_level(host_factory: HostFactory) -> None:
    """The component and the system change with the event that caused it, and not again."""
    async with make_host(host_factory) as host:
        for equity in ("1000", "971", "960", "962", "949", "948"):
            await host.bus.publish(portfolio(equity))
        assert told(host) == [
            ("drawdown", "degraded"),
            ("system", "degraded"),
            ("drawdown", "critical"),
            ("system", "critical"),
        ]
        first = host.recorded.of(HealthStatusChanged)[0]
        assert (first.previous, first.time) == ("healthy", TIME)
        assert first.reason == "the loss since 00:00 UTC is 4.00%, above 3.00%"
        assert first.metrics["equity_at_start_of_day"] == 1000


async def test_a_change_is_caused_by_the_event_that_made_it(host_factory: HostFactory) -> None:
    """In a journal one can follow a status back to the portfolio that it was decided on."""
    async with make_host(host_factory) as host:
        await host.bus.publish(portfolio("1000"))
        await host.bus.publish(portfolio("900"))
        changed = next(one for one in host.recorded.envelopes if one.type == "control.health")
        cause = next(one for one in host.recorded.envelopes if one.id == changed.causation_id)
        assert (cause.type, cause.event) == ("trading.portfolio", portfolio("900"))


async def test_other_books_do_not_count(host_factory: HostFactory) -> None:
    """What a shadow strategy loses on paper is nobody's loss."""
    async with make_host(host_factory) as host:
        for equity in ("1000", "500"):
            await host.bus.publish(portfolio(equity, book="shadow:cross"))
        assert told(host) == []


async def test_a_loss_is_over_at_midnight_and_after_the_recovery(
    host_factory: HostFactory,
) -> None:
    """No event is needed: the plugin looks again when the day ends."""
    async with make_host(host_factory, drawdown={"recovery": 300.0}) as host:
        await host.bus.publish(portfolio("1000"))
        await asyncio.sleep(23 * HOUR)
        await host.bus.publish(portfolio("900"))
        await asyncio.sleep(HOUR + 299)
        assert told(host, "drawdown") == [("drawdown", "critical")]
        await asyncio.sleep(2)
        assert told(host, "system") == [("system", "critical"), ("system", "healthy")]
        last = host.recorded.of(HealthStatusChanged)[-1]
        assert last.time == TIME + timedelta(days=1, seconds=300)


async def test_an_equity_that_trembles_does_not_flap(host_factory: HostFactory) -> None:
    """Jumping over the threshold twice a second for an hour is one change, not 7,200."""
    async with make_host(host_factory) as host:
        await host.bus.publish(portfolio("1000"))
        for _ in range(3600):
            for equity in ("969", "990"):
                await host.bus.publish(portfolio(equity))
                await asyncio.sleep(0.5)
        assert told(host, "drawdown") == [("drawdown", "degraded")]


async def test_a_feed_that_falls_silent_is_told_at_its_time(host_factory: HostFactory) -> None:
    """After three intervals, after ten, and when it has been back for the recovery."""
    async with make_host(host_factory) as host:
        for _ in range(5):
            await host.bus.publish(bar())
            await asyncio.sleep(60)
        await asyncio.sleep(600)
        for _ in range(3):
            await host.bus.publish(bar())
            await asyncio.sleep(60)
        changes = [
            one for one in host.recorded.of(HealthStatusChanged) if one.component == "bars:BTC"
        ]
        assert [(one.status, one.time) for one in changes] == [
            ("degraded", TIME + timedelta(seconds=240 + 180)),
            ("critical", TIME + timedelta(seconds=240 + 600)),
            ("healthy", TIME + timedelta(seconds=900 + 60)),
        ]


async def test_ticks_are_a_feed_of_their_own(host_factory: HostFactory) -> None:
    """Bars that go on do not hide that the ticks have ended; their interval is learned."""
    async with make_host(host_factory) as host:
        for _ in range(10):
            await host.bus.publish(tick())
            await host.bus.publish(bar())
            await asyncio.sleep(10)
        for _ in range(12):
            await host.bus.publish(bar())
            await asyncio.sleep(10)
        assert told(host) == [
            *(("ticks:BTC", "degraded"), ("system", "degraded")),
            *(("ticks:BTC", "critical"), ("system", "critical")),
        ]


async def test_jobs_and_handlers_that_fail_too_often_are_errors(
    host_factory: HostFactory,
) -> None:
    """Five failures a minute may be; a job that fails every second is critical by the 31st."""
    async with make_host(host_factory, Failing) as host:
        await asyncio.sleep(31.5)
        assert told(host, "errors") == [("errors", "degraded"), ("errors", "critical")]
        change = host.recorded.of(HealthStatusChanged)[-2]
        assert (
            change.reason
            == "the error rate is 31 a minute, above 30 a minute; the last: hookbus.job.failed"
        )


async def test_errors_are_over_when_the_window_and_the_recovery_have_passed(
    host_factory: HostFactory,
) -> None:
    """Nothing needs to happen for things to be well again."""
    failed = HandlerFailed(
        subscription="s",
        plugin="p",
        event_id="1",
        event_type="x",
        error="so",
        attempt=1,
        will_retry=False,
    )
    async with make_host(host_factory) as host:
        for _ in range(6):
            await host.bus.publish(failed)
        await asyncio.sleep(119)
        assert told(host, "errors") == [("errors", "degraded")]
        await asyncio.sleep(2)
        assert told(host, "errors") == [("errors", "degraded"), ("errors", "healthy")]


async def test_a_full_queue_is_told_and_recovers(host_factory: HostFactory) -> None:
    """A minute without a warning, and a minute of recovery."""
    async with make_host(host_factory) as host:
        await host.bus.publish(BackpressureWarning(name="a.orders", size=96, capacity=100))
        assert told(host, "queue:a.orders") == [("queue:a.orders", "critical")]
        await asyncio.sleep(121)
        assert told(host, "queue:a.orders")[1:] == [("queue:a.orders", "healthy")]


async def test_a_plugin_that_fails_is_critical_whenever_it_does(
    host_factory: HostFactory,
) -> None:
    """Before anybody listened, or in the middle of the run: with what went wrong."""
    async with make_host(host_factory, Unborn, Mortal) as host:
        await asyncio.sleep(61)
        changes = {one.component: one for one in host.recorded.of(HealthStatusChanged)}
        assert changes["plugin:unborn"].status == "critical"
        assert "failed at start: RuntimeError: no database" in changes["plugin:unborn"].reason
        assert "failed at task: task mortal.life: " in changes["plugin:mortal"].reason
        assert changes["system"].reason.startswith("plugin:unborn")


async def test_failures_that_the_bus_has_forgotten_are_told_too(
    host_factory: HostFactory,
) -> None:
    """Without any history the host's own word that it has started names those that failed."""
    config = {"bus": {"history": 0}}
    async with host_factory(HealthPlugin, TradingPlugin, Unborn, config=config) as host:
        await asyncio.sleep(1)
        assert told(host, "plugin:unborn") == [("plugin:unborn", "critical")]


async def test_the_failure_of_a_plugin_may_be_ignored(host_factory: HostFactory) -> None:
    """One that may fail, because nobody needs it, is named in the settings."""
    async with make_host(host_factory, Unborn, plugins={"ignore": ["unborn"]}) as host:
        await asyncio.sleep(1)
        assert told(host) == []


async def test_nothing_is_judged_once_the_host_stops(host_factory: HostFactory) -> None:
    """Feeds that end because they are stopped, and what fails on the way, are no news."""

    class Seller(Plugin):
        name = "seller"
        after = ("health",)

        @hookimpl
        async def hookbus_stop(self, context: PluginContext) -> None:
            await context.bus.publish(portfolio("500"))

    async with make_host(host_factory, Seller) as host:
        await host.bus.publish(portfolio("1000"))
    assert host.recorded.of(PortfolioUpdated) == [portfolio("1000"), portfolio("500")]
    assert told(host) == []


@pytest.mark.parametrize("rule", ["drawdown", "heartbeat", "errors", "queues", "plugins"])
async def test_a_rule_can_be_switched_off(host_factory: HostFactory, rule: str) -> None:
    """What is off is not even subscribed."""
    off = {rule: {"enabled": False}}
    async with make_host(host_factory, Unborn, **off) as host:
        for equity in ("1000", "900"):
            await host.bus.publish(portfolio(equity))
        await host.bus.publish(bar())
        await host.bus.publish(BackpressureWarning(name="q", size=9, capacity=9))
        for _ in range(8):
            await host.bus.publish(LoopBlocked(plugin="p", seconds=3.0, stack=""))
        await asyncio.sleep(900)
        components = {name.partition(":")[0] for name, _ in told(host)} - {"system", "errors"}
        heard = {
            "drawdown": "drawdown",
            "heartbeat": "bars",
            "queues": "queue",
            "plugins": "plugin",
        }
        heard.pop(rule, None)
        assert components == set(heard.values())


async def test_the_summary_tells_the_worst_of_each_component(host_factory: HostFactory) -> None:
    """What a person reads when a run has ended."""
    async with make_host(host_factory) as host:
        for equity in ("1000", "940"):
            await host.bus.publish(portfolio(equity))
        await host.bus.publish(bar())
    (summary,) = (await host.stop()).summaries
    assert (summary.title, summary.rows) == (
        "Health",
        (
            ("system", "worst critical, now critical, 1 change"),
            ("drawdown", "worst critical, now critical, 1 change"),
            ("Always healthy", "1 component"),
        ),
    )


async def test_the_simulated_clock_keeps_the_machine_out(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """A back-test must not depend on the disk, the memory or the loop, and leaves no file."""

    class Asked(Plugin):
        name = "asked"

        @hookimpl
        def hookbus_health(self) -> tuple[HealthCheck, ...]:
            return (HealthCheck("link", self.check),)

        def check(self) -> HealthReport:
            return HealthReport("critical", "a machine of its own")

    everything = {"degraded": 0.0, "critical": 0.001}
    settings = {"memory": everything, "disk": everything, "event_loop": everything}
    async with make_host(host_factory, Asked, **settings) as host:
        await asyncio.sleep(HOUR)
        await host.bus.publish(LoopBlocked(plugin="p", seconds=3.0, stack=""))
        assert told(host) == []
    assert signs_in(tmp_path) == []


def signs_in(folder: Path) -> list[Path]:
    """The files of watchdogs below a folder."""
    return list(folder.rglob("watchdog.json"))


class Asked(Plugin):
    """A plugin with a check that says what it is told to say."""

    name = "asked"
    reports: ClassVar[list[HealthReport]] = []

    @hookimpl
    def hookbus_health(self) -> tuple[HealthCheck, ...]:
        """Name the check."""
        return (
            HealthCheck("link", self.check, timeout=0.05),
            HealthCheck("hangs", self.hang, 0.01),
        )

    async def check(self) -> HealthReport:
        """Say the next."""
        return self.reports.pop(0) if self.reports else HealthReport()

    async def hang(self) -> HealthReport:
        """Never answer."""
        await asyncio.Event().wait()
        return HealthReport()


FAST = {"interval": 0.01, "recovery": 0.02}


@pytest.mark.real_time
async def test_checks_of_plugins_are_asked_and_told(host_factory: HostFactory) -> None:
    """A plugin's word counts like a rule's; one that hangs is critical, and holds nobody up."""
    Asked.reports = [HealthReport(), HealthReport("degraded", "slow", {"seconds": 2.0})]
    async with make_host(host_factory, Asked, checks=FAST) as host:
        await until(lambda: ("asked.link", "healthy") in told(host))
        changes = host.recorded.of(HealthStatusChanged)
        degraded = next(one for one in changes if one.status == "degraded")
        assert (degraded.component, degraded.reason) == ("asked.link", "slow")
        assert degraded.metrics == {"seconds": 2.0}
        hanging = next(one for one in changes if one.component == "asked.hangs")
        assert hanging.status == "critical"
        assert "health check 'hangs' of plugin 'asked' took longer than 0.01 s" in hanging.reason


@pytest.mark.real_time
async def test_memory_disk_and_loop_are_measured_on_the_systems_clock(
    host_factory: HostFactory,
) -> None:
    """On thresholds that no machine meets, each of them is told."""
    strict = {"degraded": 0.0, "critical": 1e-9}
    settings = {"memory": strict, "disk": strict, "event_loop": {**strict, "interval": 0.01}}
    async with make_host(host_factory, checks=FAST, **settings) as host:
        wanted = {(name, "critical") for name in ("memory", "disk", "event-loop")}
        await until(lambda: wanted <= set(told(host)))


@pytest.mark.real_time
async def test_a_loop_that_was_blocked_is_told_with_the_culprit(
    host_factory: HostFactory,
) -> None:
    """The host's own watch and the measured lag are one component."""
    async with make_host(host_factory) as host:
        await host.bus.publish(LoopBlocked(plugin="strategy", seconds=3.0, stack=""))
        (change, _) = host.recorded.of(HealthStatusChanged)
        assert (change.component, change.status) == ("event-loop", "critical")
        assert "strategy blocked the event loop" in change.reason


@pytest.mark.real_time
async def test_a_watchdog_that_cannot_write_is_told(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """A sign of life that nobody can see must not be missed in silence; it comes back by itself."""
    settings = {"file": "missing/watchdog.json", "interval": 0.01, "recovery": 0.02}
    async with make_host(host_factory, watchdog=settings) as host:
        await until(lambda: ("watchdog", "degraded") in told(host))
        (tmp_path / "missing").mkdir()
        await until(lambda: ("watchdog", "healthy") in told(host))
        sign = json.loads((tmp_path / "missing" / "watchdog.json").read_text())
        assert sign["state"] == "running"


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something has come about, for at most some seconds."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it has not come about")
