"""Secrets stay inside the host: in its log, in its events, in its books and in its reports."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from hookbus import Event, Job, Plugin, PluginContext, Settings, Summary, hookimpl
from hookbus.logs import hiding, make_logger
from hookbus.operational import EventDeadLettered, HandlerFailed, JobFailed
from hookbus.settings.secrets import HIDDEN, Redactor, secret_texts
from hookbus.strays import log_strays
from hookbus.testing import HostFactory
from pydantic import Field, SecretStr

TOKEN = "tok-4711"


class Knock(Event, type="redaction.knock"):
    """What the handler fails on."""


class KeeperSettings(Settings):
    """Settings with a secret."""

    token: SecretStr = Field(SecretStr(TOKEN), description="a secret")


class Keeper(Plugin):
    """Quotes its secret wherever it fails."""

    name = "keeper"
    Settings = KeeperSettings

    @hookimpl
    def hookbus_jobs(self) -> tuple[Job, ...]:
        """A job that fails."""
        return (Job("failing", self.fail, every=60),)

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Subscribe."""
        context.bus.subscribe(Knock, self.on_knock)
        self.queue = context.queue("work", str, self.on_knock)

    async def on_knock(self, _: object) -> None:
        """Fail."""
        self.fail()

    def fail(self) -> None:
        """Fail."""
        raise RuntimeError(f"refused {self.settings.token.get_secret_value()}")

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Tell all."""
        return Summary(f"With {TOKEN}", ((TOKEN, f"{TOKEN}!"),))


def logger(text: io.StringIO) -> Any:
    """A logger that hides the token."""
    redactor = Redactor()
    redactor.learn([TOKEN])
    return hiding(make_logger("debug", text, colors=False), redactor)


async def test_events_about_failures_hide_secrets(host_factory: HostFactory) -> None:
    """Whoever subscribes to failures, records or shows them gets no secret."""
    async with host_factory(Keeper) as host:
        await host.bus.publish(Knock())
        await host.settled()
        (failed,) = host.recorded.of(HandlerFailed)
        (dead,) = host.recorded.of(EventDeadLettered)
        assert failed.error == dead.reason == f"RuntimeError: refused {HIDDEN}"


async def test_the_books_of_jobs_hide_secrets(host_factory: HostFactory) -> None:
    """Neither the event about a failed run nor its entry in the ledger quotes one."""
    async with host_factory(Keeper) as host:
        entry = await host.scheduler.trigger_now("keeper.failing")
        assert entry.reason == f"RuntimeError: refused {HIDDEN}"
        assert [one.error for one in host.recorded.of(JobFailed)] == [entry.reason]


async def test_a_summary_hides_secrets(host_factory: HostFactory) -> None:
    """Title, labels and values."""
    async with host_factory(Keeper) as host:
        report = await host.stop()
    assert report.summaries == (Summary(f"With {HIDDEN}", ((HIDDEN, f"{HIDDEN}!"),)),)


async def test_a_work_item_is_shortened_after_its_secrets_are_hidden(
    host_factory: HostFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """A secret that would be cut in two leaves no half of it."""
    async with host_factory(Keeper) as host:
        keeper = host.records["keeper"].instance
        assert isinstance(keeper, Keeper)
        await keeper.queue.put("x" * 195 + TOKEN)
        await host.settled()
    told = capsys.readouterr().err
    assert "work item failed" in told
    assert "tok-" not in told


def test_a_log_hides_secrets_in_everything_that_it_is_given() -> None:
    """In the message, in values of any type, and in what was bound before."""
    text = io.StringIO()
    log = logger(text).bind(bound=TOKEN)
    log.info(f"posting {TOKEN}", url=f"x/{TOKEN}", table={"key": [TOKEN]}, number=7)
    log.warning("with %s", TOKEN)
    assert TOKEN not in text.getvalue()
    assert text.getvalue().count(HIDDEN) == 6
    assert "number=7" in text.getvalue()


def test_a_log_hides_secrets_in_tracebacks() -> None:
    """In the exception, in its notes and in its causes; the rest of the traceback stays."""
    text = io.StringIO()
    try:
        try:
            raise KeyError(TOKEN)
        except KeyError as cause:
            error = ValueError(f"no {TOKEN}")
            error.add_note(f"tried {TOKEN}")
            raise error from cause
    except ValueError as raised:
        for exc_info in (True, raised, (ValueError, raised, raised.__traceback__)):
            logger(text).error("failed", exc_info=exc_info)
    told = text.getvalue()
    assert TOKEN not in told
    assert told.count(f"ValueError: no {HIDDEN}") == 3
    assert told.count(f"tried {HIDDEN}") == 3
    assert "test_redaction.py" in told


def test_a_traceback_without_secrets_is_left_to_the_logger() -> None:
    """What has nothing to hide looks as it always did."""
    plain, hidden = io.StringIO(), io.StringIO()
    for log in (make_logger("debug", plain, colors=False), logger(hidden)):
        try:
            raise ValueError("harmless")
        except ValueError:
            log.exception("failed", value={"a": 1})
    assert [line[8:] for line in hidden.getvalue().splitlines()[:1]] == [
        line[8:] for line in plain.getvalue().splitlines()[:1]
    ]
    assert hidden.getvalue().splitlines()[-1] == plain.getvalue().splitlines()[-1]


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://ann:p4ss-w0rd@db/x", "p4ss-w0rd"),
        ("amqp://ann:p%40ss%2Fword@mq", "p@ss/word"),
    ],
)
def test_the_password_in_a_url_is_a_secret_of_its_own(url: str, password: str) -> None:
    """Libraries quote it without the rest of the URL."""
    texts = secret_texts(KeeperSettings, {"token": url})
    assert {url, password} <= set(texts)


def test_a_redactor_hides_longer_secrets_first_whenever_it_learned_them() -> None:
    """A secret that contains another leaves no remainder."""
    redactor = Redactor()
    redactor.learn(["token"])
    redactor.learn(["token-long"])
    assert redactor("token-long token") == f"{HIDDEN} {HIDDEN}"


async def test_errors_that_reach_the_loop_are_logged_once(
    simulated_loop: asyncio.AbstractEventLoop, host_factory: HostFactory
) -> None:
    """By the host that came last, and by the handler that was there before, secrets hidden."""
    loop = asyncio.get_running_loop()
    before: list[str] = []
    first, second = io.StringIO(), io.StringIO()
    loop.set_exception_handler(lambda _, report: before.append(str(report["exception"])))
    for text in (first, second):
        log_strays(loop, logger(text))
    loop.call_soon(Keeper.fail, Keeper(KeeperSettings()))
    for _ in range(3):
        await asyncio.sleep(0)
    assert first.getvalue() == ""
    assert second.getvalue().count("an error reached the event loop") == 1
    assert f"RuntimeError: refused {HIDDEN}" in second.getvalue()
    assert before == [f"refused {TOKEN}"]
