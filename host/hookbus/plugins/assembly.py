"""Assembly: all plugins of a host, loaded and asked for what they declare, with nothing running."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from hookbus.clock import to_ns
from hookbus.errors import (
    ConfigurationError,
    HookbusError,
    PluginError,
    Problem,
    UsageError,
    in_words,
)
from hookbus.events import Event, EventRegistry
from hookbus.health import HealthCheck
from hookbus.operational import own_events
from hookbus.plugins.discovery import PLUGIN_GROUP, discover
from hookbus.plugins.hooks import create_manager
from hookbus.plugins.lifecycle import ask
from hookbus.plugins.loader import create_records, load_plugins
from hookbus.plugins.order import fail_dependents, start_order
from hookbus.plugins.plugin import Plugin, PluginRecord
from hookbus.plugins.supervisor import note_failure
from hookbus.scheduler.jobs import Job, JobSettings
from hookbus.settings.config import Config, configuration_problems

T = TypeVar("T")


class Assembly:
    """The plugins of one host before they are started.

    `records` holds every plugin found, by name, with what is wrong with it; `order` those that can
    be started, in the order of starting; `jobs` what each declares, `job_settings` the overrides of
    `[jobs]`, `registry` all declared event types.

    Raises `ConfigurationError` for mistakes in the host's own sections and, when `strict`, in any
    plugin's settings; when `tolerant` it never does, and `problems` holds them all.
    """

    def __init__(
        self,
        config: Config,
        *,
        plugins: Sequence[type[Plugin]] = (),
        group: str | None = PLUGIN_GROUP,
        safe_mode: bool = False,
        strict: bool = False,
        tolerant: bool = False,
    ) -> None:
        self.config = config
        self.problems: list[Problem] = []
        self.registry = EventRegistry()
        self.manager = create_manager()
        self.jobs: dict[str, tuple[Job, ...]] = {}
        self.job_settings: dict[str, JobSettings] = {}
        for cls in own_events():
            self.registry.register(cls, "hookbus")
        self.records = create_records(discover(config, plugins, group, safe_mode))
        load_plugins(self.records, config, self.manager)
        self.problems = self._find_problems(self._read_job_settings(), strict=strict or tolerant)
        if self.problems and not tolerant:
            raise ConfigurationError(self.problems)
        for record in start_order(self.records):
            self._ask_declarations(record)
        self.order = start_order(self.records)

    def _read_job_settings(self) -> list[Problem]:
        problems: list[Problem] = []
        for name in self.config.jobs:
            try:
                self.job_settings[name] = self.config.read(JobSettings, "jobs", name)
            except ConfigurationError as error:
                problems += error.problems
        return problems

    def _find_problems(self, own: list[Problem], *, strict: bool) -> list[Problem]:
        of_plugins = [
            problem for name in sorted(self.records) for problem in self.records[name].problems
        ]
        more = configuration_problems(self.config, self.records, of_plugins, strict=strict)
        found = [*own, *more, *(of_plugins if own else ())]
        return list({str(problem): problem for problem in found}.values())

    def _ask_declarations(self, record: PluginRecord) -> None:
        if record.failed:
            return
        try:
            for cls in self._ask_for(record, "hookbus_events", object):
                self.registry.register(_publishable(record, cls), record.name)
            jobs = self._ask_for(record, "hookbus_jobs", Job)
            checks = self._ask_for(record, "hookbus_health", HealthCheck)
            _tell_apart(record, checks)
            self.jobs[record.name], record.health_checks = jobs, checks
        except HookbusError as error:
            self.registry.withdraw(record.name)
            note_failure(record, error)
            fail_dependents(self.records, record.name)

    def _ask_for(self, record: PluginRecord, hook: str, kind: type[T]) -> tuple[T, ...]:
        """What a plugin names in a hook; raises `PluginError` where that is something else."""
        answer = ask(self.manager, record, hook, self.config.host.import_timeout)
        if answer is None:
            return ()
        declared = tuple(answer) if isinstance(answer, Iterable) else None
        if declared is not None and all(isinstance(one, kind) for one in declared):
            return declared
        reason = f"{hook} answered {answer!r:.100}"
        mend = f"Return an iterable of what {hook} names, or None; see hookbus.hookspecs."
        raise PluginError(record.name, hook.removeprefix("hookbus_"), reason, mend)

    def simulation_start_ns(self) -> int | None:
        """The earliest instant that a plugin has data for, in nanoseconds since 1970.

        A plugin that cannot answer fails, with all that require it.
        """
        instants = [self._simulation_start(record) for record in self.order]
        return min((instant for instant in instants if instant is not None), default=None)

    def _simulation_start(self, record: PluginRecord) -> int | None:
        if record.failed:
            return None
        try:
            limit = self.config.host.start_timeout
            instant: datetime | None = ask(
                self.manager, record, "hookbus_simulation_start", limit, base=self.config.base
            )
            return None if instant is None else to_ns(instant)
        except (PluginError, ValueError, TypeError, AttributeError) as error:
            failure = PluginError(record.name, "simulation_start", in_words(error))
            note_failure(record, error if isinstance(error, PluginError) else failure)
            fail_dependents(self.records, record.name)
            return None


def _publishable(record: PluginRecord, cls: Any) -> type[Event]:
    if isinstance(cls, type) and issubclass(cls, Event) and cls.__event__ is not None:
        return cls
    raise UsageError(f"plugin {record.name!r} declares {cls!r}, which is no Event with a type=")


def _tell_apart(record: PluginRecord, checks: Sequence[HealthCheck]) -> None:
    names = [check.name for check in checks]
    for name in names:
        if names.count(name) > 1:
            reason = f"it names two health checks {name!r}"
            raise PluginError(record.name, "health", reason, "Give each a name of its own.")
