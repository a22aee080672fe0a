"""Remarks below the report: conventions, and whatever was thinned or left out, with its number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hookbus_report.record import RunRecord
from hookbus_report.settings import ReportSettings

__all__ = ["notes"]


def notes(run: RunRecord, settings: ReportSettings, charted: Sequence[str]) -> list[str]:
    """Every remark, in the order in which they matter."""
    return [
        *_conventions(settings),
        *_thinned(run, settings, charted),
        *_left_out(run, settings, charted),
        *_ignored(run),
    ]


def _conventions(settings: ReportSettings) -> Iterator[str]:
    days = "every UTC day" if settings.days_per_year == 365 else "UTC days with a bar"
    yield (
        f"Daily returns are those of {days}: from the last equity known at the end of one to that "
        "of the next. A day without an update carries the last equity forward. The first return is "
        f"that of the first day on the first equity. A year has {settings.days_per_year} of these "
        f"days; the risk-free rate is {settings.risk_free:.2%} a year."
    )
    yield "All times are UTC, and amounts are in the account currency."


def _thinned(run: RunRecord, settings: ReportSettings, charted: Sequence[str]) -> Iterator[str]:
    curves = [book.equity for book in run.books.values()]
    curves += [run.quotes[name].closes for name in charted]
    thinned = [curve for curve in curves if curve.thinned]
    if thinned:
        size = max(curve.size for curve in thinned)
        yield (
            f"Curves are drawn with at most {settings.points:,} points. Of longer ones, up to "
            f"{size:,} neighbouring points were joined and their lowest and highest kept, so that "
            "no extreme is missing. Metrics are computed from all points."
        )
    if run.rankings.stride > 1:
        yield f"One ranking of {run.rankings.stride:,} is drawn, besides the last."


def _left_out(run: RunRecord, settings: ReportSettings, charted: Sequence[str]) -> Iterator[str]:
    without_chart = len(run.quotes) - len(charted)
    if without_chart:
        yield f"{without_chart:,} symbols with fewer fills have no chart (setting charts)."
    listed = {
        "earlier trades": sum(book.trades.left_out for book in run.books.values()),
        "earlier marks in charts": sum(
            book.marked - len(book.marks) for book in run.books.values()
        ),
        "earlier changes of policy": run.policy.left_out,
        "changes of health": run.health.left_out,
        "changes of stage": run.stages.left_out,
        "earlier halts and resumptions": run.halts.left_out,
    }
    for what, count in listed.items():
        if count:
            yield f"{count:,} {what} are not listed (setting rows); metrics count all trades."


def _ignored(run: RunRecord) -> Iterator[str]:
    ignored = {
        "bars older than one before them of the same symbol": run.stale_bars,
        "bars of symbols beyond the first thousand": run.bars_not_kept,
        "repeated fills and trades": sum(book.repeats for book in run.books.values()),
        "events of books beyond the first fifty": run.of_further_books,
    }
    for what, count in ignored.items():
        if count:
            yield f"Ignored: {count:,} {what}."
