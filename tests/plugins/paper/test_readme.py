"""What the README promises can be pasted."""

import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hookbus.settings.settings import build
from hookbus_trading.flow import TradingSignal

from tests.plugins.paper.makers import bars_of
from tests.plugins.paper.running import PAPER, trade

README = Path(__file__).parents[3] / "plugins" / "paper" / "README.md"


def test_the_settings_in_the_readme_are_valid() -> None:
    """The configuration shown there has a table for each plugin, and every key is known."""
    text = README.read_text(encoding="utf-8")
    shown = text.partition("```toml\n")[2].partition("```")[0]
    tables = tomllib.loads(shown)["plugins"]
    models = {plugin.name: plugin.Settings for plugin in PAPER}
    assert set(tables) == set(models)
    for name, table in tables.items():
        settings = build(models[name], table)
        assert settings.model_fields_set == set(table)


def test_the_strategy_in_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an author is shown is a strategy that the settings accept and that trades."""
    text = README.read_text(encoding="utf-8")
    module = ModuleType("my_strategies")
    exec(text.partition("```python\n")[2].partition("```")[0], vars(module))
    monkeypatch.setitem(sys.modules, "my_strategies", module)
    spec: dict[str, Any] = {"kind": "my_strategies:Reversal", "parameters": {"bars": 2}}
    bars = bars_of([10.0, 9.0, 8.0, 7.0, 8.0])
    outcome = trade(bars, tmp_path, {"strategy": {"strategies": {"mine": spec}}})
    told = [(one.direction, one.reason) for one in outcome.events(TradingSignal)]
    assert told == [
        ("long", "2 closes down in a row"),
        ("long", "3 closes down in a row"),
        ("flat", "turned"),
    ]
