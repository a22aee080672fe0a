"""The catalog: from the kind of a strategy, as the settings name it, to its class."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from hookbus_paper.strategy.strategies.buy_and_hold import BuyAndHold
from hookbus_paper.strategy.strategies.donchian_breakout import DonchianBreakout
from hookbus_paper.strategy.strategies.rsi_reversion import RsiReversion
from hookbus_paper.strategy.strategies.sma_cross import SmaCross

__all__ = ["GROUP", "strategy_class"]

GROUP = "hookbus.strategies"
"""The entry point group of strategies that other distributions bring along."""

_OWN: dict[str, type[Any]] = {
    "buy-and-hold": BuyAndHold,
    "donchian-breakout": DonchianBreakout,
    "rsi-reversion": RsiReversion,
    "sma-cross": SmaCross,
}
_NEEDED = ("Parameters", "indicators", "on_bar")


def strategy_class(kind: str) -> type[Any]:
    """The class of a kind: one of the package's own, an entry point, or `module:Class`.

    Raises `ValueError` that says what is known, or why the class cannot be used.
    """
    found = _OWN.get(kind)
    if found is not None:
        return found
    if ":" in kind:
        return _checked(kind, _imported(kind))
    points = {point.name: point for point in entry_points(group=GROUP)}
    if kind not in points:
        known = ", ".join(sorted({*_OWN, *points}))
        raise ValueError(f"kind {kind!r} is not known; use one of {known}, or module:Class")
    return _checked(kind, _imported(points[kind].value))


def _imported(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        return getattr(import_module(module), name)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise ValueError(f"{place} cannot be imported: {what}") from error


def _checked(kind: str, found: Any) -> type[Any]:
    missing = [name for name in _NEEDED if not hasattr(found, name)]
    if not isinstance(found, type) or missing:
        lacks = ", ".join(missing) or "being a class"
        raise ValueError(f"{kind} is no strategy: it lacks {lacks}")
    return found
