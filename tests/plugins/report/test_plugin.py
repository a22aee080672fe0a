"""The plugin in a host: when it listens, what it has seen when it writes, and what it says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hookbus import Plugin, PluginContext, hookimpl
from hookbus.plugins.plugin import PluginState
from hookbus.testing.hosts import HostFactory, RecordingHost
from hookbus_report import ReportPlugin
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.report.makers import after, equity, fill
from tests.plugins.report.script import Script


class LastWords(Plugin):
    """A plugin that has something to say when it is stopped, as a portfolio has."""

    name = "zz-last"
    requires = ("trading",)

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Publish the last equity."""
        await context.bus.publish(equity(150, None))


class FirstWords(LastWords):
    """The same with a name that comes first, and words at the start as well."""

    name = "aa-first"

    @hookimpl
    async def hookbus_ready(self, context: PluginContext) -> None:
        """Publish the first equity."""
        await context.bus.publish(equity(100, None))


def make_host(host_factory: HostFactory, *plugins: type[Plugin], **settings: Any) -> RecordingHost:
    """A host with a report, the event types and these plugins."""
    of_script = {"script": {"bars": 300}} if Script in plugins else {}
    return host_factory(
        ReportPlugin, TradingPlugin, *plugins, settings={"report": settings, **of_script}
    )


async def run(host: RecordingHost) -> dict[str, dict[str, str]]:
    """Run to the end; the summaries by title."""
    report = await host.run()
    return {one.title: dict(one.rows) for one in report.summaries}


def written(folder: Path) -> Any:
    """The report as JSON."""
    return json.loads((folder / "out.json").read_text(encoding="utf-8"))


async def test_without_a_file_it_does_nothing(host_factory: HostFactory, tmp_path: Path) -> None:
    """It subscribes to nothing, writes nothing and says nothing: it costs nothing."""
    host = make_host(host_factory, Script)
    summaries = await run(host)
    accounts = host.event_bus.ledger.report().accounts
    assert [one.name for one in accounts if one.plugin == "report"] == []
    assert summaries == {}
    assert [name for name in os.listdir(tmp_path) if name != ".hookbus"] == []


async def test_a_run_writes_its_report(host_factory: HostFactory, tmp_path: Path) -> None:
    """Bars and trades are in the file, whose path starts from that of the configuration."""
    await run(make_host(host_factory, Script, file="out.json"))
    made = written(tmp_path)
    assert made["bars"] == 900
    assert made["simulated"] is True
    assert (
        len(made["books"]["main"]["trades"]["rows"])
        == made["books"]["main"]["figures"]["trades"]["value"]
    )
    assert made["begin"] == 1704067200


@pytest.mark.parametrize("other", [LastWords, FirstWords])
async def test_last_words_of_others_are_in_the_report(
    host_factory: HostFactory, tmp_path: Path, other: type[Plugin]
) -> None:
    """What a plugin publishes while it is stopped counts, whatever its name is."""
    await run(make_host(host_factory, Script, other, file="out.json"))
    assert written(tmp_path)["books"]["main"]["figures"]["last_equity"]["value"] == 150


async def test_first_words_of_others_are_in_the_report(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """It listens before anybody may speak."""
    async with make_host(host_factory, FirstWords, file="out.json") as host:
        assert host.records["report"].state is PluginState.STARTED
    assert written(tmp_path)["books"]["main"]["figures"]["first_equity"]["value"] == 100


async def test_it_stops_after_every_plugin_that_publishes_what_it_shows(
    host_factory: HostFactory,
) -> None:
    """It starts before `trading`, and so stops after it and after all that require it."""
    host = make_host(host_factory, Script, LastWords, FirstWords, file="out.json")
    host.load()
    names = [record.name for record in host.assembly.order]
    assert names == ["report", "script", "trading", "aa-first", "zz-last"]


async def test_the_summary_has_the_metrics_and_the_file(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """What matters most, as text, the same as in the file."""
    summaries = await run(make_host(host_factory, Script, file="out.json"))
    rows = summaries["Report"]
    figures = written(tmp_path)["books"]["main"]["figures"]
    assert rows["Total return"] == figures["total_return"]["text"]
    assert rows["Sharpe ratio"] == figures["sharpe"]["text"]
    assert rows["Maximum drawdown"] == figures["maximum_drawdown"]["text"]
    assert rows["File"] == f"out.json, {(tmp_path / 'out.json').stat().st_size / 1000:,.0f} kB"


async def test_a_summary_without_a_book_says_so(host_factory: HostFactory) -> None:
    """A run in which no portfolio spoke has no metrics."""
    async with make_host(host_factory, file="out.json") as host:
        pass
    (summary,) = (await host.stop()).summaries
    assert dict(summary.rows)["Book main"] == "no events"


async def test_the_same_run_writes_the_same_bytes(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Neither the machine's time nor its speed is in the page."""
    pages = set()
    for _ in range(2):
        host = make_host(host_factory, file="out.html")
        async with host:
            await host.bus.publish(equity(100))
            await host.bus.publish(fill(1, after(days=1)))
        pages.add((tmp_path / "out.html").read_bytes())
    assert len(pages) == 1


@pytest.mark.parametrize("file", ["missing/out.html", "folder.html"])
async def test_a_file_that_cannot_be_written_fails_at_the_start(
    host_factory: HostFactory, tmp_path: Path, file: str
) -> None:
    """Not after a run of hours: the reason names the setting, the path and the mend."""
    (tmp_path / "folder.html").mkdir()
    async with make_host(host_factory, file=file) as host:
        record = host.records["report"]
        assert (record.state, record.phase) == (PluginState.FAILED, "start")
        assert f"file = '{tmp_path / file}' cannot be written" in str(record.reason)
        assert "name a file in a folder that exists" in str(record.reason)


async def test_a_folder_that_went_away_is_told(host_factory: HostFactory, tmp_path: Path) -> None:
    """A report that could not be written fails the plugin, and there is no summary of it."""
    folder = tmp_path / "gone"
    folder.mkdir()
    host = make_host(host_factory, file="gone/out.html")
    async with host:
        folder.rmdir()
    assert (await host.stop()).failed_plugins == ("report",)
    assert host.records["report"].phase == "stop"
    assert (await host.stop()).summaries == ()


def test_endings_decide_what_is_written() -> None:
    """What is neither a page nor JSON is refused, with the endings that are known."""
    with pytest.raises(ValueError, match=r"'out\.pdf' must end in \.html, \.htm or \.json"):
        ReportPlugin.Settings(file="out.pdf")
    assert ReportPlugin.Settings(file="OUT.HTML").file == Path("OUT.HTML")
