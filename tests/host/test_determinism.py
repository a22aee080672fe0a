"""The same scenario gives the same bytes, whatever the hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def played(hash_seed: str) -> bytes:
    """What the scenario prints in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-m", "tests.host.determined"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        timeout=120,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def first() -> bytes:
    """What it printed the first time."""
    return played("0")


@pytest.mark.parametrize("hash_seed", ["0", "1", "4294967295", "random"])
def test_the_same_scenario_gives_the_same_bytes(first: bytes, hash_seed: str) -> None:
    """Every envelope and the line of the books, byte by byte, also under another hash seed."""
    assert played(hash_seed) == first


def test_the_scenario_is_worth_comparing(first: bytes) -> None:
    """It has events of many kinds, failures, lags and throttling among them, in one order."""
    *lines, books = first.decode().splitlines()
    envelopes = [json.loads(line) for line in lines]
    assert len(envelopes) > 500
    assert [one["sequence"] for one in envelopes] == list(range(1, len(envelopes) + 1))
    assert {one["type"] for one in envelopes} >= {
        "test.tick",
        "test.order",
        "test.alarm",
        "other.note",
        "hookbus.handler.failed",
        "hookbus.event.dead-lettered",
        "hookbus.subscription.lagged",
        "hookbus.backpressure",
    }
    assert "every one accounted for" in books
    assert "coalesced" in books
    assert "lagged" in books
