"""Health: how plugins say that they are well, and how they are asked without doing harm.

A plugin names its checks in `hookbus_health`. Any other plugin finds them, guarded, with
`context.health_checks()`.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from hookbus.bus.options import is_coroutine_function
from hookbus.containment.contained import FAILURES
from hookbus.containment.limits import HandlerSwallowedCancellation, HandlerTimeout, call_within
from hookbus.containment.ownership import current_plugin
from hookbus.containment.threadcalls import ThreadCall
from hookbus.errors import UsageError, error_text

HealthLevel = Literal["healthy", "degraded", "critical"]
"""How well something works: as it should, not as well as it should, not at all."""

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What a health check found.

    `level` is "healthy", "degraded" or "critical". `reason` says why, with the numbers, for people
    to read; only a healthy report may leave it out. `metrics` are the figures behind it, by name.

    Raises `UsageError` for an unknown level, a missing reason, and a figure that is not finite.
    """

    level: HealthLevel = "healthy"
    reason: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.level not in get_args(HealthLevel):
            choices = ", ".join(get_args(HealthLevel))
            raise UsageError(f"level = {self.level!r} of a health report must be one of {choices}")
        if not isinstance(self.reason, str):
            raise UsageError(f"reason = {self.reason!r} of a health report must be text")
        if self.level != "healthy" and not self.reason.strip():
            raise UsageError(f"a health report with level = {self.level!r} needs a reason")
        for name, value in self.metrics.items():
            if not isinstance(name, str) or not name:
                raise UsageError(f"metrics of a health report: {name!r} must be a name")
            if not math.isfinite(value):
                raise UsageError(f"metrics[{name!r}] = {value!r} of a health report must be finite")


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A question that a plugin answers about itself.

    `check` is an async or a plain function without arguments that returns a `HealthReport`. A plain
    one is called in a thread, under the simulated clock on the loop. `timeout` is how long the
    answer may take, in seconds. Raises `UsageError` for a name or a time-out that makes no sense.
    """

    name: str
    check: Callable[[], HealthReport | Awaitable[HealthReport]]
    timeout: float = 5.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"name = {self.name!r} of a health check must be lower-case letters, digits, "
                "dashes and underscores, and begin with a letter"
            )
        if not callable(self.check):
            raise UsageError(f"health check {self.name!r}: {self.check!r} cannot be called")
        if not 0 < self.timeout < math.inf:
            raise UsageError(
                f"health check {self.name!r}: timeout = {self.timeout!r} must be above 0 seconds"
            )


class HealthProbe:
    """One health check of a started plugin, guarded: asking it never raises.

    `plugin` is whom the answer is about, `name` the check's. `redact` hides the plugin's secrets.
    """

    def __init__(
        self,
        plugin: str,
        check: HealthCheck,
        *,
        simulated: bool,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.plugin = plugin
        self.name = check.name
        self._check = check
        self._in_thread = not simulated and not is_coroutine_function(check.check)
        self._redact = redact
        self._one_at_a_time = asyncio.Lock()
        self._under_way = False
        self._thread: ThreadCall | None = None

    async def ask(self) -> HealthReport:
        """The plugin's answer.

        A check that raises, takes longer than its time-out, or answers with anything else than a
        `HealthReport` makes a critical report that names the plugin. One that never came back is
        not called again until it has.
        """
        async with self._one_at_a_time:
            if self._hangs:
                return self._critical("has not come back from an earlier call")
            return await self._guarded()

    @property
    def _hangs(self) -> bool:
        return self._under_way or (self._thread is not None and not self._thread.returned)

    async def _guarded(self) -> HealthReport:
        limit = self._check.timeout
        answers: list[HealthReport] = []

        async def call(_: object) -> None:
            answers.append(self._checked(await self._call()))

        context = copy_context()
        context.run(current_plugin.set, self.plugin)
        calling = call_within(call, None, limit)
        cancelled = _times_cancelled()
        try:
            await asyncio.get_running_loop().create_task(calling, context=context)
        except (*FAILURES, HandlerSwallowedCancellation) as error:
            if _times_cancelled() > cancelled:
                raise asyncio.CancelledError from None
            return self._critical(_in_words(error, limit))
        return answers[0]

    async def _call(self) -> Any:
        self._under_way = True
        try:
            if self._in_thread:
                self._thread = ThreadCall(self._check.check, f"{self.plugin}:{self.name}")
                answer = await self._thread.result()
            else:
                answer = self._check.check()
            return await answer if inspect.isawaitable(answer) else answer
        finally:
            self._under_way = False

    def _checked(self, answer: Any) -> HealthReport:
        if not isinstance(answer, HealthReport):
            return self._critical(f"answered with {type(answer).__name__}, no HealthReport")
        return HealthReport(answer.level, self._redact(answer.reason), dict(answer.metrics))

    def _critical(self, what: str) -> HealthReport:
        text = f"health check {self.name!r} of plugin {self.plugin!r} {what}"
        return HealthReport("critical", self._redact(text))


def _times_cancelled() -> int:
    """How often somebody has cancelled the task that asks."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _in_words(error: BaseException, limit: float) -> str:
    if isinstance(error, HandlerTimeout):
        return f"took longer than {limit:g} s"
    if isinstance(error, HandlerSwallowedCancellation):
        return f"took longer than {limit:g} s and swallowed its cancellation"
    return f"raised {error_text(error)}"
