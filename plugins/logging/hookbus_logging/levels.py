"""Which events are logged, and at which level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from hookbus import Event

Level = Literal["debug", "info", "warning", "error"]

SEVERITY: Mapping[Level, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""The levels as numbers, the same as those of the standard library."""

DEFAULT_LEVELS: Mapping[str, Level] = {
    "*.failed": "error",
    "*.lagged": "warning",
    "hookbus.backpressure": "warning",
    "hookbus.breaker.opened": "warning",
    "hookbus.event.dead-lettered": "error",
    "hookbus.event.loop-cut": "error",
    "hookbus.handler.abandoned": "error",
    "hookbus.job.skipped": "warning",
    "hookbus.ledger.discrepancy": "error",
    "hookbus.loop.blocked": "warning",
}
"""Levels by wire-name pattern, for events that the settings do not name."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    level: Level
    wanted: bool
    escalates: bool
    excluded: bool


class Rules:
    """Decides for every event whether it is logged and at which level.

    The longest pattern of `levels` that matches the wire name decides, then the longest of
    `DEFAULT_LEVELS`. Any other event is an error when it has a field `error` that is not empty,
    else debug when its type is high-frequency (and not critical), else info.
    """

    def __init__(
        self, least: Level, levels: Mapping[str, Level] | None = None, exclude: Sequence[str] = ()
    ) -> None:
        self._least = SEVERITY[least]
        self._levels = dict(levels or {})
        self._exclude = tuple(exclude)
        self._verdicts: dict[type[Event], _Verdict] = {}

    def level(self, event: Event) -> Level:
        """The level at which `event` is logged."""
        verdict = self._verdict(type(event))
        return "error" if verdict.escalates and _has_error(event) else verdict.level

    def wants(self, event: Event) -> bool:
        """Whether `event` is logged at all."""
        verdict = self._verdict(type(event))
        if verdict.excluded:
            return False
        return verdict.wanted or (verdict.escalates and _has_error(event))

    def _verdict(self, cls: type[Event]) -> _Verdict:
        verdict = self._verdicts.get(cls)
        if verdict is None:
            verdict = self._verdicts[cls] = self._judge(cls)
        return verdict

    def _judge(self, cls: type[Event]) -> _Verdict:
        declared = cls.__event__
        name = declared.name if declared else ""
        excluded = any(fnmatchcase(name, pattern) for pattern in self._exclude)
        named = _longest_match(self._levels, name) or _longest_match(DEFAULT_LEVELS, name)
        quiet = declared is not None and declared.high_frequency and not declared.critical
        level: Level = named or ("debug" if quiet else "info")
        escalates = named is None and "error" in cls.model_fields
        return _Verdict(level, SEVERITY[level] >= self._least, escalates, excluded)


def _longest_match(levels: Mapping[str, Level], name: str) -> Level | None:
    matching = [pattern for pattern in levels if fnmatchcase(name, pattern)]
    return levels[max(matching, key=lambda pattern: (len(pattern), pattern))] if matching else None


def _has_error(event: Event) -> bool:
    return bool(getattr(event, "error", None))
