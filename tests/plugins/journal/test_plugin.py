"""The plugin in a host: what it keeps of a run, what it says of itself, and what fails it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hookbus import Journal, PluginContext, Statement
from hookbus.plugins.plugin import PluginState
from hookbus.testing import HostFactory, RecordingHost
from hookbus_journal import JournalPlugin
from hookbus_journal.events import OWN_EVENTS, JournalFailed, JournalRecovered
from hookbus_journal.session import Session

from tests.plugins.journal.samples import Anything, Ordered, Traded

on_both_clocks = pytest.mark.parametrize(
    "clock", ["simulated", pytest.param("system", marks=pytest.mark.real_time)]
)


def make_host(host_factory: HostFactory, **settings: Any) -> RecordingHost:
    """A host with a journal."""
    return host_factory(JournalPlugin, settings={"journal": settings})


def context_of(host: RecordingHost) -> PluginContext:
    """What the plugin works with."""
    return host.supervisor.contexts["journal"]


def session_of(host: RecordingHost) -> Session:
    """The journal that is open."""
    plugin = host.records["journal"].instance
    assert isinstance(plugin, JournalPlugin)
    assert plugin._session is not None
    return plugin._session


@contextmanager
def database(folder: Path, name: str) -> Iterator[sqlite3.Connection]:
    """The file that a host left, read with the standard library."""
    connection = sqlite3.connect(folder / ".hookbus" / "journal" / name)
    try:
        yield connection
    finally:
        connection.close()


@on_both_clocks
async def test_a_run_is_kept_with_all_its_events(
    host_factory: HostFactory, tmp_path: Path, clock: str
) -> None:
    """Durable or not, each once, with ids; the run ended clean, and the ledger is there."""
    async with make_host(host_factory, durable=["sample.ordered"]) as host:
        for _ in range(20):
            await host.bus.publish(Traded())
            await host.bus.publish(Ordered())
        published = [one.id for one in host.recorded.envelopes if one.type.startswith("sample")]
    report = await host.stop()
    with database(tmp_path, "simulation.db" if clock == "simulated" else "journal.db") as found:
        kept = found.execute(
            "SELECT runs.name || '-' || sequence, durable FROM events "
            "JOIN types ON types.id = type JOIN runs ON runs.id = run "
            "WHERE types.name LIKE 'sample.%' ORDER BY sequence"
        ).fetchall()
        assert [event_id for event_id, _ in kept] == published
        assert [durable for _, durable in kept] == [0, 1] * 20
        ((clean, ended),) = found.execute("SELECT clean, ended_ns FROM runs").fetchall()
        assert (clean, ended is None) == (1, False)
        accounts = found.execute(
            "SELECT matched, delivered FROM accounts WHERE plugin = 'journal' AND name = 'recorder'"
        ).fetchall()
        assert len(accounts) == 1
        assert accounts[0][0] == accounts[0][1] >= 40
    rows = {one.title: dict(one.rows) for one in report.summaries}["Journal"]
    assert rows["Committed before dispatch in this run"] == "20"
    assert rows["Dead letters"] == "0"


@on_both_clocks
async def test_the_service_is_there_for_others(host_factory: HostFactory, clock: str) -> None:
    """By contract; what waits for a consumer is in the summary."""
    async with make_host(host_factory) as host:
        journal = context_of(host).service(Journal)
        journal.consumer("risk:slow", ["sample.*"], beginning=True)
        await host.bus.publish(Traded())
        await host.bus.publish(Anything())
        rows = await journal.query(Statement("SELECT name FROM consumers"))
        assert rows == [("risk:slow",)]
    report = await host.stop()
    summary = {one.title: dict(one.rows) for one in report.summaries}["Journal"]
    assert summary["Waiting for risk:slow"] == "1"


async def test_its_events_are_declared(host_factory: HostFactory) -> None:
    """They can be decoded from a record, and are listed."""
    async with make_host(host_factory) as host:
        assert all(cls in list(host.assembly.registry) for cls in OWN_EVENTS)


@pytest.mark.real_time
async def test_a_failing_journal_is_told_and_unhealthy(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """An event when it begins and one when it is over; the health check names the reason."""
    async with make_host(host_factory) as host:
        (probe,) = host.supervisor.probes
        assert (await probe.ask()).level == "healthy"
        committer = session_of(host).committer
        committer.reserve.spent, committer.reserve.size = True, 1 << 61
        await host.bus.publish(Traded())
        await session_of(host).journal.flushed()
        report = await probe.ask()
        assert (report.level, "the disk is full" in report.reason) == ("critical", True)
        committer.reserve.size = 1
        await host.bus.publish(Traded())
        await session_of(host).journal.flushed()
        assert (await probe.ask()).level == "healthy"
        reasons = [one.reason for one in host.recorded.of(JournalFailed)]
        assert reasons == ["the disk is full; make room, and it goes on by itself"]
        assert [one.missed for one in host.recorded.of(JournalRecovered)] == [2]


@pytest.mark.real_time
async def test_a_journal_that_cannot_be_used_fails_the_plugin_only(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """The host runs on; the record says which file, why, and what to do."""
    folder = tmp_path / ".hookbus" / "journal"
    folder.mkdir(parents=True)
    (folder / "journal.db").write_bytes(b"something else altogether" * 100)
    async with make_host(host_factory) as host:
        record = host.records["journal"]
        assert record.state is PluginState.FAILED
        assert f"{folder / 'journal.db'} is damaged" in (record.reason or "")
        assert "begin a new journal" in (record.mend or "")
        await host.bus.publish(Traded())


def test_settings_that_contradict_each_other_are_refused() -> None:
    """The sentence names both keys and values."""
    with pytest.raises(ValueError, match=r"reserve_bytes is 9000000 and keep_bytes is 5000000"):
        JournalPlugin.Settings(reserve_bytes=9_000_000, keep_bytes=5_000_000)
