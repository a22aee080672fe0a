"""The courier: empties the outbox of one webhook as fast as Discord allows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hookbus import Clock

from hookbus_discord.addresses import Address
from hookbus_discord.alerts import SECOND, Alert
from hookbus_discord.backoff import Backoff
from hookbus_discord.events import DiscordEvent, WebhookFailing, WebhookRecovered, WebhookStopped
from hookbus_discord.messages import message, probe
from hookbus_discord.outbox import Message, Outbox
from hookbus_discord.ratelimits import RateLimits, Route
from hookbus_discord.replies import (
    Accepted,
    Limited,
    MessageGone,
    Refused,
    Unavailable,
    Verdict,
    WebhookGone,
    judge,
)
from hookbus_discord.transport import Transport

STOPPED = "the webhook has stopped"
LEFT = "left when the host stopped"


class Courier:
    """Sends the alerts of one webhook, one request at a time; `tell` is called with what happens.

    `failures` counts attempts by reason, `limited` the answers that said 'too many requests'.
    """

    def __init__(
        self,
        name: str,
        address: Address,
        transport: Transport,
        clock: Clock,
        outbox: Outbox,
        limits: RateLimits,
        backoff: Backoff,
        edit_interval: float,
        tell: Callable[[DiscordEvent], None],
    ) -> None:
        self.name = name
        self.outbox = outbox
        self.failures: Counter[str] = Counter()
        self.limited = 0
        self.gone: str | None = None
        self._address = address
        self._transport = transport
        self._clock = clock
        self._limits = limits
        self._backoff = backoff
        self._edit_interval_ns = round(edit_interval * SECOND)
        self._tell = tell
        self._not_before_ns = 0
        self._hurrying = False
        self._news = asyncio.Event()
        self._progress = asyncio.Event()
        self._line = asyncio.Lock()

    def put(self, alert: Alert) -> None:
        """Take an alert; returns at once."""
        if self.outbox.put(alert):
            self._news.set()

    async def run(self) -> None:
        """Send until cancelled, or until the webhook is gone."""
        while self.gone is None:
            self._news.clear()
            chosen, wait_ns = self.outbox.choose(self._wait_ns)
            if chosen is not None:
                await self._deliver(chosen)
            else:
                await self._rest(wait_ns)

    async def drained(self) -> None:
        """Wait until everything is sent or dropped; edits are no longer put off."""
        self._hurrying = True
        self._news.set()
        while self.outbox.pending:
            self._progress.clear()
            await self._progress.wait()

    async def probe(self) -> str | None:
        """Send one test message, once; returns what went wrong."""
        if self.gone is not None:
            return self.gone
        verdict = await self._request("post", None, probe(self.name))
        match verdict:
            case Accepted():
                return None
            case WebhookGone(reason):
                self._stop(reason)
                return reason
            case Limited(seconds):
                return f"HTTP 429, try again in {seconds:g} s"
            case MessageGone():
                return "HTTP 404"
            case Unavailable(reason) | Refused(reason):
                return reason

    def _wait_ns(self, one: Message) -> int:
        now_ns = self._clock.now_ns()
        route = _route(one)
        wait_ns = self._limits.wait_ns(route, critical=one.critical, now_ns=now_ns)
        ready_ns = 0 if self._hurrying else one.ready_ns
        return max(wait_ns, ready_ns - now_ns, self._not_before_ns - now_ns)

    async def _rest(self, wait_ns: int | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(None if wait_ns is None else wait_ns / SECOND):
                await self._news.wait()

    async def _deliver(self, one: Message) -> None:
        self.outbox.take(one)
        alerts = one.unshown
        try:
            body = message(one.first, one.latest, one.count, one.kinds)
        except Exception as error:  # noqa: BLE001 - what an event holds is code of its author
            self.outbox.discard(one, f"cannot be shown: {type(error).__name__}")
        else:
            verdict = await self._request(_route(one), one.message_id, body)
            self._settle(one, alerts, verdict)
        self._progress.set()

    async def _request(self, route: Route, message_id: str | None, body: dict[str, Any]) -> Verdict:
        async with self._line:
            self._limits.spend(route)
            reply = await self._transport.send(self._address, message_id, body)
            now_ns = self._clock.now_ns()
            self._limits.note(route, getattr(reply, "headers", {}), now_ns)
            verdict = judge(reply, editing=message_id is not None)
            if isinstance(verdict, Limited):
                self.limited += 1
                self._limits.pause(route, verdict.seconds, now_ns, everywhere=verdict.everywhere)
            return verdict

    def _settle(self, one: Message, alerts: int, verdict: Verdict) -> None:
        match verdict:
            case Accepted(message_id):
                one.ready_ns = self._clock.now_ns() + self._edit_interval_ns
                self.outbox.shown(one, alerts, message_id)
                self._note_success()
            case Limited():
                self.outbox.give_back(one)
            case Unavailable(reason, seconds):
                self.outbox.give_back(one)
                self._note_failure(reason, seconds)
            case MessageGone():
                one.message_id = None
                self.outbox.give_back(one)
            case Refused(reason):
                self.failures[reason] += 1
                self.outbox.discard(one, f"refused by Discord: {reason}")
            case WebhookGone(reason):
                self._stop(reason)

    def _note_success(self) -> None:
        failures = self._backoff.succeeded()
        if failures:
            self._tell(WebhookRecovered(webhook=self.name, failures=failures))

    def _note_failure(self, reason: str, seconds: float | None) -> None:
        self.failures[reason] += 1
        if not self._backoff.failures:
            self._tell(WebhookFailing(webhook=self.name, reason=reason))
        wait = max(self._backoff.failed(), seconds or 0.0)
        self._not_before_ns = self._clock.now_ns() + round(wait * SECOND)

    def _stop(self, reason: str) -> None:
        self.gone = f"{reason}; set another url for it and start the host again"
        self.failures[reason] += 1
        self.outbox.close(STOPPED)
        self._tell(WebhookStopped(webhook=self.name, reason=self.gone))
        self._news.set()
        self._progress.set()


def _route(one: Message) -> Route:
    return "post" if one.message_id is None else "edit"
