"""What a run goes by: its clock and its name."""

from __future__ import annotations

import secrets

from hookbus.clock import Clock, SimulatedClock, SystemClock, to_ns
from hookbus.settings.config import ClockSettings


def make_clock(settings: ClockSettings) -> Clock:
    """The clock that `[clock]` asks for."""
    if settings.mode == "system":
        return SystemClock()
    start = 0 if settings.start is None else to_ns(settings.start)
    return SimulatedClock(start, settings.pace)


def make_run_id(name: str, clock: Clock) -> str:
    """A name for the run: always the same in a simulation, unique otherwise."""
    if clock.simulated:
        return name
    return f"{name}-{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"
