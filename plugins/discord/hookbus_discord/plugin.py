"""The plugin: one subscription for each alert, and one courier for each webhook."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from functools import partial

from hookbus import (
    Envelope,
    Event,
    ExpressionError,
    Job,
    Lagged,
    Plugin,
    PluginContext,
    Summary,
    UsageError,
    hookimpl,
)

from hookbus_discord.addresses import Address
from hookbus_discord.alerts import SECOND, Alert, Rule, is_about
from hookbus_discord.backoff import Backoff
from hookbus_discord.courier import LEFT, Courier
from hookbus_discord.defaults import DEFAULT_ALERTS
from hookbus_discord.events import (
    AlertsDropped,
    DiscordEvent,
    ProbeRequested,
    WebhookFailing,
    WebhookRecovered,
    WebhookStopped,
)
from hookbus_discord.outbox import Outbox
from hookbus_discord.ratelimits import Pause, RateLimits
from hookbus_discord.report import DropReport, account_line, summary_rows
from hookbus_discord.settings import DiscordSettings
from hookbus_discord.transport import Rehearsal, Transport


class DiscordPlugin(Plugin):
    """Sends alerts from chosen events to Discord webhooks, grouped and within its rate limits."""

    name = "discord"
    outward = True
    Settings = DiscordSettings

    settings: DiscordSettings

    def __init__(self, settings: DiscordSettings) -> None:
        super().__init__(settings)
        self._couriers: dict[str, Courier] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._drops = DropReport()
        self._rehearsing = False

    @hookimpl
    def hookbus_events(self) -> Iterable[type[Event]]:
        """Declare what the plugin says of itself."""
        return (AlertsDropped, ProbeRequested, WebhookFailing, WebhookRecovered, WebhookStopped)

    @hookimpl
    def hookbus_jobs(self) -> Iterable[Job]:
        """Offer the test of all webhooks: `hookbus jobs run discord.test`."""
        return (Job("test", self._probe_all, on=ProbeRequested),)

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Open the session, start the couriers and subscribe."""
        if not self.settings.webhooks:
            context.log.debug("no webhooks are set in [plugins.discord.webhooks]; nothing is sent")
            return
        self._rehearsing = context.clock.simulated and not self.settings.send_in_simulation
        transport = await self._open_transport(context)
        everywhere = Pause()
        for name in self.settings.webhooks:
            courier = self._make_courier(name, context, transport, everywhere)
            self._couriers[name] = courier
            self._tasks[name] = context.start_task(courier.run(), f"courier-{name}")
        context.start_task(self._report_drops(context), "drops")
        for rule in self._rules():
            self._subscribe(context, rule)

    @hookimpl
    async def hookbus_stop(self, context: PluginContext) -> None:
        """Send what is left within `stop_wait` seconds, and drop the rest."""
        at_work = [one for name, one in self._couriers.items() if not self._tasks[name].done()]
        drained = [asyncio.ensure_future(courier.drained()) for courier in at_work]
        try:
            if drained:
                await asyncio.wait(drained, timeout=self.settings.stop_wait)
        finally:
            for task in [*drained, *self._tasks.values()]:
                task.cancel()
            self._close(context)

    @hookimpl
    def hookbus_summary(self) -> Summary | None:
        """What became of the alerts of each webhook."""
        rows = summary_rows(self._couriers.values())
        if not rows:
            return None
        if self._rehearsing:
            rows = (("rehearsal, as time is simulated", "nothing was sent"), *rows)
        return Summary(title="Discord alerts", rows=rows)

    def _close(self, context: PluginContext) -> None:
        """Drop what is left, and say what became of everything."""
        for courier in self._couriers.values():
            courier.outbox.close(LEFT)
            if courier.outbox.account.matched:
                context.log.info("alerts", webhook=courier.name, account=account_line(courier))
        self._tell_drops(context)

    def _rules(self) -> Iterable[Rule]:
        chosen = DEFAULT_ALERTS if self.settings.alerts is None else self.settings.alerts
        for number, alert in enumerate(chosen, 1):
            window = self.settings.window if alert.window is None else alert.window
            yield Rule(alert, number, round(window * SECOND))

    async def _open_transport(self, context: PluginContext) -> Transport:
        if self._rehearsing:
            return Rehearsal()
        from hookbus_discord.network import open_transport

        settings = self.settings
        return await context.exit_stack.enter_async_context(
            open_transport(
                settings.timeout, settings.connect_timeout, in_thread=context.clock.simulated
            )
        )

    def _make_courier(
        self, name: str, context: PluginContext, transport: Transport, everywhere: Pause
    ) -> Courier:
        settings = self.settings
        url = settings.webhooks[name].url.get_secret_value()
        chance = random.Random(name if context.clock.simulated else None)
        return Courier(
            name,
            Address(url, test_server=settings.allow_test_server),
            transport,
            context.clock,
            Outbox(settings.capacity, self._drops.news.set),
            RateLimits(settings.reserve, everywhere),
            Backoff(settings.backoff_first, settings.backoff_most, chance),
            settings.edit_interval,
            partial(_tell, context),
        )

    def _subscribe(self, context: PluginContext, rule: Rule) -> None:
        wanted = rule.settings.webhooks or self.settings.webhooks
        couriers = [self._couriers[name] for name in dict.fromkeys(wanted)]
        try:
            context.bus.subscribe(
                rule.settings.patterns,
                partial(self._take, rule, couriers),
                name=f"alert-{rule.number}",
                where=rule.settings.where,
                envelope=True,
                capacity=self.settings.buffer,
                on_lagged=partial(_note_lag, couriers),
            )
        except ExpressionError as error:
            raise UsageError(f"where of alerts number {rule.number}: {error}") from None

    async def _take(self, rule: Rule, couriers: Sequence[Courier], envelope: Envelope) -> None:
        if is_about(envelope.event, self.name):
            return
        for courier in couriers:
            courier.put(Alert(rule, envelope))

    async def _report_drops(self, context: PluginContext) -> None:
        while True:
            await self._drops.news.wait()
            self._tell_drops(context)
            await context.clock.sleep(self.settings.report_interval)

    def _tell_drops(self, context: PluginContext) -> None:
        for event in self._drops.new(self._couriers.values()):
            _tell(context, event)

    async def _probe_all(self) -> None:
        if not self._couriers:
            raise RuntimeError("no webhooks are set in [plugins.discord.webhooks]")
        if self._rehearsing:
            raise RuntimeError("nothing is sent under the simulated clock")
        couriers = self._couriers.values()
        answers = await asyncio.gather(*(courier.probe() for courier in couriers))
        wrong = [
            f"{one.name}: {answer}" for one, answer in zip(couriers, answers, strict=True) if answer
        ]
        if wrong:
            raise RuntimeError("; ".join(wrong))


def _note_lag(couriers: Sequence[Courier], lagged: Lagged) -> None:
    for courier in couriers:
        courier.outbox.miss(lagged.missed)


def _tell(context: PluginContext, event: DiscordEvent) -> None:
    """Say it in the host's log and on the bus, which must not wait for a slow listener."""
    level = _LEVELS.get(type(event), "warning")
    name = event.__event__.name if event.__event__ else ""
    getattr(context.log, level)(name, **event.model_dump())
    context.bus.publish_forced(event)


_LEVELS: dict[type[DiscordEvent], str] = {WebhookStopped: "error", WebhookRecovered: "info"}
