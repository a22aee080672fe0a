"""One life of a host that trades on paper with sagas: it goes on with a plan where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hookbus import Event, Host, SystemClock
from hookbus.logs import make_logger
from hookbus.loop import run
from hookbus.settings.config import make_config
from hookbus_journal.plugin import JournalPlugin
from hookbus_paper.execution.plugin import ExecutionPlugin
from hookbus_paper.portfolio.account import Account
from hookbus_paper.portfolio.library import Library
from hookbus_paper.portfolio.plugin import PortfolioPlugin
from hookbus_paper.risk.plugin import RiskPlugin
from hookbus_saga import SagaPlugin
from hookbus_trading.control import TradingHalted, TradingResumed
from hookbus_trading.flow import Bar, TradingSignal
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.paper.quiet import quiet

CASH = 100_000
START = datetime(2024, 1, 1, tzinfo=UTC)
PLUGINS = (JournalPlugin, SagaPlugin, TradingPlugin, ExecutionPlugin, RiskPlugin, PortfolioPlugin)

PLAN: tuple[tuple[str, ...], ...] = (
    (),
    ("long",),
    (),
    ("short",),
    (),
    ("flat",),
    (),
    ("long limit",),
    (),
    ("flat",),
    ("long", "halt"),
    ("resume",),
    ("short",),
    ("flat",),
    (),
)
"""What is said after each bar: an order filled, one turned round, one cancelled, one refused."""


def live(folder: Path) -> None:
    """Go through the rest of the plan, and write down the books at the start and at the end."""
    clock = SystemClock()
    config = {
        "host": {"state": str(folder / "state")},
        "plugins": {
            "risk": {"saga": True, "fixed_quantity": 10, "daily_loss_limit": None},
            "portfolio": {"starting_cash": CASH},
            "execution": {"commission_bps": 3},
        },
    }
    host = Host(
        make_config(config, base=folder),
        plugins=PLUGINS,
        group=None,
        clock=clock,
        log=make_logger(),
    )
    run(_go_on(host, folder), clock)


async def _go_on(host: Host, folder: Path) -> None:
    progress = folder / "progress"
    done = int(progress.read_text()) if progress.exists() else 0
    async with host:
        _write(folder / "books-at-start.json", _books(host))
        await quiet(host)
        for number in range(done, len(PLAN)):
            for event in events_of(number):
                await host.bus.publish(event)
            await quiet(host)
            _write(progress, number + 1)
        _write(folder / "books-at-end.json", _books(host))


def events_of(number: int) -> list[Event]:
    """A bar, and what is said after it."""
    time = START + timedelta(minutes=number)
    price = 100.0 + 3 * (number % 4) + number / 10
    bar = Bar(
        symbol="ABC",
        time=time,
        open=price,
        high=price + 1,
        low=price - 1,
        close=price + 0.5,
        volume=1000,
    )
    return [bar, *(_said(word, price, time) for word in PLAN[number])]


def _said(word: str, price: float, time: datetime) -> Event:
    if word == "halt":
        return TradingHalted(reason="by hand")
    if word == "resume":
        return TradingResumed(reason="by hand")
    direction, _, kind = word.partition(" ")
    fields: dict[str, Any] = {"order_type": kind, "entry_price": price / 2} if kind else {}
    fields |= {"symbol": "ABC", "strategy": "test", "direction": direction}
    return TradingSignal(**fields, price=price, time=time)


def _books(host: Host) -> dict[str, Any]:
    """The account `main`, as it is in memory."""
    portfolio = host.records["portfolio"].instance
    library: Library = portfolio._library  # type: ignore[union-attr]
    account: Account = library.books["main"].account
    return {
        "cash": str(account.cash),
        "invested": str(account.invested),
        "realised": str(account.realised),
        "commission": str(account.commission),
        "position": str(account.position("ABC").quantity),
    }


def _write(path: Path, value: Any) -> None:
    """Write so that a kill leaves the file as it was, or as it is to be."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value))
    part.replace(path)


def survey(folder: Path, edges: Any, write: Callable[[Path, Any], None] = _write) -> None:
    """A life that also writes down which edges it has passed."""
    live(folder)
    write(folder / "edges.json", edges.passed)
