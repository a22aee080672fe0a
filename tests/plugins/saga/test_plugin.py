"""The saga plugin in a host: what it tells, its summary, simulated time, and the next run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hookbus import Outcome, Plugin, PluginContext, Sagas, Step, SystemClock, hookimpl
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.testing import HostFactory
from hookbus_saga import SagaPlugin
from hookbus_saga.events import SagaCompleted, SagaEvent, SagaParked

JournalPlugin = pytest.importorskip("hookbus_journal.plugin").JournalPlugin


class Trips(Plugin):
    """Defines a saga of two steps; a trip to nowhere can neither be finished nor undone."""

    name = "trips"
    requires = ("saga",)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Define it."""
        self.calls: list[str] = []
        self.sagas = context.service(Sagas)
        steps = [Step("book", self.act, self.ask, self.undo), Step("go", self.go, self.ask)]
        self.sagas.define("trip", steps)

    def act(self, key: str, data: Mapping[str, Any]) -> Outcome:
        """Book it."""
        self.calls.append(key)
        return Outcome.done({"seat": 7})

    def go(self, key: str, data: Mapping[str, Any]) -> Outcome:
        """Go there."""
        self.calls.append(key)
        nowhere = data["to"] == "nowhere"
        return Outcome.not_done("no way", final=True) if nowhere else Outcome.done()

    def ask(self, key: str, data: Mapping[str, Any]) -> Outcome:
        """It was not done."""
        return Outcome.not_done("not there")

    def undo(self, key: str, data: Mapping[str, Any]) -> Outcome:
        """It cannot be."""
        return Outcome.not_done("no refund", final=True)


ALL: tuple[type[Plugin], ...] = (JournalPlugin, SagaPlugin, Trips)


async def test_under_a_simulated_clock_a_saga_goes_as_far_as_it_can_at_once(
    host_factory: HostFactory,
) -> None:
    """Plain steps have been called, and all is recorded and told, when `begin` returns."""
    async with host_factory(*ALL) as host:
        trips: Any = host.records["trips"].instance
        begun = trips.sagas.begin("trip", "one", {"to": "Rome"})
        assert trips.calls == ["one/book", "one/go"]
        assert begun.done()
        told = [one.event for one in host.recorded.envelopes if isinstance(one.event, SagaEvent)]
        assert [event.__event__.name for event in told if event.__event__] == [
            "saga.started",
            "saga.step_completed",
            "saga.step_completed",
            "saga.completed",
        ]


async def test_what_waits_goes_on_in_simulated_time(host_factory: HostFactory) -> None:
    """A step that takes an hour takes no time, and the saga is complete after it."""
    async with host_factory(*ALL) as host:
        trips: Any = host.records["trips"].instance

        async def slowly(key: str, data: Mapping[str, Any]) -> Outcome:
            await asyncio.sleep(3600)
            return Outcome.done()

        trips.sagas.define("slow", [Step("wait", slowly, trips.ask, timeout=7200.0)])
        await trips.sagas.begin("slow", "one", {})
        assert [saga.id for saga in trips.sagas.open()] == ["one"]
        await asyncio.sleep(3601)
        assert host.recorded.of(SagaCompleted) == [SagaCompleted(saga="one", name="slow")]


def life(folder: Path, saga: str | None) -> tuple[list[SagaParked], dict[str, str]]:
    """A life on the system's clock: what was parked, and the summary."""
    factory = HostFactory(SystemClock(), make_logger(), folder)
    host = factory(*ALL, config={"host": {"state": str(folder / "state")}})

    async def main() -> None:
        async with host:
            trips: Any = host.records["trips"].instance
            if saga is not None:
                await trips.sagas.begin("trip", saga, {"to": "nowhere"})
            await anext(host.bus.stream(SagaParked, history=1))
        report = await host.stop()
        summaries.update(dict(report.summaries[-1].rows))

    summaries: dict[str, str] = {}
    run(main(), host.clock)
    return host.recorded.of(SagaParked), summaries


def test_a_parked_saga_is_told_again_by_the_next_run(tmp_path: Path) -> None:
    """With the reason, until somebody resumes it; the summaries count it."""
    (first,), summary = life(tmp_path, "one")
    assert first.reason == "no refund; it turned back because go: no way"
    assert (summary["Begun"], summary["Parked"]) == ("1", "1")
    (second,), summary = life(tmp_path, None)
    assert second == first
    assert (summary["Begun"], summary["Parked"]) == ("0", "1")


async def test_old_sagas_are_forgotten(host_factory: HostFactory) -> None:
    """Those that ended before the days that are kept; open ones never are."""
    async with host_factory(*ALL) as host:
        trips: Any = host.records["trips"].instance
        plugin: Any = host.records["saga"].instance
        await trips.sagas.begin("trip", "done", {"to": "Rome"})
        await trips.sagas.begin("trip", "parked", {"to": "nowhere"})
        await plugin._store.forget(host.clock.now_ns() + 1)
        assert await trips.sagas.find("done") is None
        assert await trips.sagas.find("parked") is not None


def test_contradictions_in_the_settings_are_refused() -> None:
    """The longest wait may not be shorter than the first."""
    with pytest.raises(ValueError, match=r"maximum_delay 1\.0 is below delay 2\.0"):
        SagaPlugin.Settings(delay=2.0, maximum_delay=1.0)
