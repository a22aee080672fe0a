"""`hookbus run` under load, asked to end."""

from __future__ import annotations

from pathlib import Path

from tests.faults import sigterm


def test_a_run_under_load_ends_in_order_and_the_next_goes_on(tmp_path: Path) -> None:
    """Exit code 0 in time, nothing lost, and what is left is counted and handled later."""
    found = sigterm.demonstrate(tmp_path, 3, print, longest=0.3)
    assert found.wrong == ()
    assert found.counted["acknowledged"] > 100


def test_a_remainder_that_is_not_counted_is_noticed(tmp_path: Path) -> None:
    """The same run with an account that leaves out what is pending is no success."""
    found = sigterm.demonstrate(tmp_path, 1, print, "forget_what_is_pending", longest=0.3)
    assert any("does not balance" in line or "ended with 1" in line for line in found.wrong)
