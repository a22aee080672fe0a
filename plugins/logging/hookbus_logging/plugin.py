"""The plugin: one subscription to what is to be logged, and the log behind it."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from functools import partial

from hookbus import (
    Envelope,
    InlineSubscription,
    Lagged,
    Plugin,
    PluginContext,
    Subscription,
    Summary,
    hookimpl,
)

from hookbus_logging.levels import Rules
from hookbus_logging.lines import Lines, console_lines, json_lines
from hookbus_logging.log import TOO_SLOW, EventLog, gap_text
from hookbus_logging.outputs import Output, open_file, open_stream
from hookbus_logging.settings import LoggingSettings
from hookbus_logging.thread import Worker

BATCH = 256
"""Events that go to the thread at once."""


class LoggingPlugin(Plugin):
    """Logs every event as JSON or as coloured lines, filtered by pattern and level."""

    name = "logging"
    Settings = LoggingSettings

    settings: LoggingSettings

    def __init__(self, settings: LoggingSettings) -> None:
        super().__init__(settings)
        self._log: EventLog | None = None
        self._subscription: Subscription | InlineSubscription | None = None
        self._worker: Worker | None = None
        self._outage = False

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Open the output and subscribe to what is to be logged."""
        settings = self.settings
        rules = Rules(settings.level, settings.levels, settings.exclude)
        output = _open_output(settings, context)
        self._log = EventLog(output, _make_lines(settings, output), rules)
        self._worker = None if context.clock.simulated else Worker("hookbus-logging")
        self._subscription = context.bus.subscribe(
            settings.include,
            partial(self._write, context),
            name="log",
            where=rules.wants,
            envelope=True,
            batch=BATCH,
            capacity=settings.buffer,
            on_lagged=self._lagged,
        )

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Write what is still waiting, and say what could not be logged."""
        log, subscription = self._log, self._subscription
        if log is None:
            return
        if subscription is not None:
            await self._drain(context, subscription, log)
        if self._worker is None or await self._worker.stop(self.settings.stop_wait):
            log.finish(context.clock.now())
        for reason, missed in log.lost.items() if self._host_can_say(log) else ():
            context.log.warning(gap_text(missed, reason), missed=missed)

    @hookimpl
    def hookbus_summary(self) -> Summary | None:
        """What was logged, when anything is missing."""
        if self._log is None or not self._log.lost:
            return None
        rows = [("Events logged", f"{self._log.written:,}")]
        rows += [(f"Not logged: {reason}", f"{n:,}") for reason, n in self._log.lost.items()]
        return Summary(title="Log", rows=tuple(rows))

    async def _write(self, context: PluginContext, envelopes: list[Envelope]) -> None:
        if self._log is None:
            return
        if self._worker is None:
            self._log.write(envelopes)
        else:
            await self._worker.run(partial(self._log.write, envelopes))
        self._report_outage(context, self._log)

    def _report_outage(self, context: PluginContext, log: EventLog) -> None:
        failing = log.failure is not None
        if failing and not self._outage and self._host_can_say(log):
            context.log.error("events are not logged", output=log.output.name, error=log.failure)
        self._outage = failing

    def _host_can_say(self, log: EventLog) -> bool:
        """Whether the host's own log, which goes to stderr, is sure to take a line."""
        return log.failure is None or self.settings.output != "stderr"

    def _lagged(self, lagged: Lagged) -> None:
        if self._log is not None:
            self._log.miss(lagged.missed, TOO_SLOW)

    async def _drain(
        self,
        context: PluginContext,
        subscription: Subscription | InlineSubscription,
        log: EventLog,
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.stop_wait):
                await context.bus.settled()
        subscription.close()
        stats = subscription.stats()
        unwritten = stats.matched - stats.filtered - log.written - log.lost.total()
        if unwritten:
            log.miss(unwritten, TOO_SLOW)


def _open_output(settings: LoggingSettings, context: PluginContext) -> Output:
    if settings.output != "file":
        return open_stream(settings.output)
    if settings.path is None:
        return open_file(context.state_dir / "events.log")
    return open_file(context.path(settings.path))


def _make_lines(settings: LoggingSettings, output: Output) -> Lines:
    if settings.format == "json" or (settings.format == "auto" and not output.terminal):
        return json_lines()
    coloured = output.terminal and not os.environ.get("NO_COLOR")
    if settings.colour != "auto":
        coloured = settings.colour == "always"
    return console_lines(colours=coloured)
