"""The fast path: many trades, one tick for each runner, at once."""

from hookbus_fastpath.events import SymbolRefreshed
from hookbus_fastpath.plugin import FastpathPlugin
from hookbus_fastpath.settings import FastpathSettings, RunnerSettings

__all__ = ["FastpathPlugin", "FastpathSettings", "RunnerSettings", "SymbolRefreshed"]
