"""The metrics of a run, from its events."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hookbus import Event
from hookbus_report.glossary import GLOSSARY
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.report.makers import after, bar, document, equity, fill, trade, values

WEEK = [equity(value, after(days=day)) for day, value in enumerate((100, 110, 99, 99, 121))]


def test_return_and_growth() -> None:
    """21 per cent in four days, and what that makes in a year of 365."""
    found = values(WEEK)
    assert found["total_return"] == pytest.approx(0.21)
    assert found["cagr"] == pytest.approx(1.21 ** (365 / 4) - 1, rel=1e-9)
    assert (found["first_equity"], found["last_equity"], found["profit"]) == (100, 121, 21)


def test_ratios_are_those_of_daily_returns() -> None:
    """0, 10, -10, 0 and 22.2 per cent: the first day counts, from the first equity on."""
    returns = [0, 0.1, -0.1, 0, 121 / 99 - 1]
    mean = sum(returns) / 5
    deviation = math.sqrt(sum((one - mean) ** 2 for one in returns) / 4)
    downside = math.sqrt(0.01 / 5)
    found = values(WEEK)
    assert found["sharpe"] == pytest.approx(mean / deviation * math.sqrt(365), rel=1e-9)
    assert found["sortino"] == pytest.approx(mean / downside * math.sqrt(365), rel=1e-9)
    assert found["volatility"] == pytest.approx(deviation * math.sqrt(365), rel=1e-9)


def test_an_update_less_a_day_makes_the_same_daily_returns() -> None:
    """Only the last equity of a day counts for ratios, and a day without one is a day of zero."""
    often = [
        event
        for day in range(5)
        for event in (equity(50 + day, after(days=day, hours=1)), WEEK[day])
    ]
    often = [WEEK[0], *(e for e in often if e.time is not None and e.time > WEEK[0].time)]  # type: ignore[operator]
    seldom = [WEEK[0], WEEK[1], WEEK[2], WEEK[4]]
    for ratio in ("sharpe", "sortino", "volatility"):
        assert values(seldom)[ratio] == pytest.approx(values(WEEK)[ratio])
    assert values(often)["maximum_drawdown"] > values(WEEK)["maximum_drawdown"]


def test_an_equity_that_was_replaced_in_the_same_instant_never_existed() -> None:
    """Of several updates of one time the last counts, for peaks and falls as well."""
    events = [equity(100), equity(500, after(days=1)), equity(100, after(days=1))]
    assert values([*events, equity(90, after(days=2))])["maximum_drawdown"] == pytest.approx(0.1)


def test_trading_days_leave_weekends_out() -> None:
    """With 252 days in a year only days with a bar count: two here, and the last."""
    bars = [bar(time=after(days=day)) for day in (0, 1, 4)]
    found = values([*WEEK, *bars], days_per_year=252)
    returns = [0, 0.1, 121 / 110 - 1]
    mean = sum(returns) / 3
    deviation = math.sqrt(sum((one - mean) ** 2 for one in returns) / 2)
    assert found["sharpe"] == pytest.approx(mean / deviation * math.sqrt(252), rel=1e-9)


def test_the_risk_free_rate_lowers_the_ratios() -> None:
    """It is taken off every day."""
    assert values(WEEK, risk_free=0.5)["sharpe"] < values(WEEK)["sharpe"]
    assert values(WEEK, risk_free=0.5)["volatility"] == values(WEEK)["volatility"]


def test_drawdown_its_length_and_dates() -> None:
    """From 110 to 99 is a tenth, and it took three days to get back."""
    figures = document(WEEK)["books"]["main"]["figures"]
    assert figures["maximum_drawdown"]["value"] == pytest.approx(0.1)
    assert figures["maximum_drawdown"]["text"] == "10.00%"
    assert figures["maximum_drawdown"]["remark"] == "2024-01-02 to 2024-01-03"
    assert figures["drawdown_days"]["text"] == "3.0 days"
    assert figures["drawdown_days"]["remark"] == "recovered 2024-01-05"


TRADES = [trade(pnl, after(hours=hour)) for hour, pnl in enumerate((30, -10, 50, 0, -30))]


def test_trades_by_hand() -> None:
    """Two won 80, two lost 40, one came out even."""
    found = values([equity(100), *TRADES])
    assert found["trades"] == 5
    assert found["win_rate"] == pytest.approx(0.4)
    assert found["profit_factor"] == pytest.approx(2.0)
    assert found["expectancy"] == pytest.approx(8.0)
    assert (found["average_win"], found["average_loss"]) == (40, -20)
    assert (found["best_trade"], found["worst_trade"]) == (50, -30)


def test_metrics_count_trades_that_are_not_listed() -> None:
    """The list keeps the latest, the sums are of all."""
    made = document([equity(100), *TRADES], rows=2)
    book = made["books"]["main"]
    assert [row[7] for row in book["trades"]["rows"]] == [0, -30]
    assert book["trades"]["left_out"] == 3
    assert book["figures"]["trades"]["value"] == 5
    assert any("3 earlier trades are not listed" in note for note in made["notes"])


def test_fills_make_costs_turnover_and_exposure() -> None:
    """1,000 bought and sold again within 2 of 10 days, on an equity of 1,000."""
    events = [
        equity(1000),
        fill(10, after(days=3), commission=Decimal("1.5"), slippage=Decimal("0.2")),
        fill(-10, after(days=5), commission=Decimal("1.5")),
        equity(1000, after(days=10)),
    ]
    found = values(events)
    assert (found["fills"], found["commission"], found["slippage"]) == (2, 3, 0.2)
    assert found["turnover"] == pytest.approx(2 * 365 / 10)
    assert found["exposure"] == pytest.approx(0.2)
    assert found["longest_flat_days"] == pytest.approx(5)


def test_what_is_repeated_counts_once() -> None:
    """A fill or a trade that comes again is a duplicate, and the report says so."""
    events = [equity(1000), fill(1), fill(1), trade(5), trade(5)]
    made = document(events)
    figures = made["books"]["main"]["figures"]
    assert (figures["fills"]["value"], figures["trades"]["value"]) == (1, 1)
    assert "Ignored: 2 repeated fills and trades." in made["notes"]


def test_buy_and_hold_is_the_mean_of_the_symbols() -> None:
    """One doubled, one lost half: a quarter more in all."""
    bars = [bar(name, 100) for name in "AB"]
    bars += [bar("A", 200, after(days=1)), bar("B", 50, after(days=1))]
    made = document([equity(100), *bars])
    assert made["books"]["main"]["figures"]["buy_and_hold"]["value"] == pytest.approx(0.25)
    assert [(one["symbol"], one["value"]) for one in made["symbols"]] == [("A", 1), ("B", -0.5)]


def test_every_book_has_its_own_metrics() -> None:
    """What a shadow strategy does is not mixed up with the account that counts."""
    events = [*WEEK, equity(100, book="shadow:x"), equity(50, after(days=4), book="shadow:x")]
    assert values(events)["total_return"] == pytest.approx(0.21)
    assert values(events, "shadow:x")["total_return"] == pytest.approx(-0.5)
    assert list(document(events)["books"]) == ["main", "shadow:x"]


def test_metrics_without_a_value_say_why() -> None:
    """No trade, no movement, no time: each is n/a with its reason."""
    made = document([equity(100), equity(100, after(days=5))])
    figures = made["books"]["main"]["figures"]
    assert figures["profit_factor"] == {
        "value": None, "reason": "no trade was closed", "text": "n/a: no trade was closed",
        "remark": "",
    }  # fmt: skip
    assert figures["sharpe"]["reason"] == "returns did not vary"
    assert figures["drawdown_days"]["reason"] == "equity was never below a peak"
    assert figures["buy_and_hold"]["reason"] == "there were no bars"


def test_a_book_that_only_has_fills_has_the_metrics_of_fills() -> None:
    """Without a portfolio there is no equity, and everything else is there."""
    found = values([fill(1), fill(-1, after(days=2))])
    assert found["total_return"] == "the portfolio published no equity"
    assert (found["fills"], found["exposure"]) == (2, 1)


ANY = st.one_of(
    st.builds(lambda v, d: equity(v, after(hours=d)),
              st.decimals(allow_nan=False, allow_infinity=False).map(str), st.integers(0, 100)),
    st.builds(lambda q, d: fill(q, after(hours=d)),
              st.integers(-9, 9).filter(bool), st.integers(0, 100)),
    st.builds(lambda p, d: trade(p, after(hours=d)), st.integers(-9, 9), st.integers(0, 100)),
    st.builds(lambda c, d: bar("A", c, after(hours=d)),
              st.floats(min_value=0, exclude_min=True, allow_infinity=False), st.integers(0, 100)),
)  # fmt: skip
"""Any event, at any time within four days, with any number that the vocabulary lets through."""


@given(st.lists(ANY, max_size=12), st.sampled_from((252, 365)))
def test_no_run_makes_infinity(events: list[Event], days: Any) -> None:
    """Debts, ruin, huge numbers, times out of order: the document is JSON with finite numbers."""
    made = document(events, days_per_year=days)
    assert "Infinity" not in json.dumps(made, allow_nan=False)
    for book in made["books"].values():
        for one in GLOSSARY:
            figure = book["figures"][one.key]
            assert one.unit != "share" or (figure["value"] or 0) >= 0
            assert (figure["value"] is None) == bool(figure["reason"]) == ("n/a" in figure["text"])


def test_daily_equity_of_a_run_over_midnight() -> None:
    """A month ends with its last UTC day, and the months make up the whole."""
    events = [
        equity(100, after(days=-1)),
        equity(110, after(seconds=-1)),
        equity(121, after(days=31)),
        equity(100, after(days=40)),
    ]
    months = document(events)["books"]["main"]["months"]
    assert [(one["year"], one["month"]) for one in months] == [(2023, 12), (2024, 1), (2024, 2)]
    assert [one["value"] for one in months] == pytest.approx([0.1, 0.0, 100 / 110 - 1])
    assert after(days=31).date() - timedelta(days=31) == date(2024, 1, 1)


def test_times_that_go_backwards_count_as_the_last() -> None:
    """A fill that is told late makes no negative time with a position."""
    late = [
        fill(1, after(days=4)),
        fill(-1, after(days=2)),
        fill(1, after(days=3)),
        bar(time=after(days=5)),
    ]
    found = values([equity(100), *late])
    assert found["exposure"] == pytest.approx(0.2)
    assert found["longest_flat_days"] == 4
