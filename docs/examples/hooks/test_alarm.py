"""The tests of the alarm, as a plugin's author would write them."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hookbus import HealthReport
from hookbus.testing import HostFactory, PluginConformance

sys.path.insert(0, str(Path(__file__).parent))

from alarm import Alarm, AlarmOpened, LimitCrossed, Price
from command import alarm


class TestConformance(PluginConformance):
    """The alarm is a good neighbour."""

    plugin = Alarm
    settings = {"limit": 50.0}
    events = (Price(symbol="ETH", price=49.0), Price(symbol="ETH", price=51.0))


async def test_a_price_that_crosses_the_limit_is_told_once(host_factory: HostFactory) -> None:
    """From below to above is a crossing; staying above is none."""
    async with host_factory(Alarm, settings={"alarm": {"limit": 50.0}}) as host:
        for price in (49.0, 51.0, 52.0):
            await host.bus.publish(Price(symbol="ETH", price=price))
        await host.bus.settled()
        assert host.recorded.of(LimitCrossed) == [LimitCrossed(symbol="ETH", price=51.0)]


async def test_an_alarm_without_prices_is_not_well(host_factory: HostFactory) -> None:
    """A check is asked as the plugin that watches the health of all would ask it."""
    async with host_factory(Alarm) as host:
        (probe,) = host.supervisor.probes
        assert (await probe.ask()).reason == "no price has been seen yet"
        await host.bus.publish(Price(symbol="ETH", price=49.0))
        await host.bus.settled()
        assert await probe.ask() == HealthReport("healthy", metrics={"symbols": 1})


async def test_a_whole_run_takes_no_time(host_factory: HostFactory, tmp_path: Path) -> None:
    """The host replays all prices and stops; what the plugin wrote and said is there."""
    host = host_factory(Alarm, config={"host": {"state": str(tmp_path)}})
    report = await host.run()
    assert report.exit_code == 0
    assert dict(report.summaries[0].rows)["Limit crossed"] == "2 times"
    assert host.recorded.of(AlarmOpened) == [AlarmOpened(limit=100.0)]
    assert (tmp_path / "alarm" / "alarms.txt").read_text() == "BTC 101.0\nBTC 100.5\n"


def test_the_command_tells_the_limit_without_a_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the configuration as the host does, and does without what only a host knows."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(alarm, ["--set", "plugins.alarm.limit=50"])
    assert done.output == "Limit  Crossings\n50     -\n"
