"""The controller: inputs in, and a policy out whenever it has to change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from hookbus_trading.control import HealthStatusChanged, PolicyUpdated, TradeExecuted
from hookbus_trading.flow import Bar, PortfolioUpdated

from hookbus_msc.equity import Equity
from hookbus_msc.events import PolicyPinned
from hookbus_msc.gating import StrategyGate
from hookbus_msc.health import Health
from hookbus_msc.hits import HitRate
from hookbus_msc.levels import AGGRESSIVE, DEFENSIVE, MODES, Gauge, level_of_mode
from hookbus_msc.pin import Pins, sentence
from hookbus_msc.ratchet import Ratchet
from hookbus_msc.record import Record, duration
from hookbus_msc.seen import Seen
from hookbus_msc.settings import MscSettings
from hookbus_msc.state import State
from hookbus_msc.volatility import Volatility

__all__ = ["BOOK", "Controller"]

BOOK: Final = "main"
"""The account that counts."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Controller:
    """Decides the mode and its limits.

    Each method takes one event and the time of the clock, in nanoseconds since 1970, and returns
    the policy if that changed with it. Nothing is returned before `begin`. `on_alarm` is to be
    called at `alarm_ns`, the next instant at which something ends by itself, None when nothing
    does. `notes` has what should be logged; whoever logs it clears it.
    """

    def __init__(self, settings: MscSettings) -> None:
        margin = settings.relax.hysteresis
        self._settings = settings
        self.volatility = Volatility(settings.volatility, margin)
        self.equity = Equity(settings.drawdown, settings.daily_loss, margin)
        self.hits = HitRate(settings.hit_rate, margin)
        self.health = Health(settings.health)
        self.gate = StrategyGate(settings.gating, settings.hit_rate.z)
        self.pins = Pins(settings.pin)
        self.ratchet = Ratchet(settings.relax.after_seconds, settings.relax.after_observations)
        self.record = Record()
        self.trades = Seen()
        self.notes: list[str] = []
        self.alarm_ns: int | None = None
        self._gauges = self._enabled()
        self._others = tuple(one for one in self._gauges if one is not self.volatility)
        self._demand = self._calm = AGGRESSIVE
        self._origin: tuple[str, ...] = ("no earlier run is known: it begins as normal",)
        self._why: tuple[str, ...] = ()
        self._terms: object = None
        self._look()

    def _enabled(self) -> tuple[Gauge, ...]:
        settings = self._settings
        gauges: tuple[tuple[bool, Gauge], ...] = (
            (settings.drawdown.enabled, self.equity.drawdown),
            (settings.daily_loss.enabled, self.equity.daily_loss),
            (settings.volatility.enabled, self.volatility),
            (settings.hit_rate.enabled, self.hits),
            (settings.health.enabled, self.health),
        )
        return tuple(gauge for enabled, gauge in gauges if enabled)

    # Events

    def on_bar(self, bar: Bar, now_ns: int) -> PolicyUpdated | None:
        """Take a bar, unless it repeats or precedes the last one of its symbol."""
        volatility = self.volatility
        if not volatility.update(bar):
            return None
        if self.alarm_ns is not None and now_ns >= self.alarm_ns:
            return self._observe(now_ns, bar.time)
        demand, calm = volatility.demand, volatility.calm
        if self._demand > demand:
            demand = self._demand
        if self._calm > calm:
            calm = self._calm
        before = self.ratchet.level
        if not self.ratchet.observe(demand, calm, now_ns):
            return None
        self._explain(before)
        return self._issue(now_ns, bar.time)

    def on_portfolio(self, event: PortfolioUpdated, now_ns: int) -> PolicyUpdated | None:
        """Take the state of the portfolio, if it is that of the account that counts."""
        if event.book != BOOK:
            return None
        self.equity.update(event.equity, event.drawdown, event.time or _from_ns(now_ns))
        return self._observe(now_ns, event.time)

    def on_trade(self, event: TradeExecuted, now_ns: int) -> PolicyUpdated | None:
        """Take a finished trade of the account that counts, unless it comes again."""
        if event.book != BOOK or not self.trades.is_new(event.trade_id):
            return None
        self.hits.update(won=event.pnl > 0)
        self.notes += self.gate.update(event.strategy, event.pnl, _from_ns(now_ns))
        return self._observe(now_ns, event.exit_time)

    def on_health(self, event: HealthStatusChanged, now_ns: int) -> PolicyUpdated | None:
        """Take a change of health, if its component counts."""
        return self._observe(now_ns, event.time) if self.health.update(event) else None

    def on_pinned(self, event: PolicyPinned, now_ns: int) -> PolicyUpdated | None:
        """Keep a mode by hand."""
        self.notes.append(self.pins.pin(event, _from_ns(now_ns)))
        return self.on_alarm(now_ns)

    def on_unpinned(self, now_ns: int) -> PolicyUpdated | None:
        """Let the inputs decide again."""
        self.notes.append(self.pins.unpin())
        return self.on_alarm(now_ns)

    def on_alarm(self, now_ns: int) -> PolicyUpdated | None:
        """End what ends by itself; this is no observation that brings relaxing nearer."""
        self._end_what_is_over(now_ns)
        self._look()
        return self._issue(now_ns, None)

    # The decision

    def _observe(self, now_ns: int, time: datetime | None) -> PolicyUpdated | None:
        self._end_what_is_over(now_ns)
        self._look()
        before = self.ratchet.level
        demand = max((one.demand for one in self._gauges), default=AGGRESSIVE)
        calm = max((one.calm for one in self._gauges), default=AGGRESSIVE)
        if self.ratchet.observe(demand, calm, now_ns):
            self._explain(before)
        return self._issue(now_ns, time)

    def _end_what_is_over(self, now_ns: int) -> None:
        now = _from_ns(now_ns)
        self.notes += self.pins.expire(now)
        self.notes += self.gate.readmit(now)
        self.notes += self.health.expire(now_ns)
        ends = [_to_ns(end) for end in (self.pins.due(), self.gate.due()) if end is not None]
        if self.health.deadline_ns is not None:
            ends.append(self.health.deadline_ns)
        self.alarm_ns = min(ends, default=None)

    def _look(self) -> None:
        """Keep what the inputs other than bars demand, so that a bar need not ask them."""
        self._demand = max((one.demand for one in self._others), default=AGGRESSIVE)
        self._calm = max((one.calm for one in self._others), default=AGGRESSIVE)

    def _explain(self, before: int) -> None:
        self._origin = ()
        level = self.ratchet.level
        if level > before:
            deciding = (one.sentence() for one in self._gauges if one.demand >= level)
            self._why = (f"tightened from {MODES[before]} to {MODES[level]}", *deciding)
            return
        relax = self._settings.relax
        dwell = f"{duration(relax.after_seconds)} and {relax.after_observations:,} observations"
        self._why = (
            f"relaxed from {MODES[before]} to {MODES[level]}: every input allowed it for {dwell}",
            *(one.sentence() for one in self._gauges),
        )

    def begin(self, now_ns: int) -> PolicyUpdated:
        """The first policy."""
        self._end_what_is_over(now_ns)
        self._look()
        before = self.ratchet.level
        demand = max((one.demand for one in self._gauges), default=AGGRESSIVE)
        if demand > before:
            self.ratchet.observe(demand, demand, now_ns)
            self._explain(before)
        policy = self._policy(None)
        self._terms = self._terms_now()
        self.record.issued(policy, now_ns)
        return policy

    def _issue(self, now_ns: int, time: datetime | None) -> PolicyUpdated | None:
        if self.record.last is None or self._terms_now() == self._terms:
            return None
        self._terms = self._terms_now()
        policy = self._policy(time)
        self.record.issued(policy, now_ns)
        return policy

    def _terms_now(self) -> object:
        """What a policy says, without its reasons."""
        level, pin = self._level(), self.pins.current
        return level, self.gate.allowed(self._settings.limits[level].strategies), pin

    def _level(self) -> int:
        pin = self.pins.current
        return self.ratchet.level if pin is None else level_of_mode(pin.mode)

    def _alone(self) -> str:
        return f"without the pin it would be {MODES[self.ratchet.level]}"

    def _policy(self, time: datetime | None) -> PolicyUpdated:
        level, pin = self._level(), self.pins.current
        limits = self._settings.limits[level]
        pinned = () if pin is None else (sentence(pin), self._alone())
        return PolicyUpdated(
            mode=MODES[level],
            allowed_strategies=self.gate.allowed(limits.strategies),
            minimum_confidence=limits.minimum_confidence,
            maximum_risk_per_trade=limits.maximum_risk_per_trade,
            maximum_positions=limits.positions,
            reasons=(*pinned, *self._origin, *self._why, *self.gate.sentences()),
            metrics={name: value for one in self._gauges for name, value in one.metrics().items()},
            pinned=pin is not None,
            time=time,
        )

    def rows(self, now_ns: int) -> tuple[tuple[str, str], ...]:
        """Summary rows."""
        repeats = self.trades.repeats
        repeated = (("Trades ignored: repeated", f"{repeats:,}"),) if repeats else ()
        return (*self.record.rows(now_ns), *self.volatility.rows(), *repeated)

    # Between runs

    def state(self, now_ns: int) -> State:
        """What must be kept between runs."""
        return State(
            mode=MODES[self.ratchet.level],
            reasons=self._why,
            calm_seconds=self.ratchet.calm_seconds(now_ns),
            calm_observations=self.ratchet.seen,
            pin=self.pins.state(),
            equity=self.equity.state(),
            trades=self.hits.state(),
            health=self.health.state(),
            volatility=self.volatility.state(),
            strategies=self.gate.state(),
        )

    def restore(self, state: State, now_ns: int) -> None:
        """Go on where an earlier run ended, in the same mode."""
        self.pins.restore(state.pin)
        if state.equity is not None:
            self.equity.restore(state.equity)
        self.hits.restore(state.trades)
        self.health.restore(state.health, now_ns)
        if not self.volatility.restore(state.volatility):
            self.notes.append("volatility begins anew: it is estimated in another way than before")
        self.gate.restore(state.strategies)
        level, calm = level_of_mode(state.mode), state.calm_seconds
        self.ratchet.restore(level, state.calm_observations, calm, now_ns)
        self._origin = (f"goes on as {state.mode} after a restart",)
        self._why = state.reasons

    def distrust(self, reason: str) -> None:
        """Begin as defensive, because nobody knows what an earlier run had decided."""
        self.ratchet.level = DEFENSIVE
        self._origin = (f"begins as defensive, since what was in force is unknown: {reason}",)


def _from_ns(time_ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=time_ns // 1000)


def _to_ns(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND * 1000
