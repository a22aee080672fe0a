"""Genuine prices: a heartbeat that knows the hours of its market is quiet over the weekends."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hookbus_health.heartbeat import Heartbeat
from hookbus_health.hours import Always, Hours, Sessions
from hookbus_health.levels import SECOND

EURUSD = Path(__file__).parents[4] / "shared" / "data" / "eurusd-1h.csv"
"""Hourly prices of ten months, which lie beside the repository where there are any."""

pytestmark = pytest.mark.skipif(
    not EURUSD.is_file(), reason=f"the genuine prices are not there: {EURUSD}"
)

FOREX = Sessions(frozenset({6, 0, 1, 2, 3}), time(17), time(17), ZoneInfo("America/New_York"))


def silences(hours: Hours) -> list[str]:
    """The days on which the feed became critical."""
    rule = Heartbeat("bars", 3.0, 10.0, hours)
    days = []
    with EURUSD.open(newline="") as file:
        for row in list(csv.reader(file))[1:]:
            instant = datetime.fromisoformat(row[0]).replace(tzinfo=UTC)
            now_ns = int(instant.timestamp()) * SECOND
            while rule.due_ns is not None and rule.due_ns <= now_ns:
                due_ns = rule.due_ns
                if [one.level for one in rule.look(due_ns)] == ["critical"]:
                    days.append(f"{datetime.fromtimestamp(due_ns // SECOND, UTC):%Y-%m-%d}")
            rule.seen("EURUSD", now_ns)
    return days


def test_with_its_hours_only_holidays_are_silent() -> None:
    """Of forty-two weekends none is taken for a dead feed; Christmas and New Year still are."""
    assert silences(FOREX) == ["2017-12-25", "2018-01-01"]


def test_without_its_hours_every_weekend_is_a_dead_feed() -> None:
    """The interval is learned from the gaps all the same: one hour."""
    assert len(silences(Always())) == 42
