"""A generation counter for each symbol: many updates, one reaction, the latest wins."""

from __future__ import annotations

from dataclasses import dataclass

from hookbus_trading.pipeline import TradesIngested

__all__ = ["Pending", "Picture"]


@dataclass(frozen=True, slots=True)
class Pending:
    """Updates of one symbol that are to be told as one.

    `latest` is the newest of them, `generation` its number among all updates of the symbol,
    `updates` how many they are, `volume` the sum of their volumes, and `since_ns` when the first of
    them came, in nanoseconds since 1970.
    """

    latest: TradesIngested
    generation: int
    updates: int
    volume: float
    since_ns: int


class Picture:
    """All that is known of one symbol, and which part of it has been told.

    `generation` counts the updates and `told` those of them that were taken; `trades` and `volume`
    are sums since the start, `latest_ns` is when the `latest` update came.
    """

    __slots__ = (
        "_untold_since_ns",
        "_untold_volume",
        "generation",
        "latest",
        "latest_ns",
        "told",
        "trades",
        "volume",
    )

    def __init__(self) -> None:
        self.latest: TradesIngested | None = None
        self.latest_ns = 0
        self.generation = 0
        self.told = 0
        self.trades = 0
        self.volume = 0.0
        self._untold_volume = 0.0
        self._untold_since_ns = 0

    def note(self, trades: TradesIngested, now_ns: int) -> bool:
        """Note an update; whether it is the first one that has not been told."""
        first = self.generation == self.told
        if first:
            self._untold_volume = 0.0
            self._untold_since_ns = now_ns
        self.generation += 1
        self.trades += trades.count
        self.volume += trades.volume
        self._untold_volume += trades.volume
        self.latest, self.latest_ns = trades, now_ns
        return first

    def take(self) -> Pending | None:
        """What has not been told, if there is any; from now on it counts as told."""
        updates = self.generation - self.told
        if self.latest is None or updates == 0:
            return None
        self.told = self.generation
        return Pending(
            self.latest, self.generation, updates, self._untold_volume, self._untold_since_ns
        )
