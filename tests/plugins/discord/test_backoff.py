"""Back-off: it grows, has an end, spreads, and repeats itself where it has a seed."""

from __future__ import annotations

import random

from hookbus_discord.backoff import Backoff


def waits(seed: int, count: int = 12) -> list[float]:
    """The waits after so many failures in a row, from 1 s to at most 60 s."""
    backoff = Backoff(1.0, 60.0, random.Random(seed))
    return [backoff.failed() for _ in range(count)]


def test_it_doubles_up_to_a_limit() -> None:
    """Each wait is between half and all of the doubled one."""
    for seed in range(20):
        for number, wait in enumerate(waits(seed)):
            most = min(60.0, 2.0**number)
            assert most / 2 <= wait <= most


def test_the_jitter_is_that_of_the_seed() -> None:
    """Two back-tests wait alike; two hosts do not."""
    assert waits(1) == waits(1)
    assert waits(1) != waits(2)


def test_a_success_begins_anew_and_says_how_many_failed() -> None:
    """Whoever reports the recovery knows how long it took."""
    backoff = Backoff(1.0, 60.0, random.Random(1))
    for _ in range(5):
        backoff.failed()
    assert backoff.succeeded() == 5
    assert backoff.failed() <= 1.0


def test_a_thousand_failures_do_not_overflow() -> None:
    """An outage of days is still an outage."""
    assert waits(1, 2000)[-1] <= 60.0
