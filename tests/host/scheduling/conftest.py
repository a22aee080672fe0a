"""The fixture that all tests of jobs share."""

from __future__ import annotations

import pytest

from tests.host.scheduling.world import Simulate, play


@pytest.fixture
def simulate() -> Simulate:
    """Play a scenario in simulated time; afterwards every due run must be accounted for."""
    return play
