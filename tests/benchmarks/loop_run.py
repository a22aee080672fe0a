"""One run of a trading loop in this process: `python loop_run.py JSON` prints what it took.

The wish is `{"bars": CSV, "plugins": [...], "record": FILE or null}`, or
`{"bars": CSV, "reference": true}` for the same strategy in backtesting.py. Reading the bars is
counted. Imports are not: a run over the first bars comes before, for what is imported late.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

FAST, SLOW, QUANTITY = 10, 30, 1
FIRST = 500
COLUMNS = ["date", "clock", "Open", "High", "Low", "Close", "Volume", "interest"]


def settings_of(bars: str) -> dict[str, dict[str, Any]]:
    """The settings of every plugin that a run may have."""
    cross = {"fast": FAST, "slow": SLOW, "below": "short"}
    return {
        "trading": {},
        "market": {"files": [{"path": bars, "symbol": "X"}]},
        "strategy": {"strategies": {"cross": {"kind": "sma-cross", "parameters": cross}}},
        "risk": {"fixed_quantity": QUANTITY, "quantity_step": 1, "maximum_leverage": None},
        "execution": {"commission_bps": 1, "slippage_bps": 0},
        "portfolio": {"starting_cash": 1_000_000},
    }


def run_hookbus(wish: dict[str, Any]) -> float:
    """Seconds of a whole run of a host."""
    from hookbus import Host
    from hookbus.logs import make_logger
    from hookbus.loop import run
    from hookbus.settings.config import make_config

    known = settings_of(wish["bars"])
    tables = {name: known.get(name, {}) for name in wish["plugins"]}
    data = {"clock": {"mode": "simulated"}, "plugins": {"autoload": False, **tables}}
    record = None if wish["record"] is None else Path(wish["record"])
    host = Host(make_config(data), record_to=record, log=make_logger("error")).load()
    started = time.perf_counter()
    report = run(host.run(), host.clock)
    seconds = time.perf_counter() - started
    if report.failed_plugins or report.exit_code:
        raise SystemExit(f"failed: {report.failed_plugins} {report.failed_sources}")
    return seconds


def run_reference(wish: dict[str, Any]) -> float:
    """Seconds of the same strategy in backtesting.py, with reading the file by pandas."""
    pd, backtesting = import_module("pandas"), import_module("backtesting")
    crossover = import_module("backtesting.lib").crossover

    class Cross(backtesting.Strategy):  # type: ignore[misc, name-defined]
        def init(self) -> None:
            self.fast, self.slow = (
                self.I(lambda closes, size: pd.Series(closes).rolling(size).mean(), *which)
                for which in ((self.data.Close, FAST), (self.data.Close, SLOW))
            )

        def next(self) -> None:
            if crossover(self.fast, self.slow):
                self.position.close()
                self.buy(size=QUANTITY)
            elif crossover(self.slow, self.fast):
                self.position.close()
                self.sell(size=QUANTITY)

    warnings.simplefilter("ignore")
    started = time.perf_counter()
    table = pd.read_csv(wish["bars"], names=COLUMNS, skiprows=1)
    table.index = pd.to_datetime(table["date"] + " " + table["clock"])
    backtesting.Backtest(table[COLUMNS[2:7]], Cross, cash=1_000_000, commission=0.0001).run()
    return time.perf_counter() - started


def peak_memory() -> float | None:
    """Most bytes that this process has had resident, where the system tells."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peaks = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peaks[0]) * 1024.0 if peaks else None


def measure(wish: dict[str, Any]) -> float:
    """Seconds of a run, after one over the first bars."""
    take = run_reference if wish.get("reference") else run_hookbus
    with tempfile.TemporaryDirectory() as folder, open(wish["bars"], encoding="utf-8") as file:
        first = Path(folder, "first.csv")
        first.write_text("".join(islice(file, FIRST + 1)), encoding="utf-8")
        take({**wish, "bars": str(first)})
    return take(wish)


if __name__ == "__main__":
    taken = measure(json.loads(sys.argv[1]))
    print(json.dumps({"seconds": taken, "memory": peak_memory()}))
