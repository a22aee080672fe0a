"""The report keeps to what every plugin owes its host and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from hookbus import Event
from hookbus.testing import PluginConformance
from hookbus_report import ReportPlugin

from tests.plugins.report.script import script


class TestReport(PluginConformance):
    """The report as it is when nothing is set."""

    plugin = ReportPlugin


class TestReportToFile(PluginConformance):
    """The report of every kind of event that it shows."""

    plugin = ReportPlugin
    settings: ClassVar[Mapping[str, Any]] = {"file": "out.html"}
    events: ClassVar[Sequence[Event]] = tuple(event for _, event in script(bars=800))[:2_000]
