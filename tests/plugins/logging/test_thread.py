"""The thread that writes for the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hookbus_logging.thread import Worker


def test_work_is_done_in_order_off_the_loop() -> None:
    """One piece after the other, none of them on the thread of the loop."""

    async def main() -> list[tuple[int, bool]]:
        done: list[tuple[int, bool]] = []
        loop_thread = threading.get_ident()

        def work(number: int) -> None:
            done.append((number, threading.get_ident() != loop_thread))

        worker = Worker("writes")
        await asyncio.gather(*(worker.run(lambda n=n: work(n)) for n in range(20)))  # type: ignore[misc]
        assert await worker.stop(5)
        return done

    assert asyncio.run(main()) == [(number, True) for number in range(20)]


def test_an_error_reaches_whoever_waits() -> None:
    """A mistake in the work is raised where the work was asked for, and the thread goes on."""

    async def main() -> None:
        worker = Worker("writes")
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda: print(1 // 0))  # noqa: T201
        await worker.run(lambda: None)
        assert await worker.stop(5)

    asyncio.run(main())


def test_no_thread_is_left_after_it_was_stopped() -> None:
    """Stopping waits for the thread itself, not only for its work."""

    async def main() -> None:
        worker = Worker("stopped-writer")
        await worker.run(lambda: None)
        await worker.stop(5)

    asyncio.run(main())
    assert "stopped-writer" not in [thread.name for thread in threading.enumerate()]


def test_a_stuck_thread_holds_up_neither_stop_nor_exit() -> None:
    """Work that waits for ever is left to a daemon thread, and the caller is told."""
    release = threading.Event()

    def wait() -> None:
        release.wait(60)

    async def main() -> bool:
        worker = Worker("stuck-writer")
        waiting = asyncio.ensure_future(worker.run(wait))
        await asyncio.sleep(0)
        ended = await worker.stop(0.01)
        waiting.cancel()
        return ended

    assert asyncio.run(main()) is False
    (stuck,) = (thread for thread in threading.enumerate() if thread.name == "stuck-writer")
    assert stuck.daemon
    release.set()
    stuck.join(60)
    assert not stuck.is_alive()
