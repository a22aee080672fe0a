"""Gating: a strategy whose own last trades are bad is taken out for a while."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from hookbus_msc.hits import wilson
from hookbus_msc.settings import GatingSettings
from hookbus_msc.state import StrategyState

__all__ = ["StrategyGate"]

_ZERO = Decimal(0)


class _Record:
    """The last results of one strategy, in the account currency.

    `reason` is set while it is out; `until` is when it comes back, None for never.
    """

    __slots__ = ("reason", "results", "until")

    def __init__(self, trades: int) -> None:
        self.results: deque[Decimal] = deque(maxlen=trades)
        self.reason = ""
        self.until: datetime | None = None


class StrategyGate:
    """Watches the strategies that the settings name, each by its own trades."""

    def __init__(self, settings: GatingSettings, z: float) -> None:
        self._settings = settings
        self._z = z
        self._records = {name: _Record(settings.trades) for name in settings.strategies}

    def allowed(self, strategies: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Those of some strategies (None: all) that are not out; None when all that exist are."""
        if not self._records:
            return strategies
        wanted = self._settings.strategies if strategies is None else strategies
        return tuple(name for name in wanted if not self._records[name].reason)

    def sentences(self) -> tuple[str, ...]:
        """Which strategies are out, and why."""
        return tuple(one.reason for one in self._records.values() if one.reason)

    def update(self, strategy: str, pnl: Decimal, now: datetime) -> list[str]:
        """Take the profit of a trade, after costs; a sentence when that takes its strategy out."""
        record = self._records.get(strategy)
        if record is None:
            return []
        record.results.append(pnl)
        if record.reason or len(record.results) < self._settings.minimum_trades:
            return []
        why = self._too_few_won(record.results) or self._too_much_lost(record.results)
        if not why:
            return []
        record.until, end = self._end(now)
        record.reason = f"strategy {strategy} is out {end}: {why}"
        return [record.reason]

    def _end(self, now: datetime) -> tuple[datetime | None, str]:
        seconds = self._settings.back_after
        if seconds is None:
            return None, "for good"
        until = now + timedelta(seconds=seconds)
        return until, f"until {until:%Y-%m-%d %H:%M} UTC"

    def _too_few_won(self, results: deque[Decimal]) -> str:
        least = self._settings.minimum_hit_rate
        won = sum(pnl > 0 for pnl in results)
        high = wilson(won, len(results), self._z).high
        if least is None or high >= least:
            return ""
        return f"{won} of {len(results)} trades won, at most {high:.1%}, which is below {least:.1%}"

    def _too_much_lost(self, results: deque[Decimal]) -> str:
        least = self._settings.minimum_profit_factor
        gains = sum((pnl for pnl in results if pnl > 0), _ZERO)
        losses = -sum((pnl for pnl in results if pnl < 0), _ZERO)
        if least is None or gains >= losses * Decimal(repr(least)):
            return ""
        return (
            f"gained {gains:,.2f} and lost {losses:,.2f} in {len(results)} trades, "
            f"a profit factor of {gains / losses:.2f}, which is below {least:g}"
        )

    def due(self) -> datetime | None:
        """When the next strategy comes back, None when none does."""
        return min((one.until for one in self._records.values() if one.until), default=None)

    def readmit(self, now: datetime) -> list[str]:
        """Let back in whose time is over; returns a sentence for each."""
        back = [
            name
            for name, one in self._records.items()
            if one.until is not None and one.until <= now
        ]
        for name in back:
            self._records[name] = _Record(self._settings.trades)
        return [f"strategy {name} is back, with its trades forgotten" for name in back]

    def state(self) -> dict[str, StrategyState]:
        """What must be kept between runs."""
        return {
            name: StrategyState(results=tuple(one.results), until=one.until, reason=one.reason)
            for name, one in self._records.items()
        }

    def restore(self, state: Mapping[str, StrategyState]) -> None:
        """Go on where an earlier run ended."""
        for name, kept in state.items():
            record = self._records.get(name)
            if record is not None:
                record.results.extend(kept.results)
                record.until, record.reason = kept.until, kept.reason
