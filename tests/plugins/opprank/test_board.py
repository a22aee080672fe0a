"""The board: which bars count, who is ranked, and that the order of arrival means nothing."""

from __future__ import annotations

import pytest
from hookbus_opprank.board import Board
from hookbus_opprank.ranking import Ranking
from hookbus_trading import Bar
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.opprank.makers import START, board_of, make_bar, make_bars, make_settings, only

CLOSES = {"A": [10.0, 10.1, 10.3], "B": [20.0, 20.8, 21.0], "C": [5.0, 5.1, 5.05],
          "D": [10.0, 10.1, 10.3]}  # fmt: skip


def market(closes: dict[str, list[float]] = CLOSES) -> list[Bar]:
    """The bars of several symbols, those of one minute together."""
    series = [make_bars(symbol, prices) for symbol, prices in closes.items()]
    return [bar for bars in zip(*series, strict=True) for bar in bars]


def rank(bars: list[Bar], **settings: object) -> Ranking:
    """The ranking by momentum over two bars."""
    made = make_settings(window=2, **{"weights": only("momentum"), **settings})
    return board_of(made, bars).rank(START)


@settings(deadline=None)
@given(st.data())
def test_the_order_in_which_symbols_come_does_not_matter(data: st.DataObject) -> None:
    """However the bars of the symbols are interleaved, the event is the same to the last byte."""
    closes = {**CLOSES, "E": [30.0, 31.0, 31.5], "F": [30.0, 31.2, 31.5]}
    rules = {"exclude": ["C", "B"], "minimum_price": 10.4}
    settings = make_settings(window=2, weights=only("momentum", range=1.0), top=2, rules=rules)
    waiting = {symbol: make_bars(symbol, prices) for symbol, prices in closes.items()}
    bars = []
    while waiting:
        symbol = data.draw(st.sampled_from(sorted(waiting)))
        bars.append(waiting[symbol].pop(0))
        waiting = {symbol: left for symbol, left in waiting.items() if left}
    weights = settings.weights.used()
    expected = board_of(settings, market(closes)).rank(START).event(weights, 9)
    found = board_of(settings, bars).rank(START).event(weights, 9)
    assert found.model_dump_json() == expected.model_dump_json()
    assert found.symbols == ("E", "F")
    assert list(found.excluded) == ["A", "B", "C", "D"]


def test_symbols_with_equal_bars_are_ordered_by_name() -> None:
    """D came first and is as good as A, which is before it."""
    ranking = rank([*make_bars("D", CLOSES["D"]), *market()[:-1]])
    assert ranking.symbols == ("B", "A", "D", "C")
    assert ranking.ranked[1].score == ranking.ranked[2].score


def test_those_below_the_top_are_excluded_with_their_rank() -> None:
    """They come first among the excluded, in their order, with what they scored."""
    ranking = rank(market(), top=2, rules={"exclude": ["B"]})
    assert ranking.symbols == ("A", "D")
    assert list(ranking.excluded.items()) == [
        ("C", "rank 3 is below top 2 (score -1.41421)"),
        ("B", "named in exclude"),
    ]


def test_the_event_names_some_excluded_symbols_and_counts_all() -> None:
    """A market of thousands does not make an event of thousands of reasons."""
    event = rank(market(), top=1).event({"momentum": 1.0}, reasons=2)
    assert list(event.excluded) == ["A", "D"]
    assert event.excluded_count == 3
    assert event.symbols == ("B",)
    assert event.criteria == {"B": {"momentum": event.scores["B"]}}


def test_a_symbol_that_is_included_and_has_no_bars_is_told() -> None:
    """Whoever waits for a symbol sees that it never came."""
    ranking = rank(market(), rules={"include": ["A", "GHOST"]})
    assert ranking.symbols == ("A",)
    assert ranking.excluded["GHOST"] == "0 of the 3 bars that are needed"


def test_bars_that_come_twice_or_too_late_are_counted_and_ignored() -> None:
    """A repeated bar, even with another price, and one from the past change no figure."""
    bars = market()
    board = board_of(make_settings(window=2), bars)
    before = board.rank(START)
    assert not board.push(make_bar(2, 500.0, "A"))
    assert not board.push(make_bar(1, 500.0, "A"))
    assert board.rank(START) == before
    assert board.rows() == [
        ("Bars used", "12"),
        ("Bars ignored: duplicate", "1"),
        ("Bars ignored: out of order", "1"),
    ]


def test_every_other_bar_that_is_ignored_is_counted_with_the_reason() -> None:
    """Symbols beyond the limit, symbols excluded by name, numbers that cannot be computed with."""
    settings = make_settings(window=2, maximum_symbols=2, rules={"exclude": ["X"]})
    board = board_of(settings, [make_bar(0, 1.0, symbol) for symbol in "ABCXC"])
    board.push(make_bar(1, 1e60, "A"))
    assert board.bars == 2
    assert dict(board.ignored) == {
        "more symbols than maximum_symbols": 2,
        "symbol excluded by name": 1,
        "number below 1e-50 or above 1e50": 1,
    }


def test_included_symbols_have_their_place_however_many_others_come() -> None:
    """Strangers that come first take no place from those that are named in include."""
    settings = make_settings(window=2, maximum_symbols=2, rules={"include": ["A", "B"]})
    strangers = [make_bar(0, 1.0, f"S{number}") for number in range(5)]
    board = board_of(settings, [*strangers, make_bar(0, 1.0, "A"), make_bar(0, 1.0, "B")])
    assert board.bars == 2
    assert len(board.rank(START).excluded) == 4  # A and B, and the first two strangers by name


def test_instants_are_the_times_that_bars_have() -> None:
    """The bars of one time are one instant; a bar of the past, or an unused one, is none."""
    board = Board(make_settings(rules={"exclude": ["X"]}))
    bars = [("A", 0), ("B", 0), ("X", 1), ("A", 2), ("B", 1), ("B", 2), ("B", 3)]
    firsts = [board.push(make_bar(minute, 1.0, symbol)) for symbol, minute in bars]
    assert firsts == [True, False, False, True, False, False, True]
    assert board.instants == 3


@pytest.mark.parametrize("normalise", ["zscore", "rank"])
def test_nobody_to_rank_is_a_ranking_too(normalise: str) -> None:
    """Without bars, or with too few, the ranking is empty and says why."""
    assert rank([], normalise=normalise) == Ranking((), {}, None)
    few = rank([make_bar(0, 1.0)], normalise=normalise)
    assert few == Ranking((), {"A": "1 of the 3 bars that are needed"}, START)


def test_criteria_without_a_weight_need_no_history() -> None:
    """With liquidity alone a long momentum window keeps nobody out."""
    settings = make_settings(
        window=2, momentum_window=500, volatility_window=500, weights=only("liquidity")
    )
    bars = [make_bar(minute, 1.0, symbol, volume=volume)
            for minute in range(2) for symbol, volume in (("A", 1.0), ("B", 2.0))]  # fmt: skip
    assert board_of(settings, bars).rank(START).symbols == ("B", "A")
