"""The benchmarks find out who loses events, who invents some and who is not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from pathlib import Path
from xml.etree import ElementTree

import pytest

from .adapter import Hookbus
from .chart import write_chart
from .contenders import BareLoop, Contender, QueueEach, TaskEach
from .harness import Case, Plan, Series, compare, rotations
from .results import Results
from .targets import judge
from .throughput import Row
from .workload import Handler, Kind, Tick, make_tick

PLAN = Plan(repeats=2, budget=0.001)


class Forgetful(BareLoop):
    """Never tells the first subscriber of the last event of a burst."""

    name = "forgetful"

    async def publish(self, events: Iterable[Tick]) -> None:
        """Drop one delivery."""
        *most, last = events
        await super().publish(most)
        for handler in self._handlers[1:]:
            handler(last)


class Stammering(BareLoop):
    """Tells every subscriber twice."""

    name = "stammering"

    async def publish(self, events: Iterable[Tick]) -> None:
        """Deliver each event two times."""
        for event in events:
            await super().publish(repeat(event, 2))


class Missing(BareLoop):
    """A library that is not installed."""

    name = "missing"

    async def open(self, handlers: Sequence[Handler]) -> None:
        """Fail as an import does."""
        raise ModuleNotFoundError("no module named 'missing'")


class Broken(BareLoop):
    """A library that raises."""

    name = "broken"

    async def publish(self, events: Iterable[Tick]) -> None:
        """Fail."""
        raise ValueError("full")


def measured(contender: type[Contender], kind: Kind = "inline") -> Series:
    """One contender after the bare loop, measured for a moment."""
    case = Case(kind, subscribers=3, burst=4, make_events=lambda count: repeat(make_tick(), count))
    return compare([BareLoop, contender], case, PLAN)[1]


@pytest.mark.parametrize("kind", ["async", "inline"])
@pytest.mark.parametrize("contender", [Hookbus, BareLoop, QueueEach])
def test_counts_every_delivery(contender: type[Contender], kind: Kind) -> None:
    """Whoever delivers every event to everybody once is called exact, and has a figure."""
    series = measured(contender, kind)
    assert series.verdict() == "ok"
    assert series.nanoseconds > 0


def test_counts_every_delivery_of_tasks() -> None:
    """Deliveries that tasks make after publishing has returned are waited for."""
    assert measured(TaskEach, "async").exact


def test_finds_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscriber that misses an event turns the row into a failure with the number of losses."""
    monkeypatch.setattr("tests.benchmarks.harness.PATIENCE", 0.01)
    series = measured(Forgetful)
    assert series.lost > 0
    assert series.verdict() == f"FAILED: lost {series.lost}"


def test_finds_surplus() -> None:
    """A subscriber that is told twice is no success either."""
    assert "too many" in measured(Stammering).verdict()


def test_names_what_is_not_installed() -> None:
    """A library that cannot be imported is a row that says so."""
    series = measured(Missing)
    assert (series.verdict(), series.measurements) == ("not installed", [])


def test_names_what_fails() -> None:
    """A library that raises is a row with its error, and the others are measured."""
    assert measured(Broken).verdict() == "FAILED: ValueError: full"


def test_rotates_the_order() -> None:
    """Each contender goes first once in as many repeats as there are contenders."""
    assert [turn[0] for turn in rotations("abc", 4)] == ["a", "b", "c", "a"]


def make_row(contender: str, ratio: float) -> Row:
    """A row as the bursts of 100 to 10 async handlers give it."""
    return Row(contender, "async", 10, 100, 100, 0, 1000.0, 100.0, ratio, ratio, "ok", exact=True)


@pytest.mark.parametrize(("ratio", "met"), [(3.0, True), (3.01, False)])
def test_judges_the_ratio_to_the_bare_loop(ratio: float, met: bool) -> None:
    """The target for ten subscribers is met up to three times the bare loop, and not above."""
    (target,) = judge(Results(deliveries=[make_row("hookbus", ratio), make_row("pyee", 9.0)]))
    assert (target.measured, target.met) == (ratio, met)


def test_draws_a_bar_for_each_contender(tmp_path: Path) -> None:
    """The chart is well-formed SVG with a bar per row, the slowest cut at the edge."""
    rows = [make_row("hookbus", 3.0), make_row("bare loop", 1.0)]
    write_chart(rows, tmp_path / "chart.svg")
    svg = ElementTree.parse(tmp_path / "chart.svg")
    texts = [node.text for node in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("100") == 2 + 2
    assert {"hookbus", "bare loop"} <= set(texts)
