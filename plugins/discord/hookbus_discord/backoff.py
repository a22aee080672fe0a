"""Back-off: how long a webhook is left alone after failures."""

from __future__ import annotations

import random


class Backoff:
    """Exponential, with jitter: the n-th wait is between half and all of `first * 2**(n-1)`.

    Seconds, at most `most`. `chance` draws the jitter; one with a seed repeats itself.
    """

    def __init__(self, first: float, most: float, chance: random.Random) -> None:
        self.failures = 0
        self._first = first
        self._most = most
        self._chance = chance

    def failed(self) -> float:
        """Count a failure; returns the seconds to wait."""
        base = min(self._most, self._first * 2.0 ** min(self.failures, 64))
        self.failures += 1
        return base * (0.5 + 0.5 * self._chance.random())

    def succeeded(self) -> int:
        """Forget the failures; returns how many there were."""
        failures, self.failures = self.failures, 0
        return failures
