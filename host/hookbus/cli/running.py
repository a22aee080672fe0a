"""Running a host from a command: made from the configuration, stopped by signals."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from hookbus.cli.options import Given
from hookbus.cli.output import print_problems
from hookbus.errors import ConfigurationError

if TYPE_CHECKING:
    from hookbus.host import Host
    from hookbus.runreport import RunReport

SIGNALS = (signal.SIGINT, signal.SIGTERM)

ECHO = 0.25
"""Seconds in which a signal counts once: `timeout` sends it to a process and to its group."""


def load_host(given: Given, *, log_level: str = "info", **options: Any) -> Host:
    """A loaded host that logs to the terminal; `options` are those of `Host`.

    Mistakes in the settings of plugins are printed. Raises `ConfigurationError` where a required
    plugin has some.
    """
    from hookbus.cli.terminal import CurrentStderr
    from hookbus.host import Host
    from hookbus.logs import make_logger

    log = make_logger(log_level, CurrentStderr())
    host = Host(given.config(), safe_mode=given.safe_mode, log=log, **options).load()
    wrong = [record for record in host.records.values() if record.problems]
    problems = [problem for record in wrong for problem in record.problems]
    if any(record.required for record in wrong):
        raise ConfigurationError(problems)
    print_problems(problems)
    return host


def run_host(host: Host, *, bar: bool = True, controlled: bool = False) -> RunReport:
    """Run a host to its end, on a loop of its own, with a progress bar on a terminal.

    The first signal asks it to stop, a second ends the process. `controlled` has it listen to other
    commands.
    """
    from hookbus.cli.progress import progress
    from hookbus.control.server import control
    from hookbus.loop import run

    async def main() -> RunReport:
        _obey_signals(host)
        async with control(host) if controlled else nullcontext():
            with progress(host, shown=bar):
                return await host.run()

    # What has been imported is there to stay: with thousands of events in flight the collector
    # would look through it again and again, which takes as long as the work itself.
    gc.freeze()
    return run(main(), host.clock)


def _obey_signals(host: Host) -> None:
    loop = asyncio.get_running_loop()
    received: dict[signal.Signals, float] = {}

    def obey(number: signal.Signals) -> None:
        if received and time.monotonic() - received.get(number, -ECHO) >= ECHO:
            click.echo("hookbus: ended at once; what was pending is lost", err=True)
            os._exit(128 + number)
        if not received:
            host.log.info("stopping; a second time ends it at once", signal=number.name)
            host.request_stop(f"{number.name} received")
        received.setdefault(number, time.monotonic())

    for number in SIGNALS:
        loop.add_signal_handler(number, obey, number)
