"""From figures to scores: normalised, weighted, added, and in an order that nothing shakes."""

from __future__ import annotations

import statistics
from math import fsum

import pytest
from hookbus_opprank.scores import percentiles, score, zscores
from hypothesis import given
from hypothesis import strategies as st

finite = st.floats(-1e6, 1e6)
figures_of_symbols = st.dictionaries(
    st.text("ABCDEF", min_size=1, max_size=3),
    st.fixed_dictionaries({"momentum": finite, "range": st.floats(0, 1)}),
    max_size=12,
)


@given(st.lists(finite, min_size=2, max_size=30))
def test_zscores_are_those_of_the_statistics_module(values: list[float]) -> None:
    """Distances from the mean in standard deviations of the population."""
    mean, spread = statistics.fmean(values), statistics.pstdev(values)
    if spread > 1e-6 * max(map(abs, values)):
        expected = [(value - mean) / spread for value in values]
        assert zscores(values) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(st.lists(st.integers(0, 5).map(float), min_size=2, max_size=30))
def test_percentiles_count_those_that_are_beaten(values: list[float]) -> None:
    """The share of the others that are smaller, and half of those that are equal."""
    for place, (value, found) in enumerate(zip(values, percentiles(values), strict=True)):
        others = values[:place] + values[place + 1 :]
        beaten = sum(one < value for one in others) + 0.5 * sum(one == value for one in others)
        assert found == pytest.approx(beaten / len(others))


@pytest.mark.parametrize(("normalise", "neutral"), [(zscores, 0.0), (percentiles, 0.5)])
def test_equal_values_say_nothing(normalise: object, neutral: float) -> None:
    """One value, or several equal ones, are neither good nor bad, and nothing is divided by 0."""
    assert callable(normalise)
    assert normalise([]) == []
    assert normalise([7.0]) == [neutral]
    assert normalise([0.1, 0.1, 0.1]) == [neutral] * 3


def test_scores_are_contributions_added() -> None:
    """Two symbols: one standard deviation each way, times the weight; a small range is good."""
    figures = {"A": {"momentum": 0.1, "range": 0.02}, "B": {"momentum": 0.3, "range": 0.04}}
    best, second = score(figures, {"momentum": 2.0, "range": 0.5}, "zscore")
    assert (best.symbol, best.score) == ("B", 1.5)
    assert best.contributions == {"momentum": 2.0, "range": -0.5}
    assert (second.symbol, second.score) == ("A", -1.5)
    assert second.figures == figures["A"]


def test_a_weight_below_zero_turns_a_criterion_round() -> None:
    """With a negative weight the loser comes first."""
    figures = {"A": {"momentum": -0.5}, "B": {"momentum": 0.5}}
    assert [one.symbol for one in score(figures, {"momentum": -1.0}, "rank")] == ["A", "B"]


@given(figures_of_symbols, st.randoms(use_true_random=False), st.sampled_from(["zscore", "rank"]))
def test_the_order_of_symbols_in_the_input_does_not_matter(
    figures: dict[str, dict[str, float]], random: object, normalise: str
) -> None:
    """However the symbols are shuffled the result is the same, to the last bit."""
    weights = {"momentum": 0.7, "range": 0.3}
    names = list(figures)
    random.shuffle(names)  # type: ignore[attr-defined]
    shuffled = {name: figures[name] for name in names}
    first, second = score(figures, weights, normalise), score(shuffled, weights, normalise)
    assert first == second
    for one in first:
        assert one.score == pytest.approx(fsum(one.contributions.values()), abs=1e-11)


@given(st.permutations(["B", "C", "A", "D"]))
def test_equal_scores_are_ordered_by_name(names: list[str]) -> None:
    """Who came first does not come first."""
    figures = {name: {"momentum": 0.25} for name in names}
    assert [one.symbol for one in score(figures, {"momentum": 1.0}, "zscore")] == list("ABCD")


@pytest.mark.parametrize("normalise", ["zscore", "rank"])
def test_the_rounding_of_floats_makes_no_rank(normalise: str) -> None:
    """1.1 for 1 and 11 for 10 is the same return, although the floats differ in the last bit."""
    returns = {"B": (1.1 - 1.0) / 1.0, "A": (11.0 - 10.0) / 10.0, "C": 0.2}
    assert returns["A"] != returns["B"]
    scored = score({name: {"momentum": one} for name, one in returns.items()},
                   {"momentum": 1.0}, normalise)  # fmt: skip
    assert [one.symbol for one in scored] == ["C", "A", "B"]
    assert scored[1].score == scored[2].score


def test_no_score_is_minus_zero() -> None:
    """A reader, and a JSON file, should see 0."""
    (one,) = score({"A": {"range": 0.5}}, {"range": 3.0}, "zscore")
    assert str(one.score) == "0.0"
    assert str(one.contributions["range"]) == "0.0"
