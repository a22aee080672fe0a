"""The context: everything that the host gives to one plugin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hookbus.bus.ledger import LedgerReport
from hookbus.bus.voice import Bus
from hookbus.clock import Clock
from hookbus.containment.ownership import current_plugin
from hookbus.errors import UsageError
from hookbus.health import HealthProbe
from hookbus.plugins.answers import Answer
from hookbus.plugins.services import Contract, Services
from hookbus.plugins.source import Source, SourceFunction
from hookbus.queues.queue import WorkQueue
from hookbus.statefile import StateFile

if TYPE_CHECKING:
    from hookbus.scheduler.scheduler import PluginScheduler

T = TypeVar("T")
Item = TypeVar("Item")


class PluginContext:
    """What a plugin works with. Whatever it registers here is undone when it stops or fails.

    `name` is the plugin's name, `settings` its validated settings, `log` a logger bound to its
    name, `bus` and `scheduler` speak in its name, `clock` is the only time it should use, and what
    it pushes on `exit_stack` is closed when it stops.
    """

    def __init__(
        self,
        name: str,
        settings: Any,
        log: Any,
        bus: Bus,
        scheduler: PluginScheduler,
        clock: Clock,
        state_folder: Path,
        services: Services,
        base: Path,
        redact: Callable[[str], str],
        on_task_failure: Callable[[str, BaseException], None],
        health_checks: Callable[[], tuple[HealthProbe, ...]],
        ledger: Callable[[], LedgerReport],
    ) -> None:
        self.name = name
        self.settings = settings
        self.log = log
        self.bus = bus
        self.scheduler = scheduler
        self.clock = clock
        self.base = base
        self.exit_stack = AsyncExitStack()
        self.queues: list[WorkQueue[Any]] = []
        self.sources: list[Source] = []
        self.answers: dict[str, Answer] = {}
        self._redact = redact
        self._state_folder = state_folder
        self._services = services
        self._on_task_failure = on_task_failure
        self._health_checks = health_checks
        self._ledger = ledger
        self._tasks: dict[asyncio.Task[Any], None] = {}

    @property
    def state_dir(self) -> Path:
        """The plugin's folder for what it keeps between runs, created when first asked for."""
        self._state_folder.mkdir(parents=True, exist_ok=True)
        return self._state_folder

    def state_file(self, name: str, version: int) -> StateFile:
        """A small JSON file in that folder, for what must survive a restart.

        Under the simulated clock it forgets, so that every back-test begins anew.
        """
        path = None if self.clock.simulated else self.state_dir / f"{name}.json"
        return StateFile(path, version, self.log)

    def path(self, text: str | Path) -> Path:
        """A path from the settings, relative to the folder of the configuration file."""
        return self.base / Path(text).expanduser()

    def provide(self, contract: Contract[Any], service: object) -> None:
        """Offer a service to other plugins.

        Raises `UsageError` when another plugin provides the contract, or it is not fulfilled.
        """
        self._services.provide(contract, service, self.name)

    def service(self, contract: Contract[T]) -> T:
        """Ask for a service; raises `ServiceMissing` when no started plugin provides it."""
        return self._services.get(contract, self.name)

    def health_checks(self) -> tuple[HealthProbe, ...]:
        """The health checks of every plugin that is started, in the order of starting.

        `await probe.ask()` answers with a `HealthReport` and never raises.
        """
        return self._health_checks()

    def ledger(self) -> LedgerReport:
        """The books of the whole bus as they stand: what became of every event."""
        return self._ledger()

    def answer(self, name: str, function: Callable[..., Any]) -> None:
        """Answer the request NAME of commands: `hookbus.commands.ask(given, PLUGIN, NAME, ...)`.

        `function`, async or plain, is called with the fields of the request by name, a plain one in
        a thread; what it returns must be fit for JSON. A `HookbusError` that it raises is told as
        it is. Raises `UsageError` for a name that is taken or makes no sense.
        """
        answer = Answer(self.name, name, function, self.log, self._redact)
        if answer.request in self.answers:
            raise UsageError(f"plugin {self.name!r} answers {name!r} already")
        self.answers[answer.request] = answer

    def start_task(self, coro: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run a coroutine beside the bus; it is cancelled when the plugin stops.

        It is this plugin's, whoever calls. An exception of it fails the plugin.
        """
        caller = current_plugin.set(self.name)
        try:
            task = asyncio.get_running_loop().create_task(coro, name=f"{self.name}.{name}")
        finally:
            current_plugin.reset(caller)
        self._tasks[task] = None
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_task_failure(task.get_name(), error)

    @property
    def tasks(self) -> list[asyncio.Task[Any]]:
        """The unfinished tasks that were started here."""
        return list(self._tasks)

    def start_source(self, function: SourceFunction, name: str) -> Source:
        """Feed events into the bus: `async def function(source)`, begun when all plugins are ready.

        Report the progress with `source.progress(done, total, label)`. Under the simulated clock
        the run ends when all sources have finished.
        """
        source = Source(self.name, name, function)
        self.sources.append(source)
        return source

    def queue(
        self, name: str, item_type: type[Item], worker: Callable[[Item], Any], **options: Any
    ) -> WorkQueue[Item]:
        """Make a work queue and start its workers; see `WorkQueue` for the options."""
        queue = WorkQueue(
            f"{self.name}.{name}",
            item_type,
            worker,
            clock=self.clock,
            publish=self.bus.publish_forced,
            on_failure=lambda item, error: self.log.error(
                "work item failed", queue=name, item=self._redact(repr(item))[:200], exc_info=error
            ),
            **options,
        )
        queue.start()
        self.queues.append(queue)
        return queue
