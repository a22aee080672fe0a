"""The plugin in a host on simulated time: what it takes, what it leaves, and back-tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hookbus import Plugin, PluginContext, SystemClock, hookimpl
from hookbus.operational import HandlerFailed, OperationalEvent, PluginFailed
from hookbus.testing import CommandResult, HostFactory, RecordingHost
from hookbus_discord import DiscordPlugin
from hookbus_discord.courier import Courier
from hookbus_discord.defaults import DEFAULT_ALERTS
from hookbus_discord.events import AlertsDropped, DiscordEvent

from tests.plugins.discord.discord import TOKEN, Discord, serve_beside
from tests.plugins.discord.samples import URL, Halted, Rejected

OPS = {"ops": {"url": URL}}


class Market(Plugin):
    """Rejects an order every second for ten minutes, and halts in the middle."""

    name = "market"

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Prepare the feed."""
        self.context = context
        context.start_source(self.feed, "feed")

    async def feed(self, _: Any) -> None:
        """Publish, second after second."""
        for second in range(600):
            await self.context.clock.sleep(1)
            await self.context.bus.publish(Rejected(symbol="BTC" if second % 3 else "ETH"))
            if second == 300:
                await self.context.bus.publish(Halted())


class Broken(Plugin):
    """Fails to start."""

    name = "a-broken"

    @hookimpl
    async def hookbus_start(self) -> None:
        """Fail."""
        raise RuntimeError("no broker")


def make_host(host_factory: HostFactory, *others: type[Plugin], **settings: Any) -> RecordingHost:
    """A host with the plugin and a webhook, unless the settings name others."""
    return host_factory(DiscordPlugin, *others, settings={"discord": {"webhooks": OPS, **settings}})


async def summary(host: RecordingHost) -> dict[str, str]:
    """Stop the host; returns the rows of the summary."""
    (found,) = (await host.stop()).summaries
    return dict(found.rows)


def alerts(**settings: Any) -> list[dict[str, Any]]:
    """One alert for the events of these tests."""
    return [{"patterns": ["sample.*"], **settings}]


async def test_a_back_test_alerts_nobody_and_counts(host_factory: HostFactory) -> None:
    """Grouping and accounts are those of a real run; the host on the other end gets nothing."""
    host = make_host(host_factory, Market, alerts=alerts(group_by="key", window=60))
    report = await host.run()
    rows = await summary(host)
    assert report.exit_code == 0
    assert rows["rehearsal, as time is simulated"] == "nothing was sent"
    assert rows["ops: alerts"] == "601 = 21 sent + 580 coalesced + 0 dropped + 0 pending"


async def test_two_back_tests_say_the_same(host_factory: HostFactory) -> None:
    """Events and summary repeat themselves, also where alerts are dropped."""
    runs = []
    for _ in range(2):
        host = make_host(host_factory, Market, alerts=alerts(group_by="none"), buffer=4)
        report = await host.run()
        assert report.exit_code == 0
        runs.append([*map(str, host.recorded.events), str(await summary(host))])
    assert runs[0] == runs[1]


async def test_a_simulation_may_really_send(host_factory: HostFactory) -> None:
    """Simulated time stands still while a real server takes its real time to answer."""
    discord = Discord(SystemClock(), limit=1000)
    with serve_beside(discord) as url:
        host = make_host(
            host_factory,
            Market,
            webhooks={"ops": {"url": url}},
            allow_test_server=True,
            send_in_simulation=True,
            alerts=alerts(group_by="key", window=300),
        )
        await host.run()
    rows = await summary(host)
    assert "rehearsal, as time is simulated" not in rows
    assert rows["ops: alerts"].endswith("+ 0 dropped + 0 pending")
    assert "ops: attempts failed, no answer in time" not in rows
    assert sorted(discord.titles) == ["sample.halted"] + [
        f"sample.rejected\\: {symbol}" for symbol in ("BTC", "BTC", "ETH", "ETH")
    ]
    assert discord.edits > 0


async def test_a_condition_chooses(host_factory: HostFactory) -> None:
    """What it filters out is no alert; the ledger has it as filtered."""
    chosen = [{"patterns": ["sample.rejected"], "where": "quantity > 1 and symbol == 'BTC'"}]
    async with make_host(host_factory, alerts=chosen) as host:
        await host.bus.publish(Rejected(symbol="BTC"))
        await host.bus.publish(Rejected(symbol="ETH"))
        await host.bus.settled()
        accounts = host.event_bus.ledger.report().accounts
        (account,) = (one for one in accounts if one.plugin == "discord" and one.matched)
        rows = await summary(host)
    assert (account.delivered, account.filtered) == (1, 1)
    assert rows["ops: alerts"].startswith("1 = ")


async def test_without_webhooks_it_does_nothing_and_says_so(host_factory: HostFactory) -> None:
    """Installing it is harmless."""
    async with host_factory(DiscordPlugin) as host:
        await host.bus.publish(Halted())
        job = await host.scheduler.job("discord.test").run_now()
        assert "no webhooks are set" in job.reason
        assert (await host.stop()).summaries == ()


async def test_failures_of_the_host_are_told_by_default(host_factory: HostFactory) -> None:
    """Also of plugins that failed before this one could listen."""
    async with make_host(host_factory, Broken) as host:
        await host.bus.settled()
        rows = await summary(host)
    assert len(host.recorded.of(PluginFailed)) == 1
    assert rows["ops: alerts"] == "1 = 1 sent + 0 coalesced + 0 dropped + 0 pending"


async def test_the_default_alerts_name_events_that_exist(host_factory: HostFactory) -> None:
    """Each pattern is an event of the host or of trading, and each condition fits its fields."""
    trading = pytest.importorskip("hookbus_trading.plugin")
    async with make_host(host_factory, trading.TradingPlugin) as host:
        known = {one.__event__.name: one for one in host.event_bus.registry if one.__event__}
        for alert in DEFAULT_ALERTS:
            (pattern,) = alert.patterns
            host.bus.subscribe(known[pattern], print, mode="inline", where=alert.where)


async def test_what_the_plugin_says_of_itself_is_no_alert(host_factory: HostFactory) -> None:
    """With a filter for everything, and every alert dropped, nothing feeds itself."""
    everything = [{"patterns": ["*"], "group_by": "none"}]
    async with make_host(host_factory, alerts=everything, capacity=1) as host:
        failed = PluginFailed(plugin="discord", phase="task", reason="no")
        await host.bus.publish(AlertsDropped(webhook="ops", dropped=1, reasons={"x": 1}))
        await host.bus.publish(failed)
        await host.clock.sleep(7200)
        before = len(host.recorded.events)
        await host.clock.sleep(7200)
        assert len(host.recorded.events) == before
        told = [one for one in host.recorded.events if isinstance(one, DiscordEvent)]
        operational = [one for one in host.recorded.events if isinstance(one, OperationalEvent)]
        rows = await summary(host)
    matched = int(rows["ops: alerts"].split()[0])
    assert matched <= len(operational) - 1
    assert len(told) <= 3


async def test_a_flood_beyond_the_buffer_is_counted_as_lag(host_factory: HostFactory) -> None:
    """The bus never waits; what it overwrites is in the books of the alert and of the ledger."""
    async with make_host(host_factory, alerts=alerts(), buffer=8) as host:
        for _ in range(1000):
            host.bus.publish_nowait(Rejected())
        await host.bus.settled()
        accounts = host.event_bus.ledger.report().accounts
        (account,) = (one for one in accounts if one.plugin == "discord" and one.matched)
        rows = await summary(host)
        dropped = host.recorded.of(AlertsDropped)
    assert (account.delivered, account.lagged) == (8, 992)
    assert rows["ops: dropped, more events than the buffer holds"] == "992"
    assert rows["ops: alerts"].endswith("992 dropped + 0 pending")
    assert sum(event.dropped for event in dropped) == 992


async def test_critical_events_do_not_lag(host_factory: HostFactory) -> None:
    """The bus keeps events that are declared critical, however small the buffer is."""
    async with make_host(host_factory, alerts=alerts(group_by="key"), buffer=8) as host:
        for _ in range(100):
            host.bus.publish_nowait(Halted())
        await host.bus.settled()
        rows = await summary(host)
    assert rows["ops: alerts"].startswith("100 = 1 sent + 99 coalesced")


async def test_a_mistake_in_the_courier_shows_no_address(
    host_factory: HostFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even an error that nobody foresaw fails the plugin without its secret, and is accounted."""

    def fail(courier: Courier, *_: Any) -> None:
        raise RuntimeError(f"{courier._address!r} {URL}")

    monkeypatch.setattr(Courier, "_settle", fail)
    async with make_host(host_factory, alerts=alerts()) as host:
        await host.bus.publish(Halted())
        await host.clock.sleep(1)
        record = host.records["discord"]
        assert record.failed
        rows = await summary(host) if (await host.stop()).summaries else {}
    told = f"{record.reason} {record.traceback} {host.recorded.events} {rows}"
    assert TOKEN not in told
    assert not host.recorded.of(HandlerFailed)


def test_a_wrong_address_is_told_on_the_command_line_without_it(
    run_command: Any, tmp_path: Path
) -> None:
    """`hookbus check` names file and key, and exits with 4."""
    text = f'[plugins.discord.webhooks.ops]\nurl = "https://evil.net/api/webhooks/42/{TOKEN}"\n'
    (tmp_path / "hookbus.toml").write_text(text)
    for arguments in (("check",), ("--debug", "check"), ("config", "show"), ("run", "--strict")):
        result: CommandResult = run_command(*arguments)
        assert TOKEN not in result.stdout + result.stderr
    checked = run_command("check")
    assert checked.exit_code == 4
    assert "hookbus.toml" in checked.stderr
    assert "plugins.discord.webhooks" in checked.stderr
    assert "ops.url is no webhook of Discord" in checked.stderr
