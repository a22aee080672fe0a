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
from hookbus.operational import HostStopping

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
        self._worker: Worker | None = None
        self._subscription: Subscription | InlineSubscription | None = None
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
            partial(self._write, context, self._log),
            name="log",
            where=rules.wants,
            envelope=True,
            batch=BATCH,
            capacity=settings.buffer,
            on_lagged=partial(_note_lag, self._log),
        )
        if self._worker is not None:
            context.bus.subscribe(HostStopping, self._limit_the_end, mode="inline", name="end")

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Write what is still waiting, and say what could not be logged."""
        log, worker, limit = self._log, self._worker, self.settings.stop_wait
        if log is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await context.bus.settled()
        self._end(log)
        if worker is None or await worker.stop(limit):
            log.finish(context.clock.now())
        else:
            log.leave()
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

    async def _write(
        self, context: PluginContext, log: EventLog, envelopes: list[Envelope]
    ) -> None:
        if self._worker is None:
            log.write(envelopes)
        else:
            await self._worker.run(partial(log.write, envelopes))
        failing = log.failure is not None
        if failing and not self._outage and self._host_can_say(log):
            context.log.error("events are not logged", output=log.output.name, error=log.failure)
        self._outage = failing

    def _host_can_say(self, log: EventLog) -> bool:
        """Whether the host's own log, which goes to stderr, is sure to take a line."""
        return log.failure is None or self.settings.output != "stderr"

    def _limit_the_end(self, _: HostStopping) -> None:
        """The host waits for every subscription when it stops; it need not wait for a stuck one."""
        asyncio.get_running_loop().call_later(self.settings.stop_wait, self._give_up)

    def _give_up(self) -> None:
        subscription = self._subscription
        if self._log is not None and subscription is not None and subscription.stats().pending:
            self._end(self._log)

    def _end(self, log: EventLog) -> None:
        """Take no more events, and count those that are neither written nor counted yet."""
        if self._subscription is None:
            return
        self._subscription.close()
        stats = self._subscription.stats()
        unwritten = stats.matched - stats.filtered - log.written - log.lost.total()
        if unwritten:
            log.miss(unwritten, TOO_SLOW)


def _note_lag(log: EventLog, lagged: Lagged) -> None:
    log.miss(lagged.missed, TOO_SLOW)


def _open_output(settings: LoggingSettings, context: PluginContext) -> Output:
    if settings.output != "file":
        return open_stream(settings.output)
    if settings.file is None:
        return open_file(context.state_dir / "events.log")
    return open_file(context.path(settings.file))


def _make_lines(settings: LoggingSettings, output: Output) -> Lines:
    if settings.format == "json" or (settings.format == "auto" and not output.terminal):
        return json_lines()
    coloured = output.terminal and not os.environ.get("NO_COLOR")
    if settings.colour != "auto":
        coloured = settings.colour == "always"
    return console_lines(colours=coloured)
