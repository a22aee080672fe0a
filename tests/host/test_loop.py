"""The loop on which simulated time passes, and a way to run that never hangs at the end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor
from typing import Any

import pytest
from hookbus.clock import SECOND, Clock, SimulatedClock, SystemClock
from hookbus.loop import SimulatedLoop, new_loop, run
from hypothesis import given
from hypothesis import strategies as st

from tests.host.bussing import turns

YEAR = 365 * 24 * 3600


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds up a thread until the test is over."""
    gate = threading.Event()
    yield gate
    gate.set()


def test_asyncio_timers_follow_simulated_time() -> None:
    """`asyncio.sleep`, `call_later` and `wait_for` take simulated seconds and no real ones."""
    clock = SimulatedClock()
    called: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(1800, lambda: called.append(loop.time()))
        await asyncio.sleep(3600)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 3600)

    begin = time.monotonic()
    run(main(), clock)
    assert called == [1800.0]
    assert clock.now_ns() == 7200 * SECOND
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize("years", [0, 1, 10, 100])
def test_timers_fire_after_many_simulated_years(years: int) -> None:
    """However coarse the loop's float has become, a timer fires, and at its time."""
    clock = SimulatedClock()

    async def main() -> None:
        await clock.sleep(years * YEAR)
        for seconds in (60, 0.1, 1e-5, 90_000):
            await asyncio.sleep(seconds)

    run(main(), clock)
    assert clock.now_ns() / SECOND == pytest.approx(years * YEAR + 90_060.1, abs=1e-3)


@pytest.mark.parametrize("years", [0, 1, 10, 100])
def test_the_shortest_pause_lets_time_pass(years: int) -> None:
    """Who waits again and again for a little more comes to the end, after a century as well."""
    clock = SimulatedClock()

    async def main() -> None:
        await clock.sleep(years * YEAR)
        end = clock.now_ns() + 5_000
        pauses = 0
        while clock.now_ns() < end:
            await asyncio.sleep(1e-7)
            pauses += 1
            assert pauses <= 100

    run(main(), clock)


@given(st.integers(0, 10 * YEAR), st.lists(st.floats(1e-9, 1e6), min_size=1, max_size=6))
def test_timers_fire_in_the_order_of_their_times_and_never_early(
    start: int, delays: list[float]
) -> None:
    """As exactly as the loop's float can tell."""
    clock = SimulatedClock()
    fired: list[tuple[float, float]] = []

    def note(when: float) -> None:
        fired.append((when, asyncio.get_running_loop().time()))

    async def main() -> None:
        await clock.sleep(start)
        loop = asyncio.get_running_loop()
        for delay in delays:
            when = loop.time() + delay
            loop.call_at(when, note, when)
        await asyncio.sleep(1e6 + 1)

    run(main(), clock)
    assert sorted(when for when, _ in fired) == [when for when, _ in fired]
    assert len(fired) == len(delays)
    assert all(when <= at <= when + 2e-6 for when, at in fired)


def test_simulated_time_begins_at_the_clocks_start() -> None:
    """The loop's time counts from the first instant, so that it stays precise."""
    clock = SimulatedClock(start_ns=1_700_000_000 * SECOND)

    async def main() -> float:
        await asyncio.sleep(1.5)
        return asyncio.get_running_loop().time()

    assert run(main(), clock) == 1.5


def test_time_stands_still_while_a_thread_works(gate: threading.Event) -> None:
    """A simulated second does not pass before the thread has answered."""
    clock = SimulatedClock()
    story: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(1, story.append, "a second later")
        loop.call_soon(threading.Timer(0.02, gate.set).start)
        await loop.run_in_executor(None, gate.wait)
        story.append("thread")
        await asyncio.sleep(2)

    run(main(), clock)
    assert story == ["thread", "a second later"]


def test_an_executor_that_refuses_work_does_not_stop_time() -> None:
    """Work that could not be handed over is not waited for."""
    clock = SimulatedClock()

    class Refusing(Executor):
        def submit(self, *_: object, **__: object) -> Any:
            raise TypeError("refused")

    async def main() -> None:
        with pytest.raises(TypeError):
            asyncio.get_running_loop().run_in_executor(Refusing(), print)
        await asyncio.sleep(1)

    run(main(), clock)
    assert clock.now_ns() == SECOND


def test_a_pace_ties_simulated_to_real_time() -> None:
    """With pace N a simulated second takes the N-th part of a real one."""
    clock = SimulatedClock(pace=1000)

    async def main() -> None:
        for _ in range(5):
            await asyncio.sleep(10)

    begin = time.monotonic()
    run(main(), clock)
    assert clock.now_ns() == 50 * SECOND
    assert time.monotonic() - begin >= 0.05


def test_under_a_pace_something_from_outside_arrives_in_time(gate: threading.Event) -> None:
    """A thread's call is taken in when it comes, at the simulated time of that moment."""
    clock = SimulatedClock(pace=1000)

    async def main() -> int:
        loop = asyncio.get_running_loop()
        called: asyncio.Future[int] = loop.create_future()

        def call() -> None:
            loop.call_soon_threadsafe(lambda: called.set_result(clock.now_ns()))

        threading.Timer(0.02, call).start()
        done, _ = await asyncio.wait({called}, timeout=YEAR)
        return done.pop().result()

    assert 0 < run(main(), clock) < YEAR * SECOND


@pytest.mark.parametrize("clock", [SimulatedClock(), SystemClock()])
def test_the_loop_fits_the_clock(clock: Clock) -> None:
    """A simulated clock gets the jumping loop, the system's clock asyncio's own."""
    loop = new_loop(clock)
    try:
        assert isinstance(loop, SimulatedLoop) is clock.simulated
    finally:
        loop.close()


def clocks() -> list[Clock]:
    """A clock of either kind."""
    return [SimulatedClock(), SystemClock()]


@pytest.mark.parametrize("clock", clocks(), ids=["simulated", "system"])
def test_the_end_cancels_what_is_left_and_lets_it_clean_up(clock: Clock) -> None:
    """Tasks that are left over are cancelled and may take their time over their cleaning up."""
    story: list[str] = []

    async def left_over() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            story.append("cleaned up")

    async def main() -> str:
        keep.append(asyncio.ensure_future(left_over()))
        await turns()
        return "result"

    keep: list[object] = []
    assert run(main(), clock) == "result"
    assert story == ["cleaned up"]


@pytest.mark.parametrize("clock", clocks(), ids=["simulated", "system"])
def test_a_task_that_swallows_its_cancellation_is_left_behind(clock: Clock) -> None:
    """The end comes after the grace, however often the task refuses."""
    refused: list[str] = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                refused.append("no")

    async def main() -> None:
        keep.append(asyncio.ensure_future(stubborn()))
        await turns()

    keep: list[object] = []
    begin = time.monotonic()
    run(main(), clock, grace=0.05)
    assert refused == ["no"]
    assert time.monotonic() - begin < 30


@pytest.mark.parametrize("clock", clocks(), ids=["simulated", "system"])
def test_tasks_that_dying_tasks_start_are_cancelled_too(clock: Clock) -> None:
    """A cleaning up that starts a task leaves nothing pending."""
    ended: list[str] = []

    async def child() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("child")

    async def parent() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            keep.append(asyncio.ensure_future(child()))

    async def main() -> None:
        keep.append(asyncio.ensure_future(parent()))
        await turns()

    keep: list[object] = []
    run(main(), clock)
    assert ended == ["child"]


@pytest.mark.parametrize("clock", clocks(), ids=["simulated", "system"])
def test_an_asynchronous_generator_that_hangs_does_not_hold_up_the_end(clock: Clock) -> None:
    """Generators are closed within the grace as well."""

    async def hanging() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.Event().wait()

    async def main() -> None:
        generator = hanging()
        keep.append(generator)
        await anext(generator)

    keep: list[object] = []
    begin = time.monotonic()
    run(main(), clock, grace=0.05)
    assert time.monotonic() - begin < 30


def test_a_hanging_thread_does_not_hold_up_the_end(gate: threading.Event) -> None:
    """Simulated time waits for threads during the run, not after it."""
    story: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            story.append("cleaned up")

    async def main() -> None:
        keep.append(asyncio.ensure_future(waiting()))
        keep.append(asyncio.get_running_loop().run_in_executor(None, gate.wait))
        await turns()

    keep: list[object] = []
    run(main(), SimulatedClock())
    assert story == ["cleaned up"]


def test_an_error_of_the_main_coroutine_comes_out() -> None:
    """`run` raises what its coroutine raised, after cleaning up."""

    async def main() -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        run(main(), SimulatedClock())
