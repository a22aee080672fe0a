"""A whole back-test on genuine prices: every decision is that of the slow reference."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from hookbus import Event
from hookbus_msc.settings import MscSettings
from hookbus_trading.control import PolicyUpdated
from hookbus_trading.flow import Bar, PortfolioUpdated

from tests.plugins.msc.makers import make_health, make_trade, needs_data, read_bars
from tests.plugins.msc.reference import Judged, decide
from tests.plugins.msc.running import Script, play

pytestmark = needs_data

MODES = ("aggressive", "normal", "defensive")
SETTINGS: dict[str, Any] = {
    "drawdown": {"normal": 0.25, "defensive": 0.45},
    "daily_loss": {"normal": 0.06, "defensive": 0.10},
    "volatility": {
        "short_window": 16,
        "long_window": 120,
        "minimum_bars": 40,
        "normal": 1.1,
        "defensive": 1.35,
    },
    "hit_rate": {"normal": 0.42, "defensive": 0.4, "trades": 12, "minimum_trades": 6, "z": 0.5},
    "relax": {"after_seconds": 3 * 86_400, "after_observations": 8},
}
HEALTH = {200: "critical", 205: "healthy", 356: "degraded", 365: "healthy"}
"""What the feed is from a day on."""


def script() -> list[tuple[datetime, Event]]:
    """Two shares that are held, a trade every five days, a losing streak, and a feed in trouble."""
    events: list[tuple[datetime, Event]] = []
    bars = [
        read_bars(name, "1999-01-22", 700) for name in ("nvda-1999-2014-1d", "yhoo-1996-2015-1d")
    ]
    for day, pair in enumerate(zip(*bars, strict=True)):
        time = max(bar.time for bar in pair)
        events += [(time, bar) for bar in pair]
        events.append((time, _portfolio(bars, day, time)))
        if day % 5 == 4:
            gain = round(bars[0][day].close - bars[0][day - 4].close, 6)
            gain = -abs(gain) if 560 <= day < 620 else gain
            events.append((time, make_trade(day, gain, exit_time=time)))
        if day in HEALTH:
            events.append((time, make_health(HEALTH[day], "feed", time=time)))
    return events


def _portfolio(bars: list[list[Bar]], day: int, time: datetime) -> PortfolioUpdated:
    """The same money in each share on the first day, and then left alone."""
    worth = sum((Decimal(repr(one[day].close / one[0].close)) for one in bars), Decimal(0))
    return PortfolioUpdated(cash=Decimal(0), equity=worth * 50_000, time=time)


def changes(judged: list[Judged]) -> list[tuple[datetime, str]]:
    """When the reference goes to which mode, beginning with the start."""
    found = [(judged[0].time, "normal")]
    for before, now in pairwise([judged[0]._replace(level=1), *judged]):
        if now.level != before.level:
            found.append((now.time, MODES[now.level]))
    return found


def policies(events: Script, folder: Path) -> list[PolicyUpdated]:
    """What the plugin publishes."""
    report, recorded = play(events, folder, SETTINGS)
    assert report.exit_code == 0
    assert report.ledger.discrepancies == ()
    return recorded.of(PolicyUpdated)


def test_every_decision_is_that_of_the_reference(tmp_path: Path) -> None:
    """The same modes at the same events, over three years of two shares, in all three modes."""
    events = script()
    found = policies(events, tmp_path)
    expected = changes(decide(MscSettings.model_validate(SETTINGS), events))
    assert [one.mode for one in found] == [mode for _, mode in expected]
    assert [one.time for one in found[1:]] == [time for time, _ in expected[1:]]
    assert {one.mode for one in found} == set(MODES)
    reasons = [one.reasons[1] for one in found if one.reasons[0].startswith("tightened")]
    for word in ("drawdown", "daily loss", "volatility", "hit rate", "health"):
        assert any(reason.startswith(word) for reason in reasons), f"{word} never decided"


def test_the_same_run_gives_the_same_policies(tmp_path: Path) -> None:
    """Reasons and figures included, to the last digit."""
    events = script()[:1_000]
    first, second = (policies(events, tmp_path) for _ in range(2))
    assert [one.model_dump_json() for one in first] == [one.model_dump_json() for one in second]
    assert len(first) > 3
