"""The wiring: what is published when, by whom it is caused, and what the run leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hookbus import Event
from hookbus.testing import HostFactory
from hookbus.testing.commands import run_command
from hookbus_msc.events import PolicyPinned, PolicyUnpinned
from hookbus_msc.plugin import MscPlugin
from hookbus_msc.statefile import StateFile
from hookbus_trading.control import PolicyUpdated
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.msc.makers import START, at, make_bar, make_health, make_portfolio
from tests.plugins.msc.running import play

PLUGINS = (MscPlugin, TradingPlugin)


async def test_it_publishes_at_the_start_and_on_every_change_only(
    host_factory: HostFactory,
) -> None:
    """One policy when all are ready, one for each change, none for what changes nothing."""
    async with host_factory(*PLUGINS) as host:
        assert [one.mode for one in host.recorded.of(PolicyUpdated)] == ["normal"]
        for equity in (1000, 1001, 1002, 890, 889, 888):
            await host.bus.publish(make_portfolio(equity))
        assert [one.mode for one in host.recorded.of(PolicyUpdated)] == ["normal", "defensive"]


async def test_a_policy_is_caused_by_what_led_to_it(host_factory: HostFactory) -> None:
    """Who asks why there is a policy finds the event."""
    async with host_factory(*PLUGINS) as host:
        await host.bus.publish(make_health("critical"))
        cause, effect = host.recorded.envelopes[-2:]
        assert (cause.type, effect.type) == ("control.health", "control.policy")
        assert (effect.causation_id, effect.source) == (cause.id, "msc")


async def test_a_full_subscriber_does_not_hold_a_policy_back(host_factory: HostFactory) -> None:
    """A lossless subscriber that is full and stuck still gets every policy in the end."""
    async with host_factory(*PLUGINS) as host:
        gate, got = asyncio.Event(), []

        async def slow(policy: PolicyUpdated) -> None:
            await gate.wait()
            got.append(policy.mode)

        host.bus.subscribe(PolicyUpdated, slow, delivery="lossless", capacity=1)
        for status in ("critical", "degraded"):
            await host.bus.publish(make_health(status))
            for mode in ("normal", "aggressive", "defensive"):
                await host.bus.publish(PolicyPinned.model_validate({"mode": mode, "reason": "x"}))
        gate.set()
        await host.bus.settled()
        assert got == [one.mode for one in host.recorded.of(PolicyUpdated)[1:]]
        assert len(got) == 7


async def test_a_pin_ends_on_time_although_nothing_happens(host_factory: HostFactory) -> None:
    """No event is needed: the policy comes back at the instant that was named."""
    async with host_factory(*PLUGINS) as host:
        for hours in (5, 2):
            await host.bus.publish(
                PolicyPinned(mode="aggressive", reason="a test", until=at(hours))
            )
        await host.clock.sleep(3 * 3600)
        last = host.recorded.envelopes[-1]
        assert isinstance(last.event, PolicyUpdated)
        assert (last.event.mode, last.event.pinned, last.time) == ("normal", False, at(2))
        await host.bus.publish(PolicyPinned(mode="defensive", reason="x", until=at(9)))
        await host.bus.publish(PolicyUnpinned())
        await host.clock.sleep(9 * 3600)
        assert [one.mode for one in host.recorded.of(PolicyUpdated)[-2:]] == ["defensive", "normal"]


async def test_however_many_pins_one_timer_waits(host_factory: HostFactory) -> None:
    """A pin that replaces another leaves no task behind that waits for the first one's end."""
    async with host_factory(*PLUGINS) as host:
        for hours in range(1, 20):
            pin = PolicyPinned(mode="normal", reason="a test", until=at(hours))
            await host.bus.publish(pin)
        await asyncio.sleep(0)
        waiting = [task for task in asyncio.all_tasks() if task.get_name() == "msc.alarm"]
        assert len(waiting) == 1


async def test_under_the_simulated_clock_no_state_is_kept(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """A back-test begins anew, whatever an earlier one has lost."""
    for _ in range(2):
        async with host_factory(*PLUGINS, config={"host": {"state": str(tmp_path)}}) as host:
            assert host.recorded.of(PolicyUpdated)[0].mode == "normal"
            await host.bus.publish(make_health("critical"))
    assert not (tmp_path / "msc").exists()


@pytest.mark.real_time
async def test_on_the_system_s_clock_a_run_goes_on_where_the_last_one_ended(
    host_factory: HostFactory, tmp_path: Path
) -> None:
    """Mode, pin and what was measured."""
    config = {"host": {"state": str(tmp_path)}}
    async with host_factory(*PLUGINS, config=config) as host:
        for equity in (1000, 890):
            await host.bus.publish(make_portfolio(equity))
    async with host_factory(*PLUGINS, config=config) as host:
        (first,) = host.recorded.of(PolicyUpdated)
        assert first.mode == "defensive"
        assert first.reasons[0] == "goes on as defensive after a restart"
        assert first.metrics["drawdown"] == 0.11


async def test_without_volatility_bars_are_not_listened_to(host_factory: HostFactory) -> None:
    """What takes no part costs nothing."""
    listeners = []
    for enabled in (True, False):
        settings: dict[str, Any] = {"msc": {"volatility": {"enabled": enabled}}}
        async with host_factory(*PLUGINS, settings=settings) as host:
            listeners.append(await host.bus.publish(make_bar(0)))
    assert listeners == [2, 1]  # one of them is the recording


def test_the_summary_of_a_run(tmp_path: Path) -> None:
    """Mode, changes, time in each mode, reasons, and what was ignored."""
    script: list[tuple[Any, Event]] = [
        (START, make_bar(0)),
        (at(1), make_bar(0)),
        (at(3), make_health("critical", time=at(3))),
        (at(4), make_bar(4)),
    ]
    report, _ = play(script, tmp_path, {})
    (summary,) = report.summaries
    assert summary.title == "Meta strategy controller"
    assert summary.rows == (
        ("Mode", "defensive"),
        ("Changes of mode", "1 tightened, 0 relaxed"),
        ("Time aggressive", "0 s (0.0%)"),
        ("Time normal", "3.0 h (75.0%)"),
        ("Time defensive", "1.0 h (25.0%)"),
        ("Reason of the last change", "tightened from normal to defensive"),
        ("Reason of the last change", "health: system is critical (no bar for 90 s)"),
        ("Bars ignored: repeated or out of order", "1"),
    )


CONFIG = """
[host]
state = "state"

[plugins]
autoload = false

[plugins.trading]

[plugins.msc]
save_every = 3600
"""


@contextmanager
def running(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A host of its own process that writes its events to events.jsonl."""
    (folder / "hookbus.toml").write_text(CONFIG)
    command = [sys.executable, "-m", "hookbus", "run", "--events", "events.jsonl"]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def emit(folder: Path, *arguments: str) -> None:
    """Publish an event by hand, as soon as the host listens."""
    for _ in range(100):
        done = run_command("events", "emit", *arguments, folder=folder)
        if done.exit_code == 0:
            return
    raise AssertionError(done.stderr)


def test_an_operator_pins_by_hand_and_a_kill_forgets_nothing(tmp_path: Path) -> None:
    """Pin with the command, kill -9 at once, start again: still pinned, and critical as it was."""
    with running(tmp_path) as process:
        emit(tmp_path, "msc.policy_pinned", "mode=aggressive", "reason=a test", "by=eve")
        trouble = ("status=critical", "previous=healthy", "reason=it is gone")
        for component in ("feed", "broker"):
            emit(tmp_path, "control.health", f"component={component}", *trouble)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    kept = StateFile(tmp_path / "state" / "msc" / "state.json").read()
    assert kept is not None
    assert set(kept.health) == {"feed", "broker"}
    with running(tmp_path):
        emit(tmp_path, "msc.policy_unpinned", "--data", '{"reason": "the test is over"}')
    text = (tmp_path / "log.txt").read_text() + (tmp_path / "events.jsonl").read_text()
    assert "pinned to aggressive by eve: a test" in text
    assert "goes on as defensive after a restart" in text
    assert "the pin to aggressive was let go of" in text
