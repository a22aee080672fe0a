"""The example of a complete trading run: it works on a fresh machine, and always alike."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hookbus import Host, SimulatedClock
from hookbus.loop import run
from hookbus.runreport import RunReport
from hookbus.settings.config import load_config

pytest.importorskip("hookbus_market", reason="the example needs hookbus-market")

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "trading" / "hookbus.toml"


def run_example(folder: Path, *overrides: str) -> tuple[RunReport, bytes]:
    """Run a copy of the example in a folder; returns the report and the recorded events."""
    folder.mkdir()
    config = load_config(shutil.copy(EXAMPLE, folder), overrides)
    assert config.problems == ()
    clock = SimulatedClock(pace=config.clock.pace)
    host = Host(config, clock=clock, record_to=folder / "events.jsonl")
    report = run(host.run(), clock)
    return report, (folder / "events.jsonl").read_bytes()


def test_the_example_goes_from_prices_to_fills(tmp_path: Path) -> None:
    """Every stage reports, orders are made, filled and refused, and the books balance."""
    report, events = run_example(tmp_path / "run")
    assert (report.exit_code, report.failed_plugins, report.failed_sources) == (0, (), ())
    assert report.reason == "all sources have finished"
    titles = {summary.title for summary in report.summaries}
    assert titles >= {"Market", "Strategy", "Risk", "Execution", "Portfolio"}
    counts = report.ledger.by_type
    assert counts["market.bar"] == 18_000
    assert counts["trading.order"] >= counts["trading.fill"] > 100
    assert counts["trading.order_rejected"] > 10
    assert report.ledger.discrepancies == ()
    assert events.count(b"\n") == report.ledger.published


def test_the_example_gives_the_same_bytes_every_time(tmp_path: Path) -> None:
    """Two runs in different folders write the same events; another seed writes others."""
    shorter = "plugins.market.synthetic.bars=500"
    _, first = run_example(tmp_path / "first", shorter)
    _, second = run_example(tmp_path / "second", shorter)
    _, other = run_example(tmp_path / "other", shorter, "plugins.market.synthetic.seed=8")
    assert first == second != other


def test_the_example_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    """Fresh interpreters that order sets and dictionaries differently write the same bytes."""
    program = (
        "import sys; from pathlib import Path; "
        "from tests.plugins.paper.test_example import run_example; "
        "run_example(Path(sys.argv[1]), 'plugins.market.synthetic.bars=500')"
    )
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / seed)],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(EXAMPLE.parents[3])},
            check=True,
        )
    first, second = ((tmp_path / seed / "events.jsonl").read_bytes() for seed in ("1", "2"))
    assert first.count(b"\n") > 1500
    assert first == second
