"""The report of a run: one self-contained HTML page, or JSON, with charts and metrics."""

from hookbus_report.plugin import ReportPlugin
from hookbus_report.settings import ReportSettings

__all__ = ["ReportPlugin", "ReportSettings"]
