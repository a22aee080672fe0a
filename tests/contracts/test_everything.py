"""The example with every plugin on: it works, and the same inputs give the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGINS = ("market", "paper", "msc", "opprank", "health", "journal", "report", "trading")
for distribution in PLUGINS:
    pytest.importorskip(f"hookbus_{distribution}")

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "everything" / "hookbus.toml"
SHORTER = "plugins.market.synthetic.bars=800"


def run_example(folder: Path, hash_seed: str) -> subprocess.CompletedProcess[str]:
    """Run the example in a fresh interpreter; events and report are written to the folder."""
    folder.mkdir()
    command = [sys.executable, "-m", "hookbus", "run", str(EXAMPLE), "--set", SHORTER, "--strict"]
    files = ["--events", str(folder / "events.jsonl"), "--report", str(folder / "report.html")]
    state = ["--set", f"host.state={folder / 'state'}"]
    return subprocess.run(
        [*command, *files, *state, "--json"],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )


def test_with_all_plugins_on_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    """Two interpreters that order sets differently write the same record and the same report."""
    runs = [run_example(tmp_path / seed, seed) for seed in ("1", "2")]
    for name in ("events.jsonl", "report.html"):
        first, second = ((tmp_path / seed / name).read_bytes() for seed in ("1", "2"))
        assert first == second
        assert len(first) > 100_000
    types = json.loads(runs[0].stdout)["ledger"]["by_type"]
    assert types["control.policy"] >= 1
    assert types["control.opportunities"] > 10
    assert types["trade.executed"] > 10
    assert types["trading.order_cancelled"] > 10
    records = [str(tmp_path / seed / "events.jsonl") for seed in ("1", "2")]
    compared = subprocess.run(
        [sys.executable, "-m", "hookbus", "compare", *records], capture_output=True, text=True
    )
    assert compared.returncode == 0, compared.stdout
