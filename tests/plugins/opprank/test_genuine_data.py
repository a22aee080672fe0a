"""Genuine daily prices of three shares, against the plain formulas over all their bars."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hookbus_opprank.settings import OpprankSettings
from hookbus_trading import Bar

from tests.plugins.opprank.makers import SHARES, needs_data, read_daily, reference
from tests.plugins.opprank.running import play

pytestmark = needs_data

WEIGHTS = {"momentum": 0.4, "volatility_adjusted": 0.3, "liquidity": 0.2, "range": 0.1}
SETTINGS: dict[str, Any] = {
    "weights": WEIGHTS,
    "momentum_window": 252,
    "momentum_skip": 21,
    "volatility_window": 63,
    "range_estimator": "parkinson",
    "publish": "always",
    "every_bars": 21,
}


def expected_scores(bars: dict[str, list[Bar]], settings: OpprankSettings) -> dict[str, float]:
    """Scores by the plain formulas, from the bars so far."""
    figures = {symbol: reference(past, settings) for symbol, past in bars.items()}
    scores = dict.fromkeys(figures, 0.0)
    for name, weight in WEIGHTS.items() if figures else ():
        sign = -1.0 if name == "range" else 1.0
        values = {symbol: sign * one[name] for symbol, one in figures.items()}
        mean, spread = statistics.fmean(values.values()), statistics.pstdev(values.values())
        for symbol, value in values.items():
            scores[symbol] += weight * (value - mean) / spread if spread else 0.0
    return scores


def may_be_ranked(past: list[Bar], at: datetime) -> bool:
    """The rules by their plain meaning: enough bars, a new one, no hole and no jump in 253 bars."""
    if len(past) < 253 or at - past[-1].time > timedelta(days=10):
        return False
    pairs = list(pairwise(past[-253:]))
    gap = max(after.time - before.time for before, after in pairs)
    moves = [after.adjusted_close / before.adjusted_close - 1.0  # type: ignore[operator]
             for before, after in pairs]  # fmt: skip
    return gap <= timedelta(days=10) and max(map(abs, moves)) <= 0.3


@pytest.fixture(scope="module")
def shares() -> dict[str, list[Bar]]:
    """The bars of all three, by symbol."""
    return {symbol: read_daily(name, symbol) for symbol, name in SHARES.items()}


def test_every_ranking_of_twenty_years_is_that_of_the_plain_formulas(
    shares: dict[str, list[Bar]], tmp_path: Path
) -> None:
    """Who is ranked, in which order, and with which score, once in 21 days from 1995 to 2015."""
    settings = OpprankSettings.model_validate(SETTINGS)
    script = sorted((bar for bars in shares.values() for bar in bars), key=lambda bar: bar.time)
    outcome = play(script, tmp_path, SETTINGS)
    assert len(outcome.rankings) == len({bar.time for bar in script}) // 21
    ranked = 0
    for ranking in outcome.rankings:
        assert ranking.time is not None
        past = {symbol: [bar for bar in bars if bar.time <= ranking.time]
                for symbol, bars in shares.items()}  # fmt: skip
        fit = {symbol: bars for symbol, bars in past.items() if may_be_ranked(bars, ranking.time)}
        scores = expected_scores(fit, settings)
        assert ranking.scores == pytest.approx(scores, abs=1e-9)
        assert list(ranking.symbols) == sorted(
            scores, key=lambda one: (-round(scores[one], 9), one)
        )
        assert set(ranking.excluded) == {one for one in past if past[one]} - set(fit)
        ranked += len(fit)
    assert ranked > 400


def test_a_share_that_jumped_is_left_out_for_a_year(
    shares: dict[str, list[Bar]], tmp_path: Path
) -> None:
    """NVDA is out exactly on the days with a jump among the last 252, and the reason names it."""
    bars = shares["NVDA"]
    outcome = play(bars, tmp_path, {**SETTINGS, "every_bars": 1})
    expected = [may_be_ranked(bars[: count + 1], bar.time) for count, bar in enumerate(bars)]
    assert [ranking.symbols == ("NVDA",) for ranking in outcome.rankings] == expected
    day = next(ranking for ranking in outcome.rankings
               if ranking.time == datetime(2002, 7, 31, tzinfo=UTC))  # fmt: skip
    assert day.excluded["NVDA"] == (
        "at 2002-07-31 00:00:00 UTC: 5.00395 to 3.41515 in one bar, -0.317509 is beyond 0.3 "
        "(maximum_move)"
    )
