"""What the stages do with what comes twice, out of order or unasked."""

from hookbus_paper.gate import BarGate
from hookbus_paper.seen import Seen
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins.paper.makers import at, make_bar


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 20))))
def test_the_gate_lets_each_symbol_pass_in_the_order_of_time(
    arrivals: list[tuple[str, int]],
) -> None:
    """The times that pass rise strictly per symbol, and every bar is counted once."""
    gate = BarGate()
    passed: dict[str, list[int]] = {"A": [], "B": []}
    for symbol, minute in arrivals:
        if gate.admits(make_bar(minute, symbol=symbol)):
            passed[symbol].append(minute)
    for symbol, minutes in passed.items():
        assert minutes == sorted(set(minutes))
        assert gate.last_time(symbol) == (at(minutes[-1]) if minutes else None)
    assert gate.seen == sum(map(len, passed.values()))
    assert gate.seen + gate.stale == len(arrivals)


def test_counts_of_nothing_are_left_out_of_the_summary() -> None:
    """A clean run shows the bars seen and no line about what did not happen."""
    gate = BarGate(["ABC"])
    gate.admits(make_bar(0))
    assert gate.rows() == (("Bars seen", "1"),)


def test_only_the_latest_identifiers_are_remembered() -> None:
    """Memory is bounded: what is older than the limit counts as new again."""
    seen = Seen(limit=2)
    assert [seen.is_new(name) for name in ("a", "b", "a", "c", "a")] == [
        True,
        True,
        False,
        True,
        True,
    ]
    assert seen.repeats == 1
