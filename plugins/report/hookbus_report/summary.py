"""The metrics in the summary of the run."""

from __future__ import annotations

from hookbus_report.figures import compute
from hookbus_report.glossary import GLOSSARY
from hookbus_report.metrics import Undefined
from hookbus_report.record import MAIN, RunRecord
from hookbus_report.settings import ReportSettings
from hookbus_report.wording import text

__all__ = ["summary_rows"]

SHOWN = (
    "total_return",
    "cagr",
    "buy_and_hold",
    "sharpe",
    "sortino",
    "calmar",
    "volatility",
    "maximum_drawdown",
    "drawdown_days",
    "trades",
    "win_rate",
    "profit_factor",
    "expectancy",
    "exposure",
    "turnover",
    "commission",
)
"""The metrics that are shown, by key."""


def summary_rows(run: RunRecord, settings: ReportSettings) -> tuple[tuple[str, str], ...]:
    """Titles and values of the book `main`; the reasons for what is n/a are in the report."""
    book = run.books.get(MAIN)
    if book is None:
        return (("Book main", "no events"),)
    values = compute(run, book, settings).values
    return tuple(
        (
            one.title,
            "n/a" if isinstance(values[one.key], Undefined) else text(values[one.key], one.unit),
        )
        for one in GLOSSARY
        if one.key in SHOWN
    )
