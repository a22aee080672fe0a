"""The plugin: one subscription to what is to be logged, and the log behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from hookbus import (
    DurableSubscription,
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
from hookbus_logging.oldfiles import OldFiles
from hookbus_logging.outputs import Output, open_file, open_stream
from hookbus_logging.rotation import RotatingOutput, Schedule, written_at
from hookbus_logging.settings import LoggingSettings
from hookbus_logging.thread import Worker

BATCH = 256
"""Events that go to the thread at once."""


class LoggingPlugin(Plugin):
    """Logs every event as JSON or as coloured lines, filtered by pattern and level."""

    name = "logging"
    outward = True
    Settings = LoggingSettings

    settings: LoggingSettings

    def __init__(self, settings: LoggingSettings) -> None:
        super().__init__(settings)
        self._log: EventLog | None = None
        self._worker: Worker | None = None
        self._subscription: Subscription | InlineSubscription | DurableSubscription | None = None
        self._outage = False
        self._files: RotatingOutput | None = None
        self._tidier: Worker | None = None
        self._problem: str | None = None

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Open the output and subscribe to what is to be logged."""
        settings = self.settings
        rules = Rules(settings.level, settings.levels, settings.exclude)
        output = self._open_output(context)
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
        limit = self.settings.stop_wait
        if self._log is not None:
            await self._finish(context, self._log, limit)
        if self._tidier is not None and not await self._tidier.stop(limit):
            context.log.warning("old log files are still being packed; the next run goes on")

    async def _finish(self, context: PluginContext, log: EventLog, limit: float) -> None:
        worker = self._worker
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
        """What was logged, when anything is missing or was rotated."""
        log, files = self._log, self._files
        if log is None or not (log.lost or (files is not None and files.rotations)):
            return None
        rows = [("Events logged", f"{log.written:,}")]
        rows += [(f"Not logged: {reason}", f"{n:,}") for reason, n in log.lost.items()]
        if files is not None:
            rows.append(("Files set aside", f"{files.rotations:,}"))
            rows.append(("Old files removed", f"{files.old.removed:,}"))
        return Summary(title="Log", rows=tuple(rows))

    def _open_output(self, context: PluginContext) -> Output:
        settings = self.settings
        if settings.output != "file":
            return open_stream(settings.output)
        file = settings.file
        path = context.state_dir / "events.log" if file is None else context.path(file)
        schedule = Schedule(settings.rotate_bytes, settings.rotate_every)
        if schedule == Schedule():
            return open_file(path)
        if not context.clock.simulated:
            self._tidier = Worker("hookbus-logging-tidy")
        later = _at_once if self._tidier is None else self._tidier.post
        old = OldFiles(path, settings.keep, compress=settings.compress)
        last_write = None if context.clock.simulated else written_at(path)
        self._files = RotatingOutput(path, schedule, old, later, last_write)
        return self._files

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
        self._tell_problem(context)

    def _tell_problem(self, context: PluginContext) -> None:
        problem = None if self._files is None else self._files.problem
        if problem is not None and problem != self._problem:
            context.log.error("log files are not rotated as they should be", reason=problem)
        self._problem = problem

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


def _at_once(call: Callable[[], None]) -> None:
    call()


def _make_lines(settings: LoggingSettings, output: Output) -> Lines:
    if settings.format == "json" or (settings.format == "auto" and not output.terminal):
        return json_lines()
    coloured = output.terminal and not os.environ.get("NO_COLOR")
    if settings.colour != "auto":
        coloured = settings.colour == "always"
    return console_lines(colours=coloured)
