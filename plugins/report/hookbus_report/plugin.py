"""The plugin: listens during the run, and writes the report when it stops."""

from __future__ import annotations

from pathlib import Path

from hookbus import Plugin, PluginContext, Summary, hookimpl

from hookbus_report.document import make_document
from hookbus_report.files import check_writable, write
from hookbus_report.page import make_json, make_page
from hookbus_report.record import RunRecord
from hookbus_report.settings import ReportSettings
from hookbus_report.summary import summary_rows
from hookbus_report.wording import size_text

__all__ = ["ReportPlugin"]


class ReportPlugin(Plugin):
    """Writes a report of the run: one HTML page, or JSON, with charts and metrics.

    It requires no plugin, `trading` in particular: so it starts before that one, and stops after
    it and after all that require it, when their last events are in.
    """

    name = "report"
    outward = True
    hook_api = 1
    Settings = ReportSettings

    settings: ReportSettings

    def __init__(self, settings: ReportSettings) -> None:
        super().__init__(settings)
        self._run: RunRecord | None = None
        self._written: tuple[Path, int] | None = None

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """See that the file can be written, and listen; without a file do nothing."""
        if self.settings.file is None:
            return
        path = context.path(self.settings.file)
        try:
            check_writable(path)
        except OSError as error:
            raise OSError(
                f"file = {str(path)!r} cannot be written: {error.strerror or error}; "
                "name a file in a folder that exists and that you may write to"
            ) from None
        self._run = RunRecord(self.settings, context.clock.now)
        for event_type, handler in self._run.handlers().items():
            context.bus.subscribe(event_type, handler, name=handler.__name__, mode="inline")

    @hookimpl
    def hookbus_stop(self, context: PluginContext) -> None:
        """Write the report."""
        if self._run is None or self.settings.file is None:
            return
        path = context.path(self.settings.file)
        self._run.settle()
        document = make_document(self._run, self.settings, simulated=context.clock.simulated)
        make = make_json if path.suffix.lower() == ".json" else make_page
        content = make(document)
        write(path, content)
        self._written = (path, len(content))
        context.log.info("report written", file=str(path), bytes=len(content))

    @hookimpl
    def hookbus_summary(self) -> Summary | None:
        """The metrics of the book `main`, and where the report is."""
        if self._run is None or self._written is None:
            return None
        path, size = self._written
        rows = summary_rows(self._run, self.settings)
        return Summary("Report", (*rows, ("File", f"{path.name}, {size_text(size)}")))
