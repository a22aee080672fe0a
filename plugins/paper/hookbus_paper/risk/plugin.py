"""The risk check on the bus: signals, fills and the portfolio in, orders and refusals out."""

from collections.abc import Callable
from datetime import datetime

from hookbus import Event, Plugin, PluginContext, Summary, hookimpl
from hookbus_trading.control import (
    HealthStatusChanged,
    OpportunitiesUpdated,
    PolicyUpdated,
    StrategyPromoted,
    TradingHalted,
    TradingResumed,
)
from hookbus_trading.flow import (
    Fill,
    OrderCancelled,
    OrderRejected,
    PortfolioUpdated,
    TradingSignal,
)
from hookbus_trading.runners import RunnerStarted

from hookbus_paper.decision.decisions import Decisions
from hookbus_paper.decision.restoring import restore
from hookbus_paper.risk.desk import Decided, RiskDesk
from hookbus_paper.risk.settings import RiskSettings
from hookbus_paper.risk.switch import KillSwitch

__all__ = ["RiskPlugin"]

_HOST_STOPPING = "hookbus.host.stopping"


class RiskPlugin(Plugin):
    """Sizes orders from signals and keeps them within limits and policy; has the kill switch."""

    name = "risk"
    requires = ("trading",)
    after = ("execution", "journal", "saga")
    hook_api = 1
    Settings = RiskSettings

    _switch: KillSwitch
    _send: Callable[[Event], object]

    def __init__(self, settings: RiskSettings) -> None:
        """Prepare a desk that holds nothing."""
        super().__init__(settings)
        self._desk = RiskDesk(settings)
        self._decisions: Decisions | None = None

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Listen, and remember whether trading was halted when the host ran last."""
        self._bus, self._clock = context.bus, context.clock
        self._switch = KillSwitch(context.state_file("kill-switch", version=1))
        self._send = self._bus.publish_forced
        if self.settings.saga:
            self._decisions = Decisions(context, self._desk)
            await self._decisions.prepare()
            self._send = self._decisions.send
        self._listen()

    def _listen(self) -> None:
        subscribe = self._bus.subscribe
        guidance = self._desk.guidance
        subscribe(TradingHalted, self._on_halted, name="halts", mode="inline")
        subscribe(TradingResumed, self._on_resumed, name="resumptions", mode="inline")
        subscribe(PortfolioUpdated, self._on_portfolio, name="portfolio", mode="inline")
        subscribe(Fill, self._desk.on_fill, name="fills", mode="inline")
        subscribe((OrderRejected, OrderCancelled), self._on_ended, name="ended", mode="inline")
        subscribe(HealthStatusChanged, self._on_health, name="health", mode="inline")
        subscribe(_HOST_STOPPING, self._on_stopping, name="stopping", mode="inline")
        subscribe(PolicyUpdated, self._on_policy, name="policy", mode="inline")
        subscribe(OpportunitiesUpdated, self._on_ranking, name="ranking", mode="inline")
        subscribe(
            RunnerStarted,
            lambda one: guidance.set_stage(one.strategy, one.stage),
            name="runners",
            mode="inline",
        )
        subscribe(
            StrategyPromoted,
            lambda one: guidance.set_stage(one.strategy, one.after),
            name="promotions",
            mode="inline",
        )

    @hookimpl
    async def hookbus_ready(self, context: PluginContext) -> None:
        """Listen to signals, and act on fills, after the portfolio; tell of a halt that goes on.

        Fills themselves were heard before the portfolio: whoever answers what it says about them
        must find the positions as they are.
        """
        if self._decisions is not None:
            await restore(context, self._decisions, self._desk)
        self._bus.subscribe(TradingSignal, self._on_signal, name="signals", mode="inline")
        self._bus.subscribe(Fill, self._after_fill, name="filled", mode="inline")
        if self._switch.halted is not None:
            reason = f"still halted since an earlier run: {self._switch.halted}"
            await context.bus.publish(TradingHalted(reason=reason, by="risk"))

    def _on_portfolio(self, update: PortfolioUpdated) -> None:
        self._desk.on_portfolio(update, update.time or self._clock.now())
        if self._desk.guidance.halted is None:
            reason = self._desk.loss_that_halts()
            if reason is not None:
                self._halt(reason, "kill_switch_loss", update.time)

    def _on_health(self, change: HealthStatusChanged) -> None:
        wanted = self.settings.kill_switch_health and self._desk.guidance.halted is None
        if wanted and change.component == "system" and change.status == "critical":
            self._halt(change.reason, "kill_switch_health", change.time)

    def _halt(self, reason: str, rule: str, time: datetime | None) -> None:
        self._bus.publish_forced(TradingHalted(reason=reason, by=f"risk.{rule}", time=time))

    def _on_halted(self, halt: TradingHalted) -> None:
        reason = f"trading was halted by {halt.by}: {halt.reason}"
        self._switch.pull(halt.reason)
        self._desk.guidance.halted = self._desk.guidance.halted or reason

    def _on_resumed(self, _: TradingResumed) -> None:
        self._switch.release()
        if self._desk.guidance.halted is not None:
            self._tell(self._desk.on_resumed())

    def _on_stopping(self, _: object) -> None:
        self._desk.guidance.ended = "the host is stopping"

    def _on_policy(self, policy: PolicyUpdated) -> None:
        self._desk.guidance.policy = policy

    def _on_ranking(self, ranking: OpportunitiesUpdated) -> None:
        self._desk.guidance.ranking = ranking

    def _on_signal(self, signal: TradingSignal) -> None:
        self._tell(self._desk.on_signal(signal, signal.time or self._clock.now()))

    def _after_fill(self, fill: Fill) -> None:
        self._tell(self._desk.after_fill(fill))

    def _on_ended(self, order: OrderRejected | OrderCancelled) -> None:
        self._tell(self._desk.on_order_ended(order))

    def _tell(self, events: Decided) -> None:
        for event in events:
            self._send(event)

    @hookimpl
    def hookbus_stop(self) -> None:
        """Let nothing through any more."""
        self._desk.guidance.ended = "the risk check has been stopped"

    @hookimpl
    def hookbus_summary(self) -> Summary:
        """Signals, orders, refusals, and what was repeated."""
        rows = self._desk.rows()
        halted = self._switch.halted
        return Summary("Risk", (*rows, ("Trading halted", halted)) if halted else rows)
