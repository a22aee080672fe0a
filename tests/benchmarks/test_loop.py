"""The benchmark of the trading loop runs what it says, and shows what fails."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from .loop import BARS, LOOP, RECORDED, REFERENCE, STAGES, Row, Run, _Case, _made_up, _measure, _row
from .results import Results
from .targets import judge

needs_reference = pytest.mark.skipif(
    find_spec("backtesting") is None, reason="backtesting.py is not installed"
)


def case(name: str = LOOP, bars: int = BARS) -> _Case:
    """A case that is not run."""
    return _Case(name, bars, "genuine", {})


def row(name: str, bars: int, microseconds: float, ratio: float | None = None) -> Row:
    """A row as if it had been measured."""
    return Row(name, bars, "made-up", microseconds, 1e6 / microseconds, ratio, 1e8, "ok")


def test_a_run_is_timed_and_leaves_the_record(tmp_path: Path) -> None:
    """All stages over a short file, in a process of its own."""
    record = tmp_path / "record.jsonl"
    bars = _made_up(tmp_path, 800)
    run = _measure({"bars": str(bars), "plugins": STAGES, "record": str(record)})
    assert not run.error
    assert run.seconds > 0
    text = record.read_text(encoding="utf-8")
    assert text.count('"type":"market.bar"') == 800
    assert text.count('"type":"trading.fill"') > 0


@needs_reference
def test_the_reference_runs_on_the_same_file(tmp_path: Path) -> None:
    """The other back-tester takes the same bars."""
    run = _measure({"bars": str(_made_up(tmp_path, 800)), "reference": True})
    assert not run.error
    assert run.seconds > 0


def test_a_run_that_fails_is_shown_as_failed(tmp_path: Path) -> None:
    """A file that is not there, or a feed that ends half-way, gives no figures."""
    bars = _made_up(tmp_path, 600)
    bars.write_text(bars.read_text(encoding="utf-8") + "never,,,,,,\n", encoding="utf-8")
    run = _measure({"bars": str(bars), "plugins": STAGES, "record": None})
    assert run.error.startswith("FAILED: ")
    shown = _row(case(), [Run(1.0, None), run], [Run(1.0, None)])
    assert (shown.microseconds, shown.ratio, shown.verdict) == (None, None, run.error)


def test_ratios_are_those_of_the_same_turn() -> None:
    """A machine that is slow for one turn slows both sides of it down."""
    mine = [Run(2.0, None), Run(20.0, None), Run(2.0, 5.0)]
    its = [Run(1.0, None), Run(10.0, None), Run(1.0, None)]
    assert _row(case(), mine, its).ratio == 2.0
    assert _row(case(), mine, []).ratio is None
    assert _row(case(bars=1_000), mine, its).ratio is None
    assert _row(case(), mine, its).memory == 5.0


def test_targets_that_are_missed_are_shown_as_missed() -> None:
    """As ratios to the other back-tester, and to the shorter run."""
    results = Results()
    results.loop = [
        row(REFERENCE, BARS, 8.0, 1.0),
        row(LOOP, BARS, 20.0, 2.5),
        row(RECORDED, BARS, 20.0, 2.5),
        row("the loop over 1,000 made-up bars", 1_000, 90.0),
        row("the loop over 10,000 made-up bars", 10_000, 10.0),
        row("the loop over 1,000,000 made-up bars", 1_000_000, 15.0),
    ]
    judged = [(target.measured, target.limit, target.met) for target in judge(results)]
    assert judged == [(2.5, 1.0, False), (2.5, 3.0, True), (1.5, 1.2, False)]
