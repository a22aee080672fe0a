"""The settings of the report: where it goes, and the conventions of its metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from hookbus import Settings
from pydantic import AfterValidator, Field

__all__ = ["ReportSettings"]

ENDINGS = (".html", ".htm", ".json")


def _known_ending(path: Path) -> Path:
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{path.name!r} must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    return path


class ReportSettings(Settings):
    """Where the report goes, and the conventions of its metrics."""

    file: Annotated[Path, AfterValidator(_known_ending)] | None = Field(
        None,
        description="The file to write when the run ends, relative to the configuration file: "
        ".html for a page, .json for all metrics and series. Without it the plugin does nothing.",
    )
    title: str = Field("Trading report", min_length=1, description="Heading of the page.")
    risk_free: Annotated[float, Field(gt=-1, le=10, allow_inf_nan=False)] = Field(
        0.0,
        description="Risk-free rate for a year, as a fraction (0.03 is 3 %), of the Sharpe and "
        "Sortino ratios.",
    )
    days_per_year: Literal[365, 252] = Field(
        365,
        description="365: every UTC day is a period; right for every market. 252: only UTC days "
        "with a bar are, as is usual for exchanges that close at weekends.",
    )
    points: int = Field(
        2_000,
        ge=100,
        le=100_000,
        description="Most points of each curve; of more, every extreme is kept.",
    )
    rows: int = Field(
        5_000,
        ge=1,
        le=1_000_000,
        description="Most trades, marks in charts and changes of state that are listed, the latest "
        "ones; metrics count all.",
    )
    charts: int = Field(
        20,
        ge=0,
        le=1_000,
        description="Most symbols with a chart of their price; those with most fills come first.",
    )
