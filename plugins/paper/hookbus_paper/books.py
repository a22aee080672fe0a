"""Books: the account that counts, and the paper accounts of strategies that are not live."""

from hookbus_trading.fields import Stage

__all__ = ["MAIN", "book_of"]

MAIN = "main"
"""The account that counts."""


def book_of(strategy: str, stage: Stage) -> str:
    """The book that a strategy trades on in a stage: `main` when live, else one of its own."""
    return MAIN if stage == "live" else f"{stage}:{strategy}"
