"""Simulated time without a turn of the loop: the same story, only told faster."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hookbus.clock import SECOND, SimulatedClock
from hookbus.loop import SimulatedLoop, finish, run
from hypothesis import given
from hypothesis import strategies as st

Step = tuple[str, int]
Story = list[tuple[str, int, str, int]]


class CountingLoop(SimulatedLoop):
    """A loop that counts its turns."""

    turns = 0

    def _run_once(self) -> None:
        self.turns += 1
        super()._run_once()  # type: ignore[misc]


@contextmanager
def counting_loop() -> Iterator[CountingLoop]:
    """A loop that is closed in the end."""
    loop = CountingLoop()
    try:
        yield loop
    finally:
        finish(loop)


def play(main: Callable[[SimulatedClock], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario to its end on simulated time."""
    clock = SimulatedClock()
    run(main(clock), clock)


def test_a_lonely_sleeper_takes_no_turns() -> None:
    """A thousand bars, with nobody else there, cost a few turns of the loop and not a thousand."""
    with counting_loop() as loop:

        async def main() -> None:
            for _ in range(1_000):
                await loop.clock.sleep(60)

        loop.run_until_complete(main())
        assert loop.clock.now_ns() == 60_000 * SECOND
        assert loop.turns < 500


steps = st.tuples(
    st.sampled_from(["sleep", "asyncio", "turn", "spawn", "timer", "cancel"]),
    st.integers(0, 4),
)


async def _take(
    step: Step, name: str, clock: SimulatedClock, story: Story, group: asyncio.TaskGroup
) -> None:
    what, size = step
    loop = asyncio.get_running_loop()
    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "sleep": lambda: clock.sleep(size),
        "asyncio": lambda: asyncio.sleep(size),
        "turn": lambda: asyncio.sleep(0),
    }
    if what in ways:
        await ways[what]()
    elif what == "spawn":
        group.create_task(_play([("sleep", size)], f"{name}'", clock, story, group))
    elif what == "timer":
        loop.call_later(size, lambda: story.append((f"{name} timer", clock.now_ns(), what, size)))
    else:
        loop.call_soon(asyncio.current_task().cancel)  # type: ignore[union-attr]
        await clock.sleep(size)


async def _play(
    script: list[Step], name: str, clock: SimulatedClock, story: Story, group: asyncio.TaskGroup
) -> None:
    for step in script:
        with suppress(asyncio.CancelledError):
            await _take(step, name, clock, story, group)
        story.append((name, clock.now_ns(), *step))


def _told(scripts: list[list[Step]], *, leaps: bool) -> Story:
    clock, story = SimulatedClock(), Story()

    async def main() -> None:
        if not leaps:
            clock.idle_until = lambda time_ns: False
        async with asyncio.TaskGroup() as group:
            for number, script in enumerate(scripts):
                group.create_task(_play(script, f"task {number}", clock, story, group))
        await clock.sleep(10)

    run(main(), clock)
    return story


@given(st.lists(st.lists(steps, max_size=6), min_size=1, max_size=4))
def test_whether_time_leaps_or_turns_the_story_is_the_same(scripts: list[list[Step]]) -> None:
    """Sleepers, timers, tasks and cancellations: same order, same instants."""
    assert _told(scripts, leaps=True) == _told(scripts, leaps=False)


def test_a_task_that_was_cancelled_as_it_ran_sleeps_no_more() -> None:
    """A handler that cancels its own source stops it at the next pause, as asyncio promises."""

    async def sleeper(clock: SimulatedClock) -> None:
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await clock.sleep(60)

    async def main(clock: SimulatedClock) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.create_task(sleeper(clock))
        assert clock.now_ns() == 0

    play(main)


def test_what_came_in_is_handled_before_time_passes() -> None:
    """A host is not idle while there is something to read that it waits for."""

    async def main(clock: SimulatedClock) -> None:
        ours, theirs = socket.socketpair()
        read_at: list[int] = []
        with ours, theirs:

            def read() -> None:
                ours.recv(1)
                read_at.append(clock.now_ns())

            asyncio.get_running_loop().add_reader(ours, read)
            theirs.send(b"!")
            await clock.sleep(60)
            asyncio.get_running_loop().remove_reader(ours)
        assert read_at == [0]

    play(main)


def test_time_does_not_leap_while_a_thread_works() -> None:
    """What a thread finds out is known before the next bar."""
    gate = threading.Event()

    async def main(clock: SimulatedClock) -> None:
        answered_at: list[int] = []
        work = asyncio.get_running_loop().run_in_executor(None, gate.wait)
        work.add_done_callback(lambda _: answered_at.append(clock.now_ns()))
        threading.Timer(0.05, gate.set).start()
        await asyncio.sleep(0)
        await clock.sleep(60)
        assert answered_at == [0]

    play(main)


def test_a_signal_is_noticed_by_a_loop_that_only_leaps() -> None:
    """A simulation without end can be stopped."""
    begin = time.monotonic()

    async def main(clock: SimulatedClock) -> None:
        stopped: list[bool] = []
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, stopped.append, True)
        os.kill(os.getpid(), signal.SIGUSR1)
        while not stopped and time.monotonic() < begin + 10:
            await clock.sleep(60)
        assert stopped

    play(main)


def test_another_thread_is_heard_by_a_loop_that_only_leaps() -> None:
    """What a thread calls on the loop runs, although the sleeper never gives way by itself."""
    begin = time.monotonic()

    async def main(clock: SimulatedClock) -> None:
        told: list[bool] = []
        loop = asyncio.get_running_loop()
        threading.Timer(0.01, lambda: loop.call_soon_threadsafe(told.append, True)).start()
        while not told and time.monotonic() < begin + 10:
            await clock.sleep(60)
        assert told

    play(main)
