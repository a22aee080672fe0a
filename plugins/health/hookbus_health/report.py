"""What is said of all components when the run has ended."""

from __future__ import annotations

from hookbus_health.board import SYSTEM, Board, Component


def summary_rows(board: Board) -> tuple[tuple[str, str], ...]:
    """The system, then every component that was not always healthy, then how many were."""
    unwell = {name: one for name, one in board.components.items() if one.changes}
    well = len(board.components) - len(unwell)
    rows = [(name, _describe(one)) for name, one in {SYSTEM: board.system, **unwell}.items()]
    return (*rows, ("Always healthy", f"{well} component{'' if well == 1 else 's'}"))


def _describe(one: Component) -> str:
    if not one.changes:
        return "always healthy"
    times = f"{one.changes} change{'' if one.changes == 1 else 's'}"
    return f"worst {one.worst}, now {one.status.level}, {times}"
