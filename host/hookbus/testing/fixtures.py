"""The pytest plugin: fixtures, and async tests on simulated time.

Loaded by pytest wherever hookbus is installed; it imports the host only when a fixture is used.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hookbus.clock import Clock
    from hookbus.testing.commands import CommandResult
    from hookbus.testing.hosts import HostFactory
    from hookbus.testing.recording import RecordingBus

START = 1_704_067_200_000_000_000
"""The first instant of simulated time in tests: 2024-01-01 00:00 UTC, in nanoseconds."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and failures of the conformance suite readable."""
    pytest.register_assert_rewrite("hookbus.testing.conformance")
    config.addinivalue_line(
        "markers", "real_time: run an async hookbus test on the system's clock and event loop"
    )


@pytest.fixture
def simulated_clock(request: pytest.FixtureRequest) -> Clock:
    """The clock of the test: simulated from 2024-01-01 on, or the system's for `real_time`."""
    from hookbus.clock import SimulatedClock, SystemClock

    real = request.node.get_closest_marker("real_time") is not None
    return SystemClock() if real else SimulatedClock(START)


@pytest.fixture
def simulated_loop(simulated_clock: Clock) -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop that an async test runs on."""
    from hookbus.loop import finish, new_loop

    loop = new_loop(simulated_clock)
    asyncio.set_event_loop(loop)
    yield loop
    finish(loop)


@pytest.fixture
def host_factory(
    simulated_clock: Clock, simulated_loop: asyncio.AbstractEventLoop, tmp_path: Path
) -> Iterator[HostFactory]:
    """Makes hosts: `async with host_factory(MyPlugin, settings={"my": {...}}) as host`."""
    from hookbus.logs import make_logger
    from hookbus.testing.hosts import HostFactory

    factory = HostFactory(simulated_clock, make_logger("debug", colors=False), tmp_path)
    yield factory
    simulated_loop.run_until_complete(factory.aclose())


@pytest.fixture
def recording_bus(
    simulated_clock: Clock, simulated_loop: asyncio.AbstractEventLoop
) -> Iterator[RecordingBus]:
    """A bus without a host that records what is published on it."""
    from hookbus.logs import make_logger
    from hookbus.testing.recording import RecordingBus

    bus = RecordingBus(simulated_clock, make_logger("debug", colors=False), simulated_loop)
    yield bus
    bus.close()


@pytest.fixture
def run_command(tmp_path: Path) -> Callable[..., CommandResult]:
    """Runs `hookbus ARGUMENTS` in the test's folder, in a process of its own."""
    from hookbus.testing.commands import run_command

    def run(*arguments: str | Path, **options: Any) -> CommandResult:
        options.setdefault("folder", tmp_path)
        return run_command(*arguments, **options)

    return run


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test that uses these fixtures on their loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    if "simulated_clock" not in pyfuncitem.fixturenames:
        return None
    loop = pyfuncitem._request.getfixturevalue("simulated_loop")
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    loop.run_until_complete(pyfuncitem.obj(**arguments))
    return True
