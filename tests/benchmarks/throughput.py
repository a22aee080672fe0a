"""Nanoseconds per delivery, and per event from its creation to its last handler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

from .contenders import BareLoop, Contender
from .harness import Case, Plan, Series, compare
from .workload import KINDS, Kind, Tick, make_tick

SUBSCRIBERS = (1, 10, 100)
BURSTS = (1, 100)
PIPELINE_SUBSCRIBERS = 10
PIPELINE_BURST = 100


@dataclass(frozen=True)
class Row:
    """One contender in one case; times in nanoseconds, None where it could not be measured.

    A contender that is too slow for bursts of `burst` was sent bursts of `sent`; `refused` is how
    often it took no event and had to be asked again.
    """

    contender: str
    kind: Kind
    subscribers: int
    burst: int
    sent: int
    refused: int
    per_event: float | None
    per_delivery: float | None
    ratio_to_bare: float | None
    ratio_to_queue: float | None
    verdict: str
    exact: bool

    @property
    def events_per_second(self) -> float | None:
        """How many events a second go through."""
        return None if self.per_event is None else 1e9 / self.per_event


def run_deliveries(
    contenders: Sequence[type[Contender]], plan: Plan, say: Callable[[str], None]
) -> list[Row]:
    """Deliver one event object again and again, so that only delivery is measured."""
    rows = []
    same = partial(repeat, make_tick())
    for kind in KINDS:
        for burst in BURSTS:
            for subscribers in SUBSCRIBERS:
                say(f"deliveries: {kind} handlers, bursts of {burst}, {subscribers} subscribers")
                case = Case(kind, subscribers, burst, same)
                rows += _rows(compare(contenders, case, plan))
    return rows


def run_pipeline(
    contenders: Sequence[type[Contender]], plan: Plan, say: Callable[[str], None]
) -> list[Row]:
    """Create each event, publish it and deliver it to ten subscribers."""
    rows = []
    for kind in KINDS:
        say(f"pipeline: {kind} handlers")
        case = Case(kind, PIPELINE_SUBSCRIBERS, PIPELINE_BURST, _fresh)
        rows += _rows(compare(contenders, case, plan))
    return rows


def _fresh(count: int) -> Iterable[Tick]:
    return map(make_tick, range(count))


def _rows(lineup: Sequence[Series]) -> list[Row]:
    by_name = {series.contender.name: series for series in lineup}
    bare = by_name[BareLoop.name]
    queue = by_name.get("asyncio.Queue")
    return [_row(series, bare, queue) for series in lineup]


def _row(series: Series, bare: Series, queue: Series | None) -> Row:
    case = series.case
    measured = None if series.error else series.nanoseconds
    return Row(
        contender=series.contender.name,
        kind=case.kind,
        subscribers=case.subscribers,
        burst=case.burst,
        sent=series.burst,
        refused=series.refused,
        per_event=measured,
        per_delivery=None if measured is None else measured / case.subscribers,
        ratio_to_bare=None if measured is None else series.ratio(bare),
        ratio_to_queue=None if measured is None or queue is None else series.ratio(queue),
        verdict=series.verdict(),
        exact=series.exact,
    )
