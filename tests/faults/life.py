"""Lives: a host in a process of its own, which may be killed at any moment.

The process is forked from one that has imported everything, so that a life begins at once.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from hookbus import Host, SystemClock
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.settings.config import make_config
from hookbus_journal.plugin import JournalPlugin

from tests.faults.workload import Workload

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, "tests.faults.edges", "tests.faults.planted"])

PATIENCE = 60.0
"""Seconds for a life to begin, or to end by itself."""


@dataclass(frozen=True)
class Plan:
    """What a life does: the settings of its workload, and functions that are called before it.

    With `ends` it ends as it should once nothing is left to do.
    """

    folder: Path
    workload: dict[str, Any] = field(default_factory=dict)
    before: tuple[Callable[[], None], ...] = ()
    ends: bool = False


class Life:
    """A running host; `stand` is what it has noted of itself at its end."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._ear, mouth = _FORKS.Pipe(duplex=False)
        self._process: BaseProcess = _FORKS.Process(target=live, args=(plan, mouth))
        self._process.start()
        mouth.close()

    def wait_until_ready(self) -> None:
        """Wait until the plugins have started; raises `RuntimeError` when the life ended before."""
        if not self._ear.poll(PATIENCE):
            self.kill()
            raise RuntimeError(f"no host after {PATIENCE:g} s; see {self._plan.folder}/log")
        with suppress(EOFError):
            self._ear.recv()
            return
        raise RuntimeError(f"the host ended with {self.end()}; see {self._plan.folder}/log")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._process.kill()
        self._process.join()

    def end(self, patience: float = PATIENCE) -> int:
        """Wait for its end; returns the exit code, negative for a signal.

        Raises `RuntimeError` for a life that goes on.
        """
        self._process.join(patience)
        code = self._process.exitcode
        if code is None:
            self.kill()
            raise RuntimeError(f"the host did not end within {patience:g} s")
        return code


def live(plan: Plan, mouth: Connection) -> None:
    """Be a host; everything that is printed goes to the file `log`."""
    for prepare in plan.before:
        prepare()
    with (plan.folder / "log").open("a", encoding="utf-8") as log:
        sys.stdout = sys.stderr = log
        clock = SystemClock()
        host = Host(
            make_config(_config(plan), base=plan.folder),
            plugins=(JournalPlugin, Workload),
            group=None,
            clock=clock,
            log=make_logger("warning", log, colors=False),
            strict=True,
        )
        run(_main(host, plan, mouth), clock)


def _config(plan: Plan) -> dict[str, Any]:
    return {
        "host": {"state": "state"},
        "plugins": {"workload": {"folder": str(plan.folder), **plan.workload}},
    }


async def _main(host: Host, plan: Plan, mouth: Connection) -> None:
    await host.start()
    mouth.send("ready")
    if not plan.ends:
        await asyncio.Event().wait()
    workload = host.records["workload"].instance
    if isinstance(workload, Workload):
        await workload.published()
    await host.settled()
    report = await host.stop()
    wrong = list(report.ledger.discrepancies)
    pending = sum(one.pending for one in report.ledger.accounts)
    (plan.folder / "end").write_text(json.dumps({"wrong": wrong, "pending": pending}))
