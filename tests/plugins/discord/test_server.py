"""The plugin in a host, against a real server that answers in every way that Discord may."""

from __future__ import annotations

import asyncio
import io
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hookbus import Clock, SystemClock
from hookbus.logs import make_logger
from hookbus.testing import HostFactory, RecordingHost
from hookbus_discord import DiscordPlugin
from hookbus_discord.addresses import Address
from hookbus_discord.events import (
    AlertsDropped,
    ProbeRequested,
    WebhookFailing,
    WebhookRecovered,
    WebhookStopped,
)
from hookbus_discord.network import open_transport
from hookbus_discord.replies import Reply, Unreachable

from tests.plugins.discord.discord import (
    BROKEN,
    GARBAGE,
    GONE,
    HANG,
    NO_MESSAGE,
    RESET,
    TOKEN,
    WRONG_TOKEN,
    Discord,
    limited,
    serve,
)
from tests.plugins.discord.samples import Halted, Rejected

pytestmark = pytest.mark.real_time

Script = Reply | Unreachable | str

FAST = {
    "allow_test_server": True,
    "backoff_first": 0.01,
    "backoff_most": 0.02,
    "edit_interval": 0.0,
    "timeout": 0.3,
    "connect_timeout": 0.3,
    "report_interval": 0.01,
    "alerts": [
        {"patterns": ["sample.rejected"], "group_by": "key", "severity": "error"},
        {"patterns": ["sample.halted"], "group_by": "none", "severity": "critical"},
    ],
}


class Setting:
    """A host with the plugin, and what its log says."""

    def __init__(self, host: RecordingHost, log: io.StringIO) -> None:
        self.host = host
        self.log = log

    async def publish(self, *events: Rejected | Halted | ProbeRequested) -> None:
        """Publish, and wait until the plugin has taken all of it."""
        for event in events:
            await self.host.bus.publish(event)
        await self.host.bus.settled()

    async def until(self, done: Callable[[], object]) -> None:
        """Wait until something is the case, for at most five seconds."""
        async with asyncio.timeout(5):
            while not done():  # noqa: ASYNC110 - the other end tells nobody
                await asyncio.sleep(0.002)

    async def rows(self) -> dict[str, str]:
        """Stop the host; returns the summary."""
        report = await self.host.stop()
        return {key: value for summary in report.summaries for key, value in summary.rows}

    async def everything(self) -> str:
        """Stop the host; returns all that it has logged, published, recorded and summed up."""
        rows = await self.rows()
        events = [envelope.to_json() for envelope in self.host.recorded.envelopes]
        record = self.host.records["discord"]
        return "\n".join([self.log.getvalue(), *events, repr(rows), repr(record), repr(self.host)])


@asynccontextmanager
async def running(
    host_factory: HostFactory, *urls: str, stop_timeout: float = 10.0, **settings: Any
) -> AsyncIterator[Setting]:
    """A host whose plugin sends to `urls`, which are called a, b, ..."""
    webhooks = {name: {"url": url} for name, url in zip("abc", urls, strict=False)}
    host = host_factory(
        DiscordPlugin,
        settings={"discord": {**FAST, "webhooks": webhooks, **settings}},
        config={"host": {"stop_timeout": stop_timeout}},
    )
    log = io.StringIO()
    host.log = make_logger("debug", log, colors=False)
    async with host:
        assert host.records["discord"].state == "started", host.records["discord"].reason
        yield Setting(host, log)


async def test_an_alert_arrives_and_is_edited(host_factory: HostFactory) -> None:
    """The first is posted with ?wait=true, the others of its key change that message."""
    discord = Discord(SystemClock())
    async with serve(discord) as url, running(host_factory, url) as setting:
        await setting.publish(Rejected(reason="first"))
        await setting.until(lambda: discord.messages)
        await setting.publish(*[Rejected(reason=f"number {n}") for n in range(2, 21)])
        rows = await setting.rows()
    (shown,) = discord.messages.values()
    assert shown["content"].startswith("**20 alerts**")
    assert [embed["description"] for embed in shown["embeds"]] == ["first", "number 20"]
    assert rows["a: alerts"] == "20 = 1 sent + 19 coalesced + 0 dropped + 0 pending"


async def test_each_alert_goes_to_the_webhooks_that_it_names(host_factory: HostFactory) -> None:
    """To all where it names none; each keeps its own account."""
    one, other = Discord(SystemClock()), Discord(SystemClock())
    alerts = [{"patterns": ["sample.rejected"]}, {"patterns": ["*.halted"], "webhooks": ["b", "b"]}]
    async with (
        serve(one) as url,
        serve(other, 2) as second,
        running(host_factory, url, second, alerts=alerts) as setting,
    ):
        await setting.publish(Rejected(), Halted())
        rows = await setting.rows()
    assert one.titles == ["sample.rejected\\: BTC"]
    assert sorted(other.titles) == ["sample.halted", "sample.rejected\\: BTC"]
    assert rows["a: alerts"] == "1 = 1 sent + 0 coalesced + 0 dropped + 0 pending"
    assert rows["b: alerts"] == "2 = 2 sent + 0 coalesced + 0 dropped + 0 pending"


@pytest.mark.parametrize(
    "answer",
    [
        limited(0.03),
        limited(0.03, everywhere=True),
        Reply(429, {"Retry-After": "0"}),
        Reply(429, {"X-RateLimit-Reset-After": "0.03", "Retry-After": "1"}),
        Reply(429, {"Retry-After": "0", "X-RateLimit-Global": "true"}),
        Reply(429),
        BROKEN,
        Reply(500, body={"message": "internal"}),
        HANG,
        RESET,
        GARBAGE,
    ],
    ids=[
        "429-body",
        "429-body-global",
        "429-retry-after",
        "429-reset-after",
        "429-global-header",
        "429-nothing",
        "502",
        "500",
        "hang",
        "reset",
        "garbage",
    ],
)
async def test_what_fails_for_a_moment_is_sent_again(
    host_factory: HostFactory, answer: Script
) -> None:
    """The alert arrives once, whatever the first answer was."""
    discord = Discord(SystemClock())
    discord.script.append(answer)
    async with serve(discord) as url, running(host_factory, url) as setting:
        await setting.publish(Halted())
        await setting.until(lambda: discord.messages)
        rows = await setting.rows()
        assert TOKEN not in await setting.everything()
    assert len(discord.requests) == 2
    assert rows["a: alerts"] == "1 = 1 sent + 0 coalesced + 0 dropped + 0 pending"


async def test_204_is_a_success_without_a_message_to_edit(host_factory: HostFactory) -> None:
    """A server that ignores ?wait=true gets a new message for each alert."""
    discord = Discord(SystemClock())
    discord.script.append(Reply(204))
    async with serve(discord) as url, running(host_factory, url) as setting:
        await setting.publish(Rejected())
        await setting.until(lambda: discord.requests)
        await setting.publish(Rejected())
        rows = await setting.rows()
    assert [message_id for _, message_id in discord.requests] == [None, None]
    assert rows["a: alerts"] == "2 = 2 sent + 0 coalesced + 0 dropped + 0 pending"


@pytest.mark.parametrize("answer", [GONE, WRONG_TOKEN, Reply(404)], ids=["10015", "401", "404"])
async def test_a_webhook_that_is_gone_stops_and_says_so(
    host_factory: HostFactory, answer: Reply
) -> None:
    """In the log, as an event, in the summary; not one request follows, and all is counted."""
    discord = Discord(SystemClock())
    discord.script.append(answer)
    async with serve(discord) as url, running(host_factory, url) as setting:
        await setting.publish(Halted())
        await setting.until(lambda: setting.host.recorded.of(WebhookStopped))
        await setting.publish(Halted(), Halted())
        text, rows = await setting.everything(), await setting.rows()
        (stopped,) = setting.host.recorded.of(WebhookStopped)
        dropped = setting.host.recorded.of(AlertsDropped)
    assert len(discord.requests) == 1
    assert stopped.reason.startswith(f"HTTP {answer.status}")
    assert "discord.webhook_stopped" in setting.log.getvalue()
    assert rows["a: stopped"] == stopped.reason
    assert rows["a: alerts"] == "3 = 0 sent + 0 coalesced + 3 dropped + 0 pending"
    assert sum(event.dropped for event in dropped) == 3
    assert TOKEN not in text


async def test_a_deleted_message_is_replaced(host_factory: HostFactory) -> None:
    """404 with code 10008 at an edit: a new message, and the webhook goes on."""
    discord = Discord(SystemClock())
    async with serve(discord) as url, running(host_factory, url) as setting:
        await setting.publish(Rejected())
        await setting.until(lambda: discord.messages)
        discord.script.append(NO_MESSAGE)
        await setting.publish(Rejected())
        await setting.until(lambda: len(discord.messages) == 2)
        assert not setting.host.recorded.of(WebhookStopped)


async def test_an_outage_is_told_once_and_its_end_too(host_factory: HostFactory) -> None:
    """Alerts wait meanwhile; the queue drops ordinary ones first, and says how many."""
    discord = Discord(SystemClock())
    discord.script.extend([BROKEN] * 30)
    async with serve(discord) as url, running(host_factory, url, capacity=3) as setting:
        await setting.publish(*[Rejected(symbol=f"S{n}") for n in range(5)], Halted(), Halted())
        await setting.until(lambda: setting.host.recorded.of(WebhookRecovered))
        rows = await setting.rows()
        (failing,) = setting.host.recorded.of(WebhookFailing)
        dropped = setting.host.recorded.of(AlertsDropped)
    assert failing.reason == "HTTP 502"
    assert discord.titles[:2] == ["sample.halted", "sample.halted"]
    assert rows["a: alerts"].endswith("dropped + 0 pending")
    reasons = {reason for event in dropped for reason in event.reasons}
    assert reasons <= {"the queue was full", "displaced by a critical alert"}
    said = int(rows["a: alerts"].partition(" coalesced + ")[2].split()[0])
    assert said == sum(event.dropped for event in dropped) > 0


async def test_what_is_left_at_the_end_is_sent(host_factory: HostFactory) -> None:
    """The host waits for it, up to `stop_wait`."""
    discord = Discord(SystemClock())
    discord.script.append(limited(0.2))
    async with serve(discord) as url, running(host_factory, url, stop_wait=3.0) as setting:
        await setting.publish(Halted())
        rows = await setting.rows()
    assert len(discord.messages) == 1
    assert rows["a: alerts"] == "1 = 1 sent + 0 coalesced + 0 dropped + 0 pending"


async def test_what_cannot_be_sent_at_the_end_is_counted(host_factory: HostFactory) -> None:
    """A server that hangs holds up the end for `stop_wait` seconds, and no longer."""
    discord = Discord(SystemClock())
    discord.script.extend([HANG] * 9)
    settings = {"stop_wait": 0.1, "timeout": 20.0}
    async with serve(discord) as url, running(host_factory, url, **settings) as setting:
        await setting.publish(Halted(), Halted())
        begin = asyncio.get_running_loop().time()
        rows = await setting.rows()
        took = asyncio.get_running_loop().time() - begin
        (dropped,) = setting.host.recorded.of(AlertsDropped)
    assert took < 2.0
    assert rows["a: dropped, left when the host stopped"] == "2"
    assert rows["a: alerts"] == "2 = 0 sent + 0 coalesced + 2 dropped + 0 pending"
    assert dropped.reasons == {"left when the host stopped": 2}


async def test_a_host_with_less_patience_gets_the_same_account(host_factory: HostFactory) -> None:
    """When the host ends the wait before `stop_wait` does, nothing is lost without a word."""
    discord = Discord(SystemClock())
    discord.script.extend([HANG] * 9)
    settings = {"stop_wait": 9.0, "timeout": 20.0}
    async with (
        serve(discord) as url,
        running(host_factory, url, stop_timeout=0.1, **settings) as setting,
    ):
        await setting.publish(Halted())
        rows = await setting.rows()
        (dropped,) = setting.host.recorded.of(AlertsDropped)
        assert "1 = 0 sent + 0 coalesced + 1 dropped + 0 pending" in setting.log.getvalue()
    assert rows["a: alerts"] == "1 = 0 sent + 0 coalesced + 1 dropped + 0 pending"
    assert dropped.reasons == {"left when the host stopped": 1}


async def test_a_hanging_webhook_holds_up_neither_the_bus_nor_the_other_one(
    host_factory: HostFactory,
) -> None:
    """Ten thousand events pass while one webhook does not answer."""
    one, other = Discord(SystemClock()), Discord(SystemClock())
    one.script.extend([HANG] * 9)
    settings = {"timeout": 20.0, "stop_wait": 0.05, "buffer": 64}
    async with (
        serve(one) as url,
        serve(other, 2) as second,
        running(host_factory, url, second, **settings) as setting,
    ):
        async with asyncio.timeout(10):
            await setting.publish(*[Rejected() for _ in range(10_000)])
        await setting.until(lambda: other.messages)
        assert not setting.host.failed
        accounts = setting.host.event_bus.ledger.report().accounts
        (account,) = (one for one in accounts if one.name == "alert-1")
        rows = await setting.rows()
    assert account.delivered + account.lagged == 10_000
    assert rows["a: alerts"] == "10,000 = 0 sent + 0 coalesced + 10,000 dropped + 0 pending"
    assert rows["b: alerts"].startswith("10,000 = ")
    assert rows["b: alerts"].endswith("+ 0 pending")


async def test_the_job_tries_every_webhook(host_factory: HostFactory) -> None:
    """`hookbus jobs run discord.test` says which works and which does not, and why."""
    one, other = Discord(SystemClock()), Discord(SystemClock())
    other.script.append(BROKEN)
    async with (
        serve(one) as url,
        serve(other, 2) as second,
        running(host_factory, url, second) as setting,
    ):
        job = setting.host.scheduler.job("discord.test")
        entry, again = await job.run_now(), await job.run_now()
        text = await setting.everything()
    assert (entry.end, entry.reason) == ("failed", "RuntimeError: b: HTTP 502")
    assert again.end == "ran"
    assert one.titles == ["Test of hookbus-discord"] * 2
    assert TOKEN not in text


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:9", "no-such-host.invalid", "127.0.0.1:1"],
    ids=["refused", "dns", "refused-too"],
)
async def test_nothing_shows_the_address_of_a_server_that_is_not_there(
    host_factory: HostFactory, host: str
) -> None:
    """Log, events, summary and records know the kind of the failure, not the address."""
    url = f"http://{host}/api/webhooks/1/{TOKEN}"
    async with running(host_factory, url, stop_wait=0.05) as setting:
        await setting.publish(Halted())
        await setting.until(lambda: setting.host.recorded.of(WebhookFailing))
        text = await setting.everything()
    assert "discord.webhook_failing" in text
    assert TOKEN not in text


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HANG, "no answer in time"),
        (RESET, "ServerDisconnectedError"),
        (GARBAGE, "ClientResponseError"),
    ],
)
async def test_a_transport_never_raises_and_never_quotes(
    simulated_clock: Clock, answer: Script, reason: str
) -> None:
    """What comes back is the kind of the failure: the text of a library may hold the address."""
    discord = Discord(simulated_clock)
    discord.script.append(answer)
    async with serve(discord) as url, open_transport(0.2, 0.2, in_thread=False) as transport:
        reply = await transport.send(Address(url, test_server=True), None, {})
    assert reply == Unreachable(reason)


async def test_a_redirect_is_not_followed(simulated_clock: Clock) -> None:
    """Whoever redirects would learn the address, and Discord does not."""
    discord = Discord(simulated_clock)
    discord.script.append(Reply(307, {"Location": f"/api/v10/webhooks/1/{TOKEN}"}))
    async with serve(discord) as url, open_transport(0.2, 0.2, in_thread=False) as transport:
        reply = await transport.send(Address(url, test_server=True), None, {})
    assert str(reply) == "HTTP 307"
    assert len(discord.requests) == 1


def test_an_address_in_a_traceback_is_hidden() -> None:
    """Whoever prints the locals of a frame sees stars."""
    address = Address(f"https://discord.com/api/webhooks/42/{TOKEN}")
    try:
        raise RuntimeError(address)
    except RuntimeError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert TOKEN not in "".join(shown.format())
