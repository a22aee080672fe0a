"""Killed hosts, and that the demonstrations notice when something is lost or comes twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import failpoints, kills, planted, poison
from tests.faults.edges import EDGES
from tests.faults.kills import Load

SHORT = Load(publishers=24, lifetime=(0.05, 0.2), rate=0)
LIGHT = Load(publishers=4, pause=0.005, lifetime=(0.1, 0.4), rate=0)


def test_a_host_that_is_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Whatever was acknowledged is kept, has one effect and one answer, and is in order."""
    found = kills.demonstrate(tmp_path, 5, print, load=SHORT)
    assert found.wrong == ()
    assert found.counted["acknowledged"] > 200
    assert found.counted["effects"] >= found.counted["acknowledged"]


def test_an_acknowledgement_before_the_commit_is_noticed(tmp_path: Path) -> None:
    """The same kills with that bug find events that were acknowledged and are gone."""
    bugs = (planted.acknowledge_before_the_commit,)
    found = kills.demonstrate(tmp_path, 3, print, bugs, LIGHT)
    assert any("acknowledged and not kept" in line for line in found.wrong)


def test_an_offset_outside_the_transaction_is_noticed(tmp_path: Path) -> None:
    """The same kills with that bug find effects that came twice."""
    bugs = (planted.store_the_offset_apart,)
    found = kills.demonstrate(tmp_path, 3, print, bugs, LIGHT)
    assert any("with two effects or answers" in line for line in found.wrong)


def test_a_kill_at_any_edge_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Before and after each step between journal, bus and handler, once."""
    found = failpoints.demonstrate(tmp_path, 1, print)
    assert found.wrong == ()
    assert found.rounds == len(EDGES)


def test_an_edge_finds_the_offset_outside_the_transaction(tmp_path: Path) -> None:
    """A kill after an effect and its answer has the event handled again."""
    edges = [
        edge for edge in EDGES if edge.name == "after an answer goes from the outbox to the bus"
    ]
    bugs = (planted.store_the_offset_apart,)
    found = failpoints.demonstrate(tmp_path, 1, print, edges, bugs)
    assert any("with two effects or answers" in line for line in found.wrong)


def test_an_edge_that_is_never_passed_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill that does not come about shows nothing."""
    monkeypatch.setattr(failpoints, "LOAD", {"publishers": 0})
    monkeypatch.setattr(failpoints, "PATIENCE", 0.5)
    found = failpoints.demonstrate(tmp_path, 1, print, [EDGES[-1]])
    assert any("did not come about" in line for line in found.wrong)


def test_a_poisonous_event_is_given_up_and_nothing_else(tmp_path: Path) -> None:
    """One that kills after 3 crashes, one that hangs or raises after 5 failures, twice each."""
    found = poison.demonstrate(tmp_path, 1, print)
    assert found.wrong == ()
    assert found.counted["deaths"] == 2 * 2 * poison.CRASHES
    assert found.counted["letters"] == 4


def test_a_process_that_dies_for_ever_is_noticed(tmp_path: Path) -> None:
    """Where attempts are not counted before the handler, a poisonous event is never given up."""
    bugs = (planted.count_attempts_afterwards,)
    found = poison.demonstrate(tmp_path, 1, print, bugs, ["kills"])
    assert "kills: 8 deaths instead of 3" in found.wrong


def test_neighbours_that_are_given_up_too_are_noticed(tmp_path: Path) -> None:
    """Where suspects are not tried alone, those in flight beside them fall with them."""
    bugs = (planted.blame_everybody_in_flight,)
    found = poison.demonstrate(tmp_path, 1, print, bugs, ["kills"])
    assert any("given up without need" in line for line in found.wrong)
