"""`why` and `why-not` on what real trading plugins did, each stopped in a way that is known."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hookbus import Event
from hookbus.testing import HostFactory
from hookbus_journal import JournalPlugin
from hookbus_journal.database import open_for_reading
from hookbus_journal.why.answer import Answer, explain
from hookbus_journal.why.lookup import find_event
from hookbus_journal.why.question import ask
from hookbus_journal.why.reader import Reader
from hookbus_journal.why.story import Story, tell_story
from hookbus_msc.events import PolicyPinned
from hookbus_msc.plugin import MscPlugin
from hookbus_paper.execution.plugin import ExecutionPlugin
from hookbus_paper.portfolio.plugin import PortfolioPlugin
from hookbus_paper.risk.plugin import RiskPlugin
from hookbus_trading import (
    Bar,
    OpportunitiesUpdated,
    PolicyUpdated,
    StrategyPromoted,
    TradingHalted,
    TradingResumed,
    TradingSignal,
)
from hookbus_trading.plugin import TradingPlugin

PLUGINS = (
    TradingPlugin,
    RiskPlugin,
    ExecutionPlugin,
    PortfolioPlugin,
    MscPlugin,
    JournalPlugin,
)


def signal(direction: str, symbol: str = "BTC", **more: Any) -> TradingSignal:
    """A signal of the strategy `cross` at a price of 100."""
    fields = {"direction": direction, "symbol": symbol, "strategy": "cross", "price": 100.0}
    return TradingSignal.model_validate({**fields, **more})


def bar(minute: int, symbol: str = "BTC") -> Bar:
    """A bar at a price of 100."""
    time = datetime(2024, 1, 1, minute // 60, minute % 60, tzinfo=UTC)
    return Bar(symbol=symbol, time=time, open=100, high=101, low=99, close=100, volume=1000)


class Desk:
    """A trading host that buys BTC in its first hour, as an example of how it goes."""

    def __init__(self, make_host: HostFactory, folder: Path) -> None:
        self._make_host = make_host
        self._path = folder / ".hookbus" / "journal" / "simulation.db"

    async def __call__(self, *events: Event, **risk: Any) -> None:
        """Run the first hour, then publish some events, one a minute."""
        host = self._make_host(*PLUGINS, settings={"risk": risk, "journal": {}})
        async with host:
            for example in (bar(0), signal("long"), bar(1)):
                await host.bus.publish(example)
            await asyncio.sleep(3600)
            for event in events:
                await host.bus.publish(event)
                await asyncio.sleep(60)

    def why_not(self, type_: str, **question: str) -> Answer:
        """Why nothing of a type happened after the first hour."""
        connection = open_for_reading(self._path)
        reader = Reader(connection)
        answer = explain(reader, ask(reader, type_, since="2024-01-01T01:00", **question))
        connection.close()
        return answer

    def why(self, id_: str) -> Story:
        """How an event came about."""
        connection = open_for_reading(self._path)
        reader = Reader(connection)
        story = tell_story(reader, find_event(reader, id_), 100)
        connection.close()
        return story


@pytest.fixture
def desk(host_factory: HostFactory, tmp_path: Path) -> Desk:
    """A trading host and its journal."""
    return Desk(host_factory, tmp_path)


@pytest.mark.parametrize(
    ("events", "risk", "key", "rule", "says"),
    [
        ((signal("long", "ETH"),), {"symbols": ["BTC"]}, "ETH", "symbols", "none of the allowed"),
        (
            (signal("long", "ETH"),),
            {"maximum_open_positions": 1},
            "ETH",
            "maximum_open_positions",
            "1 other symbols",
        ),
        (
            (signal("long", "ETH"),),
            {"only_top": 1},
            "ETH",
            "only_top",
            "nothing has been ranked yet",
        ),
        (
            (TradingHalted(reason="the exchange is down", by="ann"), signal("flat")),
            {},
            "BTC",
            "halted",
            "halted by ann: the exchange is down",
        ),
        (
            (PolicyPinned(mode="defensive", reason="it is late"), signal("short", strength=0.1)),
            {},
            "BTC",
            "policy_confidence",
            "0.5 of the policy (defensive)",
        ),
        (
            (PolicyUpdated(mode="normal", allowed_strategies=()), signal("long", "ETH")),
            {},
            "ETH",
            "policy_strategies",
            "allows no strategy",
        ),
        (
            (
                StrategyPromoted(strategy="cross", before="live", after="shadow", reason="losses"),
                signal("long", "ETH"),
            ),
            {},
            "ETH",
            "stage",
            "cross is in the stage shadow",
        ),
    ],
)
async def test_the_rule_that_refused_an_order_comes_first(
    desk: Desk, events: tuple[Event, ...], risk: dict[str, Any], key: str, rule: str, says: str
) -> None:
    """With its own words, and with the refusal as evidence, whose causes `why` tells."""
    await desk(*events, **risk)
    answer = desk.why_not("trading.order", key=key)
    first = answer.causes[0]
    assert (first.kind, first.certainty) == ("refusal", "certain")
    assert first.what == f"trading.order_rejected from risk: {rule}"
    assert says in first.why
    story = desk.why(first.evidence[0])
    assert story.event.type == "trading.order_rejected"
    assert [event.type for event in story.chain.events] == [
        "trading.signal",
        "trading.order_rejected",
    ]


async def test_a_halt_is_named_beside_the_refusals_it_led_to(desk: Desk) -> None:
    """And while it lasts also where nobody asked for an order."""
    await desk(
        TradingHalted(reason="the exchange is down", by="ann"),
        signal("flat"),
        TradingResumed(reason="it is up"),
    )
    answer = desk.why_not("trading.order", until="2024-01-01T01:01:59")
    (held,) = (cause for cause in answer.causes if cause.certainty == "likely")
    assert held.kind == "in force"
    assert held.what.startswith("control.trading_halted")
    assert held.why == "ann, the exchange is down"


async def test_a_policy_and_a_ranking_in_force_are_possible_causes(desk: Desk) -> None:
    """They restrict; whether they did is said by the refusal."""
    await desk(
        OpportunitiesUpdated(symbols=(), scores={}, excluded={"ETH": "too thin"}),
        PolicyUpdated(mode="normal", reasons=("hit rate is low",)),
    )
    held = [cause for cause in desk.why_not("trading.order").causes if cause.kind == "in force"]
    assert {cause.certainty for cause in held} == {"possible"}
    assert any("ETH: too thin" in cause.why for cause in held)
    assert any("hit rate is low" in cause.why for cause in held)


async def test_an_order_that_was_cancelled_explains_the_fill_that_never_came(desk: Desk) -> None:
    """A fill goes back to its order by the order's id; the bar only sets it off."""
    entry = {"order_type": "limit", "entry_price": 50.0}
    halt = TradingHalted(reason="enough", by="ann")
    await desk(bar(60, "ETH"), signal("long", "ETH", **entry), halt)
    answer = desk.why_not("trading.fill", key="ETH")
    first = answer.causes[0]
    assert (first.kind, first.certainty) == ("refusal", "certain")
    assert first.what.startswith("trading.order_cancelled from execution")
    assert "after trading.order; in the range 1 trading.order: 0 led to it" in answer.looked_at[0]


async def test_no_fill_because_no_order_because_of_the_rule(desk: Desk) -> None:
    """Where no order came, the search goes on at what leads to orders."""
    await desk(signal("long", "ETH"), symbols=["BTC"])
    answer = desk.why_not("trading.fill", key="ETH")
    assert answer.causes[0].what == "trading.order_rejected from risk: symbols"
    assert len(answer.looked_at) == 2


async def test_a_fill_is_told_with_its_order_and_the_signal_behind_it(desk: Desk) -> None:
    """The id of an order finds its newest event, and leads back to where it began."""
    await desk()
    story = desk.why("cross-BTC-1")
    assert story.event.type == "trading.fill"
    assert [event.type for event in story.chain.events] == ["market.bar", "trading.fill"]
    (origin,) = story.origins
    assert [event.type for event in origin.chain.events] == ["trading.signal", "trading.order"]
    assert story.followers is not None
    assert "trading.portfolio" in {node.event.type for _, node in story.followers.root.walk()}
