"""A recorded trading run, with every plugin on, comes out the same; what differs is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hookbus.testing import CommandResult
from hookbus.testing.commands import run_command

for distribution in ("journal", "market", "paper", "msc", "opprank", "health", "trading"):
    pytest.importorskip(f"hookbus_{distribution}")

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "everything" / "hookbus.toml"
SHORTER = ("--set", "plugins.market.synthetic.bars=500")
FAST = "plugins.strategy.strategies.cross.parameters.fast"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the example has run."""
    folder = tmp_path_factory.mktemp("recorded")
    shutil.copy(EXAMPLE, folder)
    assert hookbus(folder, "run", *SHORTER, "--no-progress").exit_code == 0
    return folder


def hookbus(folder: Path, *arguments: str) -> CommandResult:
    """Run `hookbus`."""
    return run_command(*arguments, folder=folder, env={"COLUMNS": "200"})


def test_the_example_comes_out_the_same(recorded: Path) -> None:
    """From its bars: signals, orders, fills, portfolios, rankings and policies, every one."""
    record = hookbus(recorded, "journal", "info", "--json").json["types"]
    done = hookbus(recorded, "journal", "replay", *SHORTER, "--json")
    assert done.exit_code == 0, done.stdout + done.stderr
    assert done.json["inputs"] == record["market.bar"] == 3 * 500
    others = [name for name in record if not name.startswith(("hookbus.", "market.bar"))]
    assert done.json["equal_events"] == sum(record[name] for name in others)
    assert {"trading.fill", "trading.portfolio", "control.opportunities"} <= set(others)


def test_another_parameter_of_a_strategy_shows_in_its_first_signal(recorded: Path) -> None:
    """Not in the fills and the portfolio, which only follow from that."""
    done = hookbus(recorded, "journal", "replay", *SHORTER, "--set", f"{FAST}=25")
    assert done.exit_code == 1
    assert "of the record differs in data.strength, data.reason." in done.stdout
    assert '"sma24 ' in done.stdout
    assert '"sma25 ' in done.stdout
    assert "then trading.signal (everything-" in done.stdout
