"""What a reader is told of the fast path when a run ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hookbus_fastpath.lane import RunnerLane
from hookbus_fastpath.latency import Latencies, seconds_text
from hookbus_fastpath.routing import Routes

__all__ = ["summary_rows"]

Row = tuple[str, str]

MOST_SHOWN = 5
"""Names that one row shows."""


def summary_rows(mode: str, routes: Routes, lanes: Sequence[RunnerLane]) -> tuple[Row, ...]:
    """Triggers, ticks and latencies, and whatever was left out."""
    ticks, told = sum(lane.ticks for lane in lanes), sum(lane.told for lane in lanes)
    rows = [
        ("Mode", mode),
        ("Triggers", f"{routes.heard:,}"),
        ("Ticks", f"{_told(ticks, told)} ({told - ticks:,} coalesced)"),
        ("Refreshes", f"{sum(lane.refreshes for lane in lanes):,}"),
        ("Latency", _latency(Latencies(lane.latencies for lane in lanes))),
    ]
    rows += [(f"Runner {lane.name}", _runner(lane)) for lane in lanes]
    return (*rows, *_left_out(routes, lanes))


def _latency(latencies: Latencies) -> str:
    if not len(latencies):
        return "no ticks"
    parts = [f"p{percent} {seconds_text(latencies.percentile(percent))}" for percent in (50, 99)]
    return ", ".join([*parts, f"longest {seconds_text(latencies.worst)}"])


def _runner(lane: RunnerLane) -> str:
    verb = "" if lane.publishes else "would have had "
    return f"{verb}{_told(lane.ticks, lane.told)}"


def _told(ticks: int, updates: int) -> str:
    return f"{_count(ticks, 'tick')} for {_count(updates, 'update')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _left_out(routes: Routes, lanes: Sequence[RunnerLane]) -> Iterator[Row]:
    untold = sum(lane.updates - lane.told for lane in lanes)
    if untold:
        yield "Updates not told", f"{untold:,}"
    unknown = routes.unknown
    if unknown:
        names = _some(name for name, _ in unknown.most_common())
        yield "Trades of symbols that no runner gets", f"{unknown.total():,} ({names})"
    silent = list(dict.fromkeys(symbol for lane in lanes for symbol in lane.silent))
    if silent:
        yield "Symbols without trades", f"{len(silent):,} ({_some(silent)})"


def _some(names: Iterable[str]) -> str:
    shown = list(names)
    more = ", …" if len(shown) > MOST_SHOWN else ""
    return ", ".join(shown[:MOST_SHOWN]) + more
