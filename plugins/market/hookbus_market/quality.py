"""What is odd about bars that are good by themselves: gaps, jumps, and bars that come twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Literal, NamedTuple

from hookbus_trading import Bar
from hookbus_trading.fields import DataDecision, DataDoubt

__all__ = ["Doubt", "OnJump", "Quality"]

OnJump = Literal["warn", "error", "skip"]
"""What becomes of a bar whose price jumps."""

_DECISIONS: dict[str, DataDecision] = {"warn": "passed", "error": "refused", "skip": "skipped"}
_SECOND = 1_000_000_000
_NEVER = 1 << 63
_MOST_PARTS = 10
_TOLERANCE = 0.05
_NEAR_HALF, _NEAR_DOUBLE = 0.45, 0.85


class Doubt(NamedTuple):
    """Something odd about the data, and what became of it.

    `size` tells which of two of a kind is larger, and `brief` says it in a few words; both are for
    gaps and jumps only.
    """

    kind: DataDoubt
    symbol: str | None
    time: datetime | None
    detail: str
    decision: DataDecision
    size: float = 0.0
    brief: str = ""


@dataclass(slots=True)
class _Seen:
    """The last bar of a symbol that was taken, and when its last bar was.

    Steps from `shortest` to `longest`, in nanoseconds, are as they should be; `learned` is where
    the step of `shortest` ended. `refused` is the last bar that was skipped for its price.
    """

    bar: Bar
    time_ns: int
    shortest: int = _NEVER
    longest: int = 0
    learned: datetime | None = None
    refused: Bar | None = None
    refused_ns: int = 0


class Quality:
    """Checks bars as they come, in the order of time; a comparison each where nothing is odd.

    A gap is a pause of more than `maximum_gap` intervals between two bars of a symbol. The interval
    is that of the bars, or else the shortest step so far. A jump is an open that is further from
    the last close than `maximum_jump`, as a fraction of it, or near 2, 3, ... 10 times as much or
    as little, as after a split. 0 switches a check off.

    A bar at the same time as the last one of its symbol, or before it, is skipped, or refused
    unless `skip_repeated`. After a jump that is skipped, a bar near the new price confirms it.
    """

    def __init__(
        self, *, maximum_gap: float, maximum_jump: float, on_jump: OnJump, skip_repeated: bool
    ) -> None:
        self._maximum_gap = maximum_gap
        self._maximum_jump = maximum_jump
        self._lowest = 1.0 - min(maximum_jump, _NEAR_HALF) if maximum_jump else 0.0
        self._highest = 1.0 + min(maximum_jump, _NEAR_DOUBLE) if maximum_jump else inf
        self._on_jump = _DECISIONS[on_jump]
        self._on_repeated: DataDecision = "skipped" if skip_repeated else "refused"
        self._seen: dict[str, _Seen] = {}

    def check(self, bar: Bar, time_ns: int) -> tuple[Doubt, ...]:
        """What is odd about the next bar, which was at `time_ns` nanoseconds since 1970."""
        seen = self._seen.get(bar.symbol)
        if seen is None:
            self._seen[bar.symbol] = self._first(bar, time_ns)
        elif (
            seen.shortest <= time_ns - seen.time_ns <= seen.longest
            and self._lowest < bar.open / seen.bar.close < self._highest
        ):
            seen.bar = bar
            seen.time_ns = time_ns
        else:
            return self._look(seen, bar, time_ns)
        return ()

    def _first(self, bar: Bar, time_ns: int) -> _Seen:
        if bar.interval_seconds is None:
            return _Seen(bar, time_ns)
        interval = round(bar.interval_seconds * _SECOND)
        return _Seen(bar, time_ns, shortest=1, longest=self._longest(interval))

    def _longest(self, interval: int) -> int:
        return round(interval * self._maximum_gap) if self._maximum_gap else _NEVER

    def _look(self, seen: _Seen, bar: Bar, time_ns: int) -> tuple[Doubt, ...]:
        step = time_ns - seen.time_ns
        if step <= 0:
            return (_repeated(bar, step, self._on_repeated),)
        doubts = *self._gaps(seen, bar, step), *self._jumps(seen, bar)
        seen.time_ns = time_ns
        if any(doubt.decision == "skipped" for doubt in doubts):
            seen.refused, seen.refused_ns = bar, time_ns
        else:
            seen.bar = bar
        return doubts

    def _gaps(self, seen: _Seen, bar: Bar, step: int) -> Iterator[Doubt]:
        if step < seen.shortest:
            # The step that was the shortest so far may turn out to have been a gap.
            former, time = seen.shortest, seen.learned
            seen.shortest, seen.longest = step, self._longest(step)
            seen.learned = bar.time
            if seen.longest < former < _NEVER:
                yield self._gap(bar.symbol, time, former, seen.longest)
        elif step > seen.longest:
            yield self._gap(bar.symbol, bar.time, step, seen.longest)

    def _gap(self, symbol: str, time: datetime | None, step: int, longest: int) -> Doubt:
        pause, interval = _duration(step), _duration(longest / self._maximum_gap)
        times = step / longest * self._maximum_gap
        detail = (
            f"no bar for {pause}, {times:,.4g} times the interval of {interval} "
            f"(maximum_gap = {self._maximum_gap:g})"
        )
        return Doubt("gap", symbol, time, detail, "passed", step, pause)

    def _jumps(self, seen: _Seen, bar: Bar) -> Iterator[Doubt]:
        ratio = bar.open / seen.bar.close
        if self._lowest < ratio < self._highest or self._is_confirmed(seen, bar):
            return
        parts = _parts(ratio)
        if abs(ratio - 1.0) <= self._maximum_jump and parts is None:
            return
        change = f"{ratio - 1.0:+.1%}"
        detail = (
            f"it opens at {bar.open:g} after a close of {seen.bar.close:g}, {change} "
            f"(maximum_jump = {self._maximum_jump:g}){_as_split(ratio, parts)}"
            f"{self._explanation(seen.bar, bar)}"
        )
        size = max(ratio, 1.0 / ratio)
        yield Doubt("jump", bar.symbol, bar.time, detail, self._on_jump, size, change)

    def _is_confirmed(self, seen: _Seen, bar: Bar) -> bool:
        if seen.refused is None or seen.refused_ns != seen.time_ns:
            return False
        return self._lowest < bar.open / seen.refused.close < self._highest

    def _explanation(self, before: Bar, bar: Bar) -> str:
        if before.adjusted_close is None or bar.adjusted_close is None:
            return ""
        adjusted = bar.open * (bar.adjusted_close / bar.close)
        if self._lowest < adjusted / before.adjusted_close < self._highest:
            return "; adjusted_close is adjusted for it"
        return "; adjusted_close jumps as well"


def _repeated(bar: Bar, step: int, decision: DataDecision) -> Doubt:
    if step == 0:
        detail = "there is already a bar of this symbol and time"
        return Doubt("duplicate", bar.symbol, bar.time, detail, decision)
    detail = f"it is {_duration(-step)} earlier than the bar before it"
    return Doubt("out_of_order", bar.symbol, bar.time, detail, decision)


def _parts(ratio: float) -> int | None:
    """How many new shares one old one would have become, or the other way round, if a few."""
    times = max(ratio, 1.0 / ratio)
    parts = round(times)
    near = 2 <= parts <= _MOST_PARTS and abs(times / parts - 1.0) <= _TOLERANCE
    return parts if near else None


def _as_split(ratio: float, parts: int | None) -> str:
    if parts is None:
        return ""
    return f", as in a {parts}:1 split" if ratio < 1.0 else f", as in a 1:{parts} reverse split"


def _duration(nanoseconds: float) -> str:
    return str(timedelta(microseconds=nanoseconds // 1_000))
