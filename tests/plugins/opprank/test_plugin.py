"""The wiring: when rankings are made, which are published, and what the summary says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hookbus import Event
from hookbus.testing import HostFactory
from hookbus_opprank.events import RankingRequested
from hookbus_opprank.plugin import OpprankPlugin
from hookbus_trading import Bar, MarketsScored, OpportunitiesUpdated
from hookbus_trading.plugin import TradingPlugin

from tests.plugins.opprank.makers import START, make_bar, make_bars, only
from tests.plugins.opprank.running import play

CLOSES = {"A": [10.0, 10.1, 10.2, 10.6, 10.7], "B": [10.0, 10.2, 10.4, 10.2, 10.1]}
MOMENTUM: dict[str, Any] = {"weights": only("momentum"), "momentum_window": 2}


def market(closes: dict[str, list[float]] = CLOSES) -> list[Bar]:
    """The bars of both symbols, minute by minute: A is behind until the last but one."""
    series = [make_bars(symbol, prices) for symbol, prices in closes.items()]
    return [bar for bars in zip(*series, strict=True) for bar in bars]


def test_a_ranking_follows_each_bar_when_those_of_all_symbols_are_in(tmp_path: Path) -> None:
    """By default one ranking a second after each instant, of all bars of it, also the last one."""
    outcome = play(market(), tmp_path, {**MOMENTUM, "publish": "always"})
    assert outcome.times == [f"01-01 00:0{minute}:01" for minute in range(5)]
    assert [one.symbols for one in outcome.rankings] == [
        (), (), ("B", "A"), ("A", "B"), ("A", "B")
    ]  # fmt: skip
    assert [one.time for one in outcome.rankings] == [bar.time for bar in market()[::2]]


def test_an_event_says_why_a_symbol_is_first(tmp_path: Path) -> None:
    """Score, contributions and weights are there, and the others with their reasons."""
    settings = {"momentum_window": 2, "weights": only("momentum", range=0.5), "range_window": 2,
                "top": 2, "rules": {"exclude": ["X"]}}  # fmt: skip
    bars = [*market()[:6], make_bar(2, 1.0, "C"), make_bar(2, 1.0, "X")]
    last = play(bars, tmp_path, settings).rankings[-1]
    assert last == OpportunitiesUpdated(
        symbols=("B", "A"),
        scores={"B": 1.0, "A": -1.0},
        criteria={"B": {"momentum": 1.0, "range": 0.0}, "A": {"momentum": -1.0, "range": 0.0}},
        weights={"momentum": 1.0, "range": 0.5},
        excluded={"C": "1 of the 3 bars that are needed", "X": "named in exclude"},
        excluded_count=2,
        time=bars[-1].time,
    )
    assert list(last.scores) == ["B", "A"]


def test_a_ranking_that_is_as_before_is_counted_and_not_published(tmp_path: Path) -> None:
    """Published are the empty one, B before A, and A before B; the summary counts the others."""
    outcome = play(market(), tmp_path, MOMENTUM)
    assert [one.symbols for one in outcome.rankings] == [(), ("B", "A"), ("A", "B")]
    assert outcome.summary["Rankings published"] == "3"
    assert outcome.summary["Rankings not published: unchanged"] == "2"


def test_the_summary_has_the_last_ranking_and_the_bars(tmp_path: Path) -> None:
    """The best symbols with what their scores are made of, and whatever was ignored."""
    script = [*market(), make_bar(4, 99.0, "A"), make_bar(4, 1.0, "C")]
    outcome = play(script, tmp_path, MOMENTUM)
    assert outcome.summary == {
        "Rankings published": "3",
        "Rankings not published: unchanged": "2",
        "Last ranking, data until": "2024-01-01 00:04:00 UTC",
        "Symbols ranked": "2",
        "Symbols excluded": "1",
        "1. A": "+1.000 = momentum +1.000 (0.04902)",
        "2. B": "-1.000 = momentum -1.000 (-0.02885)",
        "Bars used": "11",
        "Bars ignored: duplicate": "1",
    }


def test_a_ranking_after_every_few_bars(tmp_path: Path) -> None:
    """every_bars counts the times of bars, not bars: two symbols do not make it twice as often."""
    outcome = play(market(), tmp_path, {**MOMENTUM, "publish": "always", "every_bars": 2})
    assert outcome.times == ["01-01 00:01:01", "01-01 00:03:01"]
    reasons = [one.reason for one in outcome.recorded.of(RankingRequested)]
    assert reasons == ["bar 2", "bar 4"]


def test_a_ranking_at_an_interval_and_by_a_cron_line(tmp_path: Path) -> None:
    """Timers need no bars to run; cron lines are local to their time zone."""
    settings = {**MOMENTUM, "publish": "always"}
    interval = play(market(), tmp_path, {**settings, "every": 90})
    assert interval.times == ["01-01 00:01:30", "01-01 00:03:00"]
    daily = [make_bar(day * 1440, 10.0) for day in range(3)]
    cron = {"cron": "30 9 * * *", "timezone": "Europe/Berlin"}
    assert play(daily, tmp_path, {**settings, **cron}).times == ["01-01 08:30:00", "01-02 08:30:00"]


def test_a_ranking_on_an_event(tmp_path: Path) -> None:
    """Only the named events cause rankings, and several within a moment cause one."""
    scored = MarketsScored(scores={"A": 1.0})
    bars = market()
    script: list[Bar | tuple[Bar, Event]] = list(bars)
    for place in (5, 8, 9):
        script[place] = (bars[place], scored)
    settings = {**MOMENTUM, "publish": "always", "on": ["pipeline.markets_*"]}
    outcome = play(script, tmp_path, settings)
    assert outcome.times == ["01-01 00:02:01", "01-01 00:04:01"]
    assert outcome.recorded.of(RankingRequested) == []
    first = next(one for one in outcome.recorded.envelopes if one.type == "control.opportunities")
    cause = next(one for one in outcome.recorded.envelopes if one.id == first.causation_id)
    assert cause.type == "pipeline.markets_scored"


@pytest.mark.parametrize(
    ("config", "times"),
    [
        ({}, ["00:00:01", "00:01:01", "00:02:01", "00:03:01", "00:04:01"]),
        ({"events": {"enabled": False}}, ["00:01:30", "00:03:00"]),
        ({"jobs": {"opprank.rank": {"trigger": "shadow"}}}, ["00:01:30", "00:03:00"]),
        ({"jobs": {"opprank.rank": {"enabled": False}}}, []),
    ],
)
def test_the_host_may_put_the_ranking_on_its_timer(
    tmp_path: Path, config: dict[str, Any], times: list[str]
) -> None:
    """With events and a timer, events decide until the configuration of the job says otherwise."""
    settings = {**MOMENTUM, "publish": "always", "every_bars": 1, "every": 90}
    outcome = play(market(), tmp_path, settings, config=config)
    assert outcome.times == [f"01-01 {time}" for time in times]


def test_a_split_keeps_a_symbol_out_while_it_is_in_a_window(tmp_path: Path) -> None:
    """B is halved in the second minute: it is no loser, it is excluded, and comes back later."""
    closes = {"A": [10.0] * 6, "B": [10.0, 10.0, 5.0, 5.0, 5.0, 5.0]}
    outcome = play(market(closes), tmp_path, {**MOMENTUM, "publish": "always"})
    reason = "at 2024-01-01 00:02:00 UTC: 10 to 5 in one bar, -0.5 is beyond 0.3 (maximum_move)"
    told = [one.excluded.get("B") for one in outcome.rankings[2:]]
    assert told == [reason, reason, None, None]
    assert outcome.rankings[-1].symbols == ("A", "B")
    assert outcome.rankings[-1].scores == {"A": 0.0, "B": 0.0}


async def test_requests_never_wait_and_are_never_lost(host_factory: HostFactory) -> None:
    """A lossless listener that is stuck holds up neither the bars nor the requests."""
    async with host_factory(OpprankPlugin, TradingPlugin) as host:
        released, heard = asyncio.Event(), []

        async def slow(request: RankingRequested) -> None:
            await released.wait()
            heard.append(request.reason)

        host.bus.subscribe(RankingRequested, slow, delivery="lossless", capacity=2)
        for minute in range(20):
            host.bus.publish_nowait(make_bar(minute, 10.0))
        released.set()
        await host.settled()
        assert heard == [f"bar {count}" for count in range(1, 21)]


async def test_somebody_may_ask_for_a_ranking(host_factory: HostFactory) -> None:
    """A request from outside is answered like the plugin's own."""
    async with host_factory(OpprankPlugin, TradingPlugin,
                            settings={"opprank": {"every_bars": 1000}}) as host:  # fmt: skip
        await host.bus.publish(make_bar(0, 10.0))
        await host.bus.publish(RankingRequested(reason="by hand"))
        await host.settled()
        (ranking,) = host.recorded.of(OpportunitiesUpdated)
        assert ranking.excluded == {"A": "1 of the 21 bars that are needed"}
        assert ranking.time == START


def test_symbols_that_are_too_many_are_warned_of_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever follows the log learns that symbols are missing, and what to set."""
    outcome = play(market(), tmp_path, {**MOMENTUM, "maximum_symbols": 1})
    assert outcome.summary["Bars ignored: more symbols than maximum_symbols"] == "5"
    told = [line for line in capfd.readouterr().err.splitlines() if "maximum_symbols=1" in line]
    assert len(told) == 1


FEED = '''
from datetime import UTC, datetime, timedelta

from hookbus import Plugin, hookimpl
from hookbus_trading import Bar


class Feed(Plugin):
    """Publishes bars of symbols that come in the order of a set, which hashes decide."""

    name = "feed"
    requires = ("trading",)

    @hookimpl
    def hookbus_start(self, context):
        self.context = context
        context.start_source(self.publish, "bars")

    async def publish(self, source):
        context = self.context
        for minute in range(1, 90):
            await context.clock.sleep(60)
            for symbol in {f"S{number}" for number in range(12)}:
                price = 10.0 + int(symbol[1:]) // 2 + (minute * (int(symbol[1:]) // 2)) % 7
                await context.bus.publish(Bar(symbol=symbol, time=context.clock.now(), open=price,
                                              high=price, low=price, close=price, volume=1.0))
'''
CONFIG = """
[clock]
mode = "simulated"
start = 2024-01-01T00:00:00Z
[plugins]
autoload = false
[plugins.trading]
[plugins.opprank]
publish = "always"
top = 5
rules = { maximum_move = 0.9, exclude = ["S3", "S7"] }
"""


def test_rankings_do_not_depend_on_hashes(tmp_path: Path, run_command: Any) -> None:
    """Symbols that come in another order, in a process with other hashes, rank the same."""
    (tmp_path / "feed.py").write_text(FEED)
    (tmp_path / "hookbus.toml").write_text(CONFIG)
    found, orders = [], set()
    for seed in ("1", "2", "3"):
        arguments = ("run", "--plugin", "feed.py", "--events", f"{seed}.jsonl", "--no-progress")
        done = run_command(*arguments, env={"PYTHONHASHSEED": seed})
        assert done.exit_code == 0, done.stderr
        lines = (tmp_path / f"{seed}.jsonl").read_text().splitlines()
        orders.add(tuple(line for line in lines if '"market.bar"' in line)[:12])
        rankings = [line.partition('"data":')[2] for line in lines if "control.opport" in line]
        assert len(rankings) == 89
        assert '"symbols":["S' in rankings[-1]
        found.append(rankings)
    assert len(orders) > 1  # the bars did come in another order
    assert found[0] == found[1] == found[2]
