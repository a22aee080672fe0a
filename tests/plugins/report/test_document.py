"""The document: states, rankings, rejections, bounds, and what is said of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hookbus_report import record
from hookbus_report.ranking import MOST
from hookbus_trading import (
    HealthStatusChanged,
    OpportunitiesUpdated,
    OrderRejected,
    PolicyUpdated,
    StrategyPromoted,
    TradingHalted,
    TradingResumed,
)

from tests.plugins.report.makers import START, after, bar, document, equity, fill
from tests.plugins.report.script import script

ZERO = int(START.timestamp())
DAY = 86_400


def policy(mode: Any, days: float) -> PolicyUpdated:
    """A policy."""
    return PolicyUpdated(mode=mode, reasons=("drawdown", "losses"), time=after(days=days))


def test_policy_is_a_band_from_change_to_change() -> None:
    """The same mode again is no change; the last one lasts to the end of the run."""
    events = [
        equity(1), policy("normal", 1), policy("normal", 2), policy("defensive", 3),
        bar(time=after(days=5)),
    ]  # fmt: skip
    assert document(events)["policy"] == [
        [ZERO + DAY, ZERO + 3 * DAY, "normal", "drawdown; losses"],
        [ZERO + 3 * DAY, ZERO + 5 * DAY, "defensive", "drawdown; losses"],
    ]


def test_health_and_stages_begin_with_what_was_before() -> None:
    """The first change tells two states: the one that it ended has lasted from the start on."""
    health = HealthStatusChanged(
        component="feed", status="critical", previous="healthy", reason="no data",
        time=after(days=1),
    )  # fmt: skip
    stage = StrategyPromoted(
        strategy="cross", before="shadow", after="live", reason="good", time=after(days=2)
    )
    made = document([equity(1), health, stage])
    assert made["health"] == {
        "feed": [
            [ZERO, ZERO + DAY, "healthy", ""],
            [ZERO + DAY, ZERO + 2 * DAY, "critical", "no data"],
        ]
    }
    assert [span[2:] for span in made["stages"]["cross"]] == [["shadow", ""], ["live", "good"]]


def test_halts_are_told_with_who_and_why() -> None:
    """Trading, halted, trading again."""
    events = [
        equity(1),
        TradingHalted(reason="loss", by="kai", time=after(days=1)),
        TradingResumed(reason="over", time=after(days=2)),
    ]
    assert [span[2:] for span in document(events)["halts"]] == [
        ["trading", ""], ["halted", "loss (by kai)"], ["trading", "over (by operator)"]
    ]  # fmt: skip


def test_rejections_are_counted_by_rule() -> None:
    """The rule that refused most comes first, with its last reason."""

    def rejected(rule: str, reason: str) -> OrderRejected:
        return OrderRejected(
            order_id="1", symbol="A", side="buy", quantity=1, strategy="s", rule=rule,
            reason=reason,
        )  # fmt: skip

    events = [rejected("size", "1"), rejected("loss", "2"), rejected("loss", "3")]
    assert document(events)["rejections"] == [
        {"book": "main", "rule": "loss", "count": 2, "reason": "3"},
        {"book": "main", "rule": "size", "count": 1, "reason": "1"},
    ]


def ranked(days: int, *symbols: str) -> OpportunitiesUpdated:
    """A ranking."""
    scores = {symbol: float(len(symbols) - at) for at, symbol in enumerate(symbols)}
    return OpportunitiesUpdated(symbols=symbols, scores=scores, time=after(days=days))


def test_places_are_followed_over_time() -> None:
    """A symbol that was not ranked has no place then."""
    made = document([ranked(0, "A", "B"), ranked(1, "B", "C")])["ranking"]
    assert made["places"] == {"B": [2, 1], "A": [1, None], "C": [None, 2]}
    assert made["last"] == [["B", 2], ["C", 1]]


def test_many_rankings_are_thinned_and_the_last_is_kept() -> None:
    """Memory stays bounded, and the report says which are drawn."""
    made = document([ranked(day, "A", "B") for day in range(5 * MOST)])
    times = made["ranking"]["times"]
    assert MOST / 2 <= len(times) <= MOST + 1
    assert times[-1] == ZERO + (5 * MOST - 1) * DAY
    assert "One ranking of 8 is drawn, besides the last." in made["notes"]


def test_events_without_a_time_happen_now() -> None:
    """The clock says when."""
    made = document([equity(100, None), equity(110, after(days=1))])
    assert made["books"]["main"]["equity"][0] == [ZERO, ZERO + DAY]


def test_old_bars_are_ignored_and_counted() -> None:
    """A bar from before the last of its symbol neither moves the price back nor is hushed up."""
    events = [bar(close=1, time=after(days=1)), bar(close=2), bar(close=3, time=after(days=2))]
    made = document(events)
    assert made["prices"]["ALPHA"][1] == [1, 3]
    assert "Ignored: 1 bars older than one before them of the same symbol." in made["notes"]


def test_the_most_traded_symbols_have_charts() -> None:
    """With more symbols than charts, those without fills are left out, and it is said."""
    events = [
        *(bar(name) for name in "ABC"),
        fill(1, symbol="C"),
        fill(1, symbol="B", order_id="2"),
    ]
    made = document(events, charts=2)
    assert list(made["prices"]) == ["B", "C"]
    assert set(made["books"]["main"]["marks"]) == {"B", "C"}
    assert "1 symbols with fewer fills have no chart (setting charts)." in made["notes"]


def test_thinning_is_said() -> None:
    """A reader knows that a curve is not every point."""
    events = [bar(close=1 + at % 7, time=after(minutes=at)) for at in range(1000)]
    made = document(events, points=100)
    assert len(made["prices"]["ALPHA"][0]) <= 104
    (note,) = [note for note in made["notes"] if "neighbouring points" in note]
    assert "at most 100 points" in note
    assert not any("neighbouring" in note for note in document(events)["notes"])


def test_books_and_symbols_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond the bounds is counted, and the main book is always there."""
    monkeypatch.setattr(record, "MOST_BOOKS", 2)
    monkeypatch.setattr(record, "MOST_SYMBOLS", 2)
    events = [*(equity(1, book=f"shadow:{name}") for name in "abc"), equity(1)]
    made = document([*events, *(bar(name) for name in "ABC")])
    assert list(made["books"]) == ["main", "shadow:a", "shadow:b"]
    assert "Ignored: 1 events of books beyond the first fifty." in made["notes"]
    assert list(made["prices"]) == ["A", "B"]
    assert "Ignored: 1 bars of symbols beyond the first thousand." in made["notes"]


def test_a_run_without_events_has_a_document() -> None:
    """Nothing happened, and that is said without an error."""
    made = document([])
    assert (made["begin"], made["books"], made["prices"], made["ranking"]) == (None, {}, {}, None)


def test_the_document_of_a_whole_run_is_finite_json() -> None:
    """Every kind of event, two books, three symbols."""
    made = document(event for _, event in script(bars=600))
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    for part in ("policy", "health", "stages", "halts", "ranking", "rejections", "prices"):
        assert made[part], part
