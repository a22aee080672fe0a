"""The courier on simulated time: limits, outages, deleted messages, webhooks that are gone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

from hookbus import Clock
from hookbus_discord.addresses import Address
from hookbus_discord.alerts import Alert
from hookbus_discord.backoff import Backoff
from hookbus_discord.courier import STOPPED, Courier
from hookbus_discord.events import DiscordEvent, WebhookFailing, WebhookRecovered, WebhookStopped
from hookbus_discord.outbox import Outbox
from hookbus_discord.ratelimits import Pause, RateLimits
from hookbus_discord.replies import Reply, Unreachable

from tests.plugins.discord.discord import (
    BROKEN,
    GONE,
    NO_MESSAGE,
    SECOND,
    WRONG_TOKEN,
    Discord,
    limited,
)
from tests.plugins.discord.samples import URL, Anything, Halted, Rejected, alert, rule

EDIT_INTERVAL = 5.0


class Desk:
    """A courier at work, and all that it has told."""

    def __init__(self, discord: Discord, reserve: float, everywhere: Pause, name: str) -> None:
        self.told: list[DiscordEvent] = []
        self.discord = discord
        self.courier = Courier(
            name,
            Address(URL),
            discord,
            discord.clock,
            Outbox(100, lambda: None),
            RateLimits(reserve, everywhere),
            Backoff(1.0, 60.0, random.Random(name)),
            EDIT_INTERVAL,
            self.told.append,
        )
        self.account = self.courier.outbox.account

    def put(self, *alerts: Alert) -> None:
        """Hand alerts to the courier."""
        for one in alerts:
            self.courier.put(one)

    async def sent(self) -> None:
        """Wait until nothing is pending, without hurrying it."""
        while self.courier.outbox.pending:
            await self.discord.clock.sleep(0.05)


@asynccontextmanager
async def at_work(
    discord: Discord, reserve: float = 0.2, everywhere: Pause | None = None, name: str = "ops"
) -> AsyncIterator[Desk]:
    """A courier that runs as long as the block does."""
    desk = Desk(discord, reserve, everywhere or Pause(), name)
    task = asyncio.ensure_future(desk.courier.run())
    yield desk
    task.cancel()
    await asyncio.wait({task})


def ordinary(count: int) -> list[Alert]:
    """Alerts that share no message."""
    return [alert(Rejected(symbol=f"S{number}"), number + 1) for number in range(count)]


def critical(reason: str = "drawdown") -> Alert:
    """An alert that goes first."""
    return alert(Halted(reason=reason), by=rule(severity="critical", group_by="none"))


async def test_a_burst_stays_within_what_the_headers_allow(simulated_clock: Clock) -> None:
    """Discord never has to say 429, and the burst takes as long as its limit makes it."""
    discord = Discord(simulated_clock, limit=5, window=2.0)
    begin_ns = simulated_clock.now_ns()
    async with at_work(discord, reserve=0.0) as desk:
        desk.put(*ordinary(23))
        await desk.sent()
    assert discord.too_many == 0
    assert len(discord.messages) == 23
    assert 8.0 <= (simulated_clock.now_ns() - begin_ns) / SECOND < 8.2


async def test_another_limit_is_obeyed_as_well(simulated_clock: Clock) -> None:
    """No limit is written into the code: it follows what this server says."""
    discord = Discord(simulated_clock, limit=1, window=7.0)
    begin_ns = simulated_clock.now_ns()
    async with at_work(discord) as desk:
        desk.put(*ordinary(4))
        await desk.sent()
    assert discord.too_many == 0
    assert 21.0 <= (simulated_clock.now_ns() - begin_ns) / SECOND < 21.2


async def test_a_critical_alert_finds_quota_in_the_middle_of_a_burst(
    simulated_clock: Clock,
) -> None:
    """It goes at once, out of the reserve, while ordinary ones wait for the reset."""
    discord = Discord(simulated_clock, limit=5, window=10.0)
    async with at_work(discord, reserve=0.2) as desk:
        desk.put(*ordinary(20))
        await simulated_clock.sleep(1.0)
        assert len(discord.messages) == 4
        desk.put(critical())
        await simulated_clock.sleep(0.01)
        assert discord.titles[-1] == "sample.halted"
        assert len(discord.messages) == 5
        assert discord.too_many == 0


async def test_one_request_too_many_waits_as_long_as_it_is_told(simulated_clock: Clock) -> None:
    """Nothing is lost by a 429, and nothing is tried before its time."""
    discord = Discord(simulated_clock)
    discord.script.append(limited(3.5))
    async with at_work(discord) as desk:
        desk.put(*ordinary(2))
        await desk.sent()
    first, second, third = (time_ns for time_ns, _ in discord.requests)
    assert second - first == round(3.5 * SECOND)
    assert third == second
    assert (desk.account.sent, desk.courier.limited, desk.courier.failures.total()) == (2, 1, 0)


async def test_a_global_limit_silences_every_courier(simulated_clock: Clock) -> None:
    """Also critical alerts, and those of other webhooks."""
    everywhere = Pause()
    one, other = Discord(simulated_clock), Discord(simulated_clock)
    one.script.append(limited(4.0, everywhere=True))
    async with at_work(one, everywhere=everywhere) as desk:
        desk.put(critical())
        await simulated_clock.sleep(1)
        async with at_work(other, everywhere=everywhere) as second:
            second.put(critical())
            await simulated_clock.sleep(2.9)
            assert (len(one.messages), len(other.requests)) == (0, 0)
            await simulated_clock.sleep(0.2)
            assert (len(one.messages), len(other.messages)) == (1, 1)


async def test_a_limit_of_one_webhook_leaves_the_other_alone(simulated_clock: Clock) -> None:
    """A 429 that is not global is the business of one courier."""
    everywhere = Pause()
    one, other = Discord(simulated_clock), Discord(simulated_clock)
    one.script.append(limited(4.0))
    async with (
        at_work(one, everywhere=everywhere) as desk,
        at_work(other, everywhere=everywhere) as second,
    ):
        desk.put(critical())
        await simulated_clock.sleep(1)
        second.put(critical())
        await simulated_clock.sleep(0.1)
        assert (len(one.messages), len(other.messages)) == (0, 1)


async def test_a_flood_of_one_cause_is_one_message_with_a_count(simulated_clock: Clock) -> None:
    """Three hundred alerts in half a minute: one post, and an edit every few seconds."""
    discord = Discord(simulated_clock)
    by = rule(group_by="correlation")
    async with at_work(discord) as desk:
        for number in range(300):
            desk.put(alert(Rejected(), number + 2, by=by, cause=1, at=number / 10))
            await simulated_clock.sleep(0.1)
        await desk.sent()
    (shown,) = discord.messages.values()
    assert shown["content"].startswith("**300 alerts** from <t:")
    assert discord.posts == 1
    assert discord.edits <= 30 / EDIT_INTERVAL + 1
    assert (desk.account.sent, desk.account.coalesced) == (1, 299)


async def test_a_message_that_somebody_deleted_is_posted_anew(simulated_clock: Clock) -> None:
    """The webhook is not stopped by it, and the count goes on."""
    discord = Discord(simulated_clock)
    by = rule(group_by="key")
    async with at_work(discord) as desk:
        desk.put(alert(by=by))
        await desk.sent()
        discord.script.append(NO_MESSAGE)
        desk.put(alert(by=by), alert(by=by))
        await desk.sent()
    assert desk.courier.gone is None
    assert [message_id for _, message_id in discord.requests] == [None, "1000", None]
    assert list(discord.messages.values())[-1]["content"].startswith("**3 alerts**")
    assert (desk.account.sent, desk.account.coalesced) == (2, 1)


async def test_an_unknown_webhook_stops_for_good_and_says_so(simulated_clock: Clock) -> None:
    """Not one request more, however many alerts come; all of them are counted."""
    for answer in (GONE, WRONG_TOKEN):
        discord = Discord(simulated_clock)
        discord.script.append(answer)
        async with at_work(discord) as desk:
            desk.put(*ordinary(3))
            await desk.sent()
            desk.put(*ordinary(4), critical())
            await simulated_clock.sleep(3600)
        assert len(discord.requests) == 1
        assert desk.account.dropped == {STOPPED: 8}
        (told,) = desk.told
        assert isinstance(told, WebhookStopped)
        assert "set another url" in told.reason


async def test_an_unknown_webhook_at_an_edit_stops_as_well(simulated_clock: Clock) -> None:
    """404 with the code of the webhook is not taken for a deleted message."""
    discord = Discord(simulated_clock)
    by = rule(group_by="key")
    async with at_work(discord) as desk:
        desk.put(alert(by=by))
        await desk.sent()
        discord.script.append(GONE)
        desk.put(alert(by=by))
        await desk.sent()
    assert desk.courier.gone is not None
    assert desk.account.dropped == {STOPPED: 1}


async def test_an_outage_is_waited_for_ever_longer(simulated_clock: Clock) -> None:
    """Each wait is at most twice the one before; what waits is sent in the end, in order."""
    discord = Discord(simulated_clock)
    discord.script.extend([BROKEN, Unreachable("no answer in time")] * 4)
    async with at_work(discord) as desk:
        desk.put(*ordinary(3))
        await desk.sent()
    times = [time_ns for time_ns, _ in discord.requests[:9]]
    waits = [(after - before) / SECOND for before, after in pairwise(times)]
    for number, wait in enumerate(waits):
        assert min(60, 2**number) / 2 <= wait <= min(60, 2**number)
    assert discord.titles == [f"sample.rejected\\: S{number}" for number in range(3)]
    assert desk.told == [
        WebhookFailing(webhook="ops", reason="HTTP 502"),
        WebhookRecovered(webhook="ops", failures=8),
    ]
    assert desk.courier.failures == {"HTTP 502": 4, "no answer in time": 4}


async def test_the_waits_of_an_outage_repeat_themselves(simulated_clock: Clock) -> None:
    """Under the simulated clock a back-off is as deterministic as everything else."""
    runs = []
    for _ in range(2):
        discord = Discord(simulated_clock)
        discord.script.extend([BROKEN] * 6)
        begin_ns = simulated_clock.now_ns()
        async with at_work(discord) as desk:
            desk.put(*ordinary(1))
            await desk.sent()
        runs.append([time_ns - begin_ns for time_ns, _ in discord.requests])
    assert runs[0] == runs[1]


async def test_a_broken_server_may_say_when_to_come_back(simulated_clock: Clock) -> None:
    """A Retry-After of a 503 is obeyed where it is longer than the back-off."""
    discord = Discord(simulated_clock)
    discord.script.append(Reply(503, {"retry-after": "30"}))
    async with at_work(discord) as desk:
        desk.put(*ordinary(1))
        await desk.sent()
    first, second = (time_ns for time_ns, _ in discord.requests)
    assert second - first == 30 * SECOND


async def test_alerts_of_one_cause_are_gathered_while_discord_is_away(
    simulated_clock: Clock,
) -> None:
    """An outage costs one message, not a hundred."""
    discord = Discord(simulated_clock)
    discord.script.extend([BROKEN] * 3)
    by = rule(group_by="correlation")
    async with at_work(discord) as desk:
        for number in range(100):
            desk.put(alert(Rejected(), number + 2, by=by, cause=1, at=number / 100))
            await simulated_clock.sleep(0.01)
        await desk.sent()
    (shown,) = discord.messages.values()
    assert shown["content"].startswith("**100 alerts**")
    assert discord.edits == 0


async def test_a_message_that_discord_refuses_is_dropped_alone(simulated_clock: Clock) -> None:
    """It would be refused again; the next one may do."""
    discord = Discord(simulated_clock)
    discord.script.append(Reply(400, body={"code": 50035}))
    async with at_work(discord) as desk:
        desk.put(*ordinary(2))
        await desk.sent()
    assert discord.titles == ["sample.rejected\\: S1"]
    reason = "refused by Discord: HTTP 400, code 50035 (invalid form body)"
    assert desk.account.dropped == {reason: 1}
    assert desk.told == []


async def test_an_event_that_cannot_be_shown_costs_one_alert(simulated_clock: Clock) -> None:
    """Not the courier: Python refuses to write a number of five thousand digits."""
    discord = Discord(simulated_clock)
    async with at_work(discord) as desk:
        desk.put(alert(Anything(value=10**5000)), *ordinary(1))
        await desk.sent()
    assert desk.account.dropped == {"cannot be shown: ValueError": 1}
    assert len(discord.messages) == 1


async def test_a_hurried_courier_does_not_put_off_edits(simulated_clock: Clock) -> None:
    """When the host stops, the last count is shown at once."""
    discord = Discord(simulated_clock)
    by = rule(group_by="key")
    async with at_work(discord) as desk:
        desk.put(alert(by=by))
        await desk.sent()
        desk.put(alert(by=by))
        begin_ns = simulated_clock.now_ns()
        await desk.courier.drained()
        assert simulated_clock.now_ns() == begin_ns
    assert discord.edits == 1


async def test_a_test_message_says_what_went_wrong(simulated_clock: Clock) -> None:
    """Nothing, or the answer; a wrong token stops the webhook as everywhere."""
    discord = Discord(simulated_clock)
    discord.script.extend([BROKEN, limited(2.5), Reply(400), WRONG_TOKEN])
    async with at_work(discord) as desk:
        answers = [await desk.courier.probe() for _ in range(4)]
        again = await desk.courier.probe()
    token = "HTTP 401, code 50027 (invalid webhook token)"
    assert answers == ["HTTP 502", "HTTP 429, try again in 2.5 s", "HTTP 400", token]
    assert again is not None
    assert again.startswith(token)
    assert len(discord.requests) == 4
