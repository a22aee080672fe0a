"""Pins: a mode that a person fixed."""

from __future__ import annotations

from datetime import datetime

from hookbus_msc.events import PolicyPinned
from hookbus_msc.settings import PinSettings
from hookbus_msc.state import PinState

__all__ = ["Pins"]


class Pins:
    """The pin of the settings and the one of the run, which comes first while it lasts."""

    def __init__(self, settings: PinSettings | None) -> None:
        self._fixed = None if settings is None else _from_settings(settings)
        self._given: PinState | None = None

    @property
    def current(self) -> PinState | None:
        """The pin in force, None when the inputs decide."""
        return self._given or self._fixed

    def pin(self, event: PolicyPinned, now: datetime) -> str:
        """Take a pin of the run; returns what came of it, for people to read."""
        if event.until is not None and event.until <= now:
            return f"a pin to {event.mode} came too late: it was to end at {event.until}"
        self._given = PinState(mode=event.mode, reason=event.reason, by=event.by, until=event.until)
        return sentence(self._given)

    def unpin(self) -> str:
        """Let go of the pin of the run; returns what came of it, for people to read."""
        given, self._given = self._given, None
        if self._fixed is not None:
            return f"still {sentence(self._fixed)}: change [plugins.msc.pin]"
        return "there was no pin" if given is None else f"the pin to {given.mode} was let go of"

    def due(self) -> datetime | None:
        """When the next pin ends by itself, None when none does."""
        ends = [pin.until for pin in (self._given, self._fixed) if pin and pin.until]
        return min(ends, default=None)

    def expire(self, now: datetime) -> list[str]:
        """End what has lasted long enough; returns a sentence for each."""
        ended = [pin for pin in (self._given, self._fixed) if _over(pin, now)]
        self._given = None if _over(self._given, now) else self._given
        self._fixed = None if _over(self._fixed, now) else self._fixed
        return [f"the pin to {pin.mode} ended at {pin.until}" for pin in ended if pin]

    def state(self) -> PinState | None:
        """What must be kept between runs: the pin of the run."""
        return self._given

    def restore(self, state: PinState | None) -> None:
        """Go on where an earlier run ended."""
        self._given = state


def sentence(pin: PinState) -> str:
    """What a pin says, for people to read."""
    end = "" if pin.until is None else f" until {pin.until:%Y-%m-%d %H:%M:%S} UTC"
    return f"pinned to {pin.mode} by {pin.by}{end}: {pin.reason}"


def _from_settings(settings: PinSettings) -> PinState:
    return PinState(mode=settings.mode, reason=settings.reason, by="settings", until=settings.until)


def _over(pin: PinState | None, now: datetime) -> bool:
    return pin is not None and pin.until is not None and pin.until <= now
