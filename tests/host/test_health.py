"""Health checks: declared by plugins, asked by anybody, harmful to nobody."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import pytest
from hookbus import (
    HealthCheck,
    HealthProbe,
    HealthReport,
    Job,
    Plugin,
    PluginContext,
    Settings,
    UsageError,
    hookimpl,
)
from hookbus.plugins.plugin import PluginState
from hookbus.testing import HostFactory
from pydantic import Field, SecretStr


class Link(Plugin):
    """Has a plain check and an async one."""

    name = "link"

    @hookimpl
    def hookbus_health(self) -> list[HealthCheck]:
        """Name both."""
        return [HealthCheck("plain", self.plain), HealthCheck("waiting", self.waiting)]

    def plain(self) -> HealthReport:
        """Tell what can be measured."""
        self.thread = threading.current_thread()
        return HealthReport("degraded", "slow", {"seconds": 2})

    async def waiting(self) -> HealthReport:
        """Take a while."""
        await asyncio.sleep(3)
        return HealthReport()


class Asker(Plugin):
    """Somebody who wants to know."""

    name = "asker"
    context: PluginContext

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Keep the context."""
        self.context = context


def asker(host: Any) -> PluginContext:
    """The context of the plugin that asks."""
    context: PluginContext = host.records["asker"].instance.context
    return context


async def test_any_plugin_can_ask_those_that_are_started(host_factory: HostFactory) -> None:
    """The checks are found through the context, with the name of their plugin."""
    async with host_factory(Link, Asker) as host:
        probes = asker(host).health_checks()
        assert [(one.plugin, one.name) for one in probes] == [
            ("link", "plain"),
            ("link", "waiting"),
        ]
        reports = [await one.ask() for one in probes]
        assert reports == [HealthReport("degraded", "slow", {"seconds": 2}), HealthReport()]


async def test_a_plugin_that_has_failed_is_not_asked(host_factory: HostFactory) -> None:
    """Its checks need what it had registered, which is gone."""

    class Mortal(Link):
        name = "mortal"

        @hookimpl
        def hookbus_start(self, context: PluginContext) -> None:
            context.start_task(self.die(), "life")

        async def die(self) -> None:
            await asyncio.sleep(60)
            raise RuntimeError("old age")

    async with host_factory(Mortal, Link, Asker) as host:
        assert {one.plugin for one in asker(host).health_checks()} == {"mortal", "link"}
        await asyncio.sleep(61)
        assert {one.plugin for one in asker(host).health_checks()} == {"link"}


@pytest.mark.real_time
async def test_a_plain_check_may_block_its_thread(host_factory: HostFactory) -> None:
    """Under the system's clock the loop goes on while a plain check waits for something."""
    async with host_factory(Link, Asker) as host:
        await asker(host).health_checks()[0].ask()
        assert host.records["link"].instance.thread is not threading.current_thread()  # type: ignore[union-attr]


async def test_under_the_simulated_clock_a_plain_check_runs_on_the_loop(
    host_factory: HostFactory,
) -> None:
    """Threads would make the order of things depend on the machine."""
    async with host_factory(Link, Asker) as host:
        await asker(host).health_checks()[0].ask()
        assert host.records["link"].instance.thread is threading.current_thread()  # type: ignore[union-attr]


def probe(check: Callable[[], Any], *, simulated: bool = True, timeout: float = 5.0) -> HealthProbe:
    """A guarded check of a plugin `broken`."""
    return HealthProbe("broken", HealthCheck("link", check, timeout), simulated=simulated)


async def hangs() -> HealthReport:
    """Never answer."""
    await asyncio.Event().wait()
    return HealthReport()


async def swallows() -> HealthReport:
    """Go on after being cancelled, for a minute."""
    for _ in range(2):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue
    return HealthReport()


def raises() -> HealthReport:
    """Fail."""
    raise ValueError("no connection")


async def cancels() -> HealthReport:
    """Behave as if it had been cancelled."""
    raise asyncio.CancelledError


def exits() -> HealthReport:
    """Try to end the process."""
    sys.exit(3)


def lies() -> Any:
    """Answer in a language of its own."""
    return "fine"


def makes_no_sense() -> HealthReport:
    """Give a figure that is none."""
    return HealthReport(metrics={"load": math.nan})


def changes_its_mind() -> HealthReport:
    """Spoil a report that was good when it was made."""
    report = HealthReport(metrics={"load": 1.0})
    report.metrics["load"] = math.nan  # type: ignore[index]
    return report


@pytest.mark.parametrize(
    ("check", "what"),
    [
        (hangs, "took longer than 5 s"),
        (swallows, "took longer than 5 s and swallowed its cancellation"),
        (raises, "raised ValueError: no connection"),
        (cancels, "raised CancelledError"),
        (exits, "raised PluginExited: SystemExit: 3; code of a plugin must not end the host"),
        (lies, "answered with str, no HealthReport"),
        (changes_its_mind, "raised UsageError: metrics['load'] = nan of a health report must be"),
        (makes_no_sense, "raised UsageError: metrics['load'] = nan of a health report must be"),
    ],
)
async def test_a_broken_check_is_a_critical_report(
    simulated_clock: object, check: Callable[[], Any], what: str
) -> None:
    """Whatever a check does, whoever asks gets an answer that names the plugin."""
    report = await probe(check).ask()
    assert report.level == "critical"
    assert report.reason.startswith(f"health check 'link' of plugin 'broken' {what}")


async def test_a_check_that_does_not_come_back_is_not_called_again(simulated_clock: object) -> None:
    """Asking every few seconds must not pile up calls that never end; later it is asked again."""
    calls = []

    def check() -> Awaitable[HealthReport]:
        calls.append(1)
        return swallows()

    one = probe(check)
    await one.ask()
    assert (await one.ask()).reason.endswith("has not come back from an earlier call")
    assert len(calls) == 1
    await asyncio.sleep(120)
    await one.ask()
    assert len(calls) == 2


@pytest.mark.real_time
async def test_a_thread_that_hangs_is_left_and_not_doubled(simulated_clock: object) -> None:
    """A plain check that blocks for ever costs one thread and holds nobody up."""
    gate = threading.Event()

    def check() -> HealthReport:
        gate.wait(30)
        return HealthReport()

    one = probe(check, simulated=False, timeout=0.01)
    before = threading.active_count()
    assert (await one.ask()).reason.endswith("took longer than 0.01 s")
    assert (await one.ask()).reason.endswith("has not come back from an earlier call")
    assert threading.active_count() == before + 1
    gate.set()


async def test_two_who_ask_at_once_both_get_an_answer(simulated_clock: object) -> None:
    """The second waits for the first; neither takes the other's call for one that hangs."""

    async def check() -> HealthReport:
        await asyncio.sleep(1)
        return HealthReport()

    one = probe(check)
    first = asyncio.create_task(one.ask())
    await asyncio.sleep(0.5)
    assert await asyncio.gather(first, one.ask()) == [HealthReport(), HealthReport()]


async def test_whoever_asks_can_be_cancelled(simulated_clock: object) -> None:
    """The guard keeps what the check does from the asker, not what is done to the asker."""
    for check in (hangs, swallows):
        asking = asyncio.create_task(probe(check).ask())
        await asyncio.sleep(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_whoever_cleans_up_after_being_cancelled_may_still_ask(
    simulated_clock: object,
) -> None:
    """An earlier cancellation of the asker is not mistaken for one of this question."""
    reports = []

    async def ask_at_the_end() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            reports.append(await probe(raises).ask())

    asking = asyncio.create_task(ask_at_the_end())
    await asyncio.sleep(1)
    asking.cancel()
    await asyncio.wait({asking})
    assert [one.level for one in reports] == ["critical"]


async def test_tasks_of_a_check_belong_to_its_plugin(host_factory: HostFactory) -> None:
    """What a check starts and forgets is not the asker's to answer for."""

    class Careless(Plugin):
        name = "careless"
        tasks: ClassVar[list[asyncio.Task[Any]]] = []

        @hookimpl
        def hookbus_health(self) -> tuple[HealthCheck, ...]:
            return (HealthCheck("link", self.check),)

        async def check(self) -> HealthReport:
            self.tasks.append(asyncio.create_task(asyncio.sleep(1e6)))
            return HealthReport()

    async with host_factory(Careless, Asker) as host:
        asking = asyncio.create_task(asker(host).health_checks()[0].ask())
        await asking
        assert host.ownership.owner(Careless.tasks[0]) == "careless"


async def test_secrets_do_not_leave_through_a_report(host_factory: HostFactory) -> None:
    """A report is published and shown: neither a reason nor an exception may tell a password."""

    class SecretSettings(Settings):
        password: SecretStr = Field(SecretStr("hunter2"), description="for the link")

    class Talkative(Plugin):
        name = "talkative"
        Settings = SecretSettings

        @hookimpl
        def hookbus_health(self) -> tuple[HealthCheck, ...]:
            return (HealthCheck("raises", self.fail), HealthCheck("tells", self.tell))

        def fail(self) -> HealthReport:
            raise ValueError(f"login with {self.settings.password.get_secret_value()} refused")

        def tell(self) -> HealthReport:
            return HealthReport("degraded", f"{self.settings.password.get_secret_value()} is old")

    settings = {"talkative": {"password": "hunter2"}}
    async with host_factory(Talkative, Asker, settings=settings) as host:
        for one in asker(host).health_checks():
            assert "hunter2" not in (await one.ask()).reason


@pytest.mark.parametrize(
    ("hook", "answer", "reason"),
    [
        ("hookbus_health", HealthCheck("link", raises), "hookbus_health answered HealthCheck"),
        ("hookbus_health", (1,), "hookbus_health answered (1,)"),
        ("hookbus_health", (HealthCheck("a", raises),) * 2, "it names two health checks 'a'"),
        ("hookbus_jobs", Job("work", raises, every=60), "hookbus_jobs answered Job"),
        ("hookbus_jobs", (1,), "hookbus_jobs answered (1,)"),
        ("hookbus_events", 3, "hookbus_events answered 3"),
    ],
)
async def test_a_wrong_answer_fails_the_plugin_alone(
    host_factory: HostFactory, hook: str, answer: Any, reason: str
) -> None:
    """A plugin that forgets the comma of a tuple must not end the host."""
    wrong = type("Wrong", (Plugin,), {"name": "wrong", hook: hookimpl(lambda _: answer)})
    wrong.__dict__[hook].__name__ = hook
    async with host_factory(wrong, Asker) as host:
        record = host.records["wrong"]
        assert (record.state, record.phase) == (PluginState.FAILED, hook.removeprefix("hookbus_"))
        assert str(record.reason).startswith(reason)
        assert host.records["asker"].state is PluginState.STARTED


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HealthReport("ok"), "level = 'ok' of a health report must be one of healthy, "),  # type: ignore[arg-type]
        (lambda: HealthReport("degraded", " "), "level = 'degraded' needs a reason"),
        (lambda: HealthReport(metrics={"x": math.inf}), r"metrics\['x'\] = inf .* must be finite"),
        (lambda: HealthReport(metrics={"": 1.0}), "metrics of a health report: '' must be a name"),
        (lambda: HealthReport(reason=5), "reason = 5 of a health report must be text"),  # type: ignore[arg-type]
        (lambda: HealthCheck("My Check", raises), "name = 'My Check' of a health check must be"),
        (lambda: HealthCheck("link", raises, 0), "'link': timeout = 0 must be above 0 seconds"),
        (lambda: HealthCheck("link", None), "'link': None cannot be called"),  # type: ignore[arg-type]
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], object], message: str) -> None:
    """A mistake of a plugin's author is told with the name, the value and the mend."""
    with pytest.raises(UsageError, match=message):
        make()
