"""The plugin: it hands events to the controller and publishes what that decides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from hookbus import Event, Plugin, PluginContext, Summary, WouldBlock, hookimpl
from hookbus_trading.control import HealthStatusChanged, PolicyUpdated, TradeExecuted
from hookbus_trading.flow import Bar, PortfolioUpdated

from hookbus_msc.controller import Controller
from hookbus_msc.events import PolicyPinned, PolicyUnpinned
from hookbus_msc.keeper import Keeper
from hookbus_msc.settings import MscSettings
from hookbus_msc.statefile import StateFile

__all__ = ["MscPlugin"]


class MscPlugin(Plugin):
    """Decides how much may be risked from drawdown, volatility, results and health."""

    name = "msc"
    requires = ("trading",)
    hook_api = 1
    Settings = MscSettings

    settings: MscSettings

    def __init__(self, settings: MscSettings) -> None:
        super().__init__(settings)
        self._keeper: Keeper | None = None
        self._timer: asyncio.Task[None] | None = None
        self._alarm_ns: int | None = None

    @hookimpl
    def hookbus_events(self) -> Iterable[type[Event]]:
        """What an operator may say."""
        return (PolicyPinned, PolicyUnpinned)

    @hookimpl
    def hookbus_start(self, context: PluginContext) -> None:
        """Restore what an earlier run knew, and listen."""
        self._context = context
        self._bus = context.bus
        self._now_ns = context.clock.now_ns
        self._controller = Controller(self.settings)
        if not context.clock.simulated:
            file = StateFile(context.state_dir / "state.json")
            self._keeper = Keeper(self._controller, file, context.clock, context.log)
            self._keeper.restore()
        self._subscribe()

    def _subscribe(self) -> None:
        subscribe = self._bus.subscribe
        if self.settings.volatility.enabled:
            subscribe(Bar, self._on_bar, mode="inline", name="bars")
        subscribe(PortfolioUpdated, self._on_portfolio, mode="inline", name="portfolio")
        subscribe(TradeExecuted, self._on_trade, mode="inline", name="trades")
        if self.settings.health.enabled:
            subscribe(HealthStatusChanged, self._on_health, mode="inline", name="health")
        subscribe(PolicyPinned, self._on_pinned, mode="inline", name="pinned")
        subscribe(PolicyUnpinned, self._on_unpinned, mode="inline", name="unpinned")

    @hookimpl
    def hookbus_ready(self, context: PluginContext) -> None:
        """Publish the first policy, and begin to save the state."""
        self._after(self._controller.begin(self._now_ns()))
        if self._keeper is not None:
            context.start_task(self._keeper.run(self.settings.save_every), "save")

    @hookimpl
    def hookbus_stop(self) -> None:
        """Save the state as it is at the end."""
        if self._keeper is not None:
            self._keeper.save()

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """The mode and why, the time in each, and what was ignored."""
        rows = self._controller.rows(self._now_ns())
        kept = () if self._keeper is None else self._keeper.rows()
        return Summary("Meta strategy controller", (*rows, *kept))

    def _on_bar(self, bar: Bar) -> None:
        policy = self._controller.on_bar(bar, self._now_ns())
        if policy is not None:
            self._after(policy)
        elif self._keeper is not None:
            self._keeper.follow()

    def _on_portfolio(self, event: PortfolioUpdated) -> None:
        self._after(self._controller.on_portfolio(event, self._now_ns()))

    def _on_trade(self, event: TradeExecuted) -> None:
        self._after(self._controller.on_trade(event, self._now_ns()))

    def _on_health(self, event: HealthStatusChanged) -> None:
        self._after(self._controller.on_health(event, self._now_ns()), save=True)

    def _on_pinned(self, event: PolicyPinned) -> None:
        self._after(self._controller.on_pinned(event, self._now_ns()), save=True)

    def _on_unpinned(self, _: PolicyUnpinned) -> None:
        self._after(self._controller.on_unpinned(self._now_ns()), save=True)

    def _after(self, policy: PolicyUpdated | None, *, save: bool = False) -> None:
        """Save what must not be forgotten, then tell, then wait for what ends by itself."""
        notes, self._controller.notes = self._controller.notes, []
        if self._keeper is not None:
            if save or notes or policy is not None:
                self._keeper.save()
            else:
                self._keeper.follow()
        for note in notes:
            self._context.log.info(note)
        if policy is not None:
            self._publish(policy)
        self._arm()

    def _publish(self, policy: PolicyUpdated) -> None:
        try:
            self._bus.publish_nowait(policy)
        except WouldBlock:
            self._bus.publish_forced(policy)

    def _arm(self) -> None:
        alarm_ns = self._controller.alarm_ns
        if alarm_ns == self._alarm_ns:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._alarm_ns = alarm_ns
        self._timer = None
        if alarm_ns is not None:
            self._timer = self._context.start_task(self._ring(alarm_ns), "alarm")

    async def _ring(self, alarm_ns: int) -> None:
        await self._context.clock.sleep_until(alarm_ns)
        self._timer = self._alarm_ns = None
        self._after(self._controller.on_alarm(self._now_ns()))
