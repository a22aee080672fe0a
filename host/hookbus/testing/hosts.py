"""Hosts for tests: no installed plugins, no global state, every event recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookbus.clock import Clock
from hookbus.host import Host
from hookbus.plugins.plugin import Plugin
from hookbus.runreport import RunReport
from hookbus.settings.config import make_config
from hookbus.testing.recording import Recording, record


class RecordingHost(Host):
    """A host that keeps every event of the run in `recorded`, from the first on.

    Whenever it has settled, and at the end, its books must balance; a test in which they do not
    fails, unless it says `balanced = False`.
    """

    recorded: Recording
    balanced = True

    def _compose(self) -> None:
        super()._compose()
        self.recorded = record(self.bus)

    async def settled(self) -> None:
        """Wait until nothing is left to do, then look at the books."""
        await super().settled()
        self.assert_balanced()

    async def stop(self, reason: str = "asked to") -> RunReport:
        """Stop in order, then look at the books."""
        report = await super().stop(reason)
        self.assert_balanced()
        return report

    def assert_balanced(self) -> None:
        """Raise `AssertionError` with everything that does not add up in the books."""
        wrong = [*self.event_bus.ledger.report().discrepancies, *self.scheduler.check()]
        if wrong and self.balanced:
            raise AssertionError("the books do not balance: " + "; ".join(wrong))


class HostFactory:
    """Makes hosts for one test and stops, when it ends, those that are still running."""

    def __init__(self, clock: Clock, log: Any, folder: Path) -> None:
        self._clock = clock
        self._log = log
        self._folder = folder
        self._hosts: list[RecordingHost] = []

    def __call__(
        self,
        *plugins: type[Plugin],
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        config: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> RecordingHost:
        """A host of these plugin classes and no others; `async with` it, or `await host.run()`.

        `settings` are those of the plugins, by name; `config` has the other sections of
        `hookbus.toml`; `options` go to `Host`. Relative paths start from the test's folder.
        """
        data = dict(config or {})
        data["plugins"] = {**data.get("plugins", {}), **(settings or {})}
        options.setdefault("group", None)
        options.setdefault("clock", self._clock)
        host = RecordingHost(
            make_config(data, base=self._folder), plugins=plugins, log=self._log, **options
        )
        self._hosts.append(host)
        return host

    async def aclose(self) -> None:
        """Stop what is still running."""
        for host in self._hosts:
            if host.running:
                await host.stop("the test has ended")
