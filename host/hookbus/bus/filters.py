"""Filters: which event types, and which of their events, a subscription wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from hookbus.errors import UsageError
from hookbus.events import Event, EventRegistry, describe, event_type

Predicate = Callable[[Any], Any]
FilterLike = type[Event] | str | Sequence[type[Event] | str]


@dataclass(frozen=True, slots=True)
class Filter:
    """Event classes, their subclasses, and wire-name patterns (`trade.*`); any of them matches."""

    classes: tuple[type[Event], ...]
    patterns: tuple[str, ...]

    def matches(self, cls: type[Event]) -> bool:
        """Whether events of `cls` pass."""
        if issubclass(cls, self.classes):
            return True
        name = event_type(cls).name
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)

    def every_class(self) -> list[type[Event]]:
        """Its classes and all their subclasses that there are."""
        classes, waiting = [], list(self.classes)
        while waiting:
            cls = waiting.pop()
            classes.append(cls)
            waiting += cls.__subclasses__()
        return classes

    def __str__(self) -> str:
        names = [cls.__event__.name if cls.__event__ else cls.__name__ for cls in self.classes]
        return ", ".join([*names, *self.patterns])


def make_filter(wanted: FilterLike) -> Filter:
    """Build a filter; raises `UsageError` naming what is neither a class nor a pattern."""
    parts = [wanted] if isinstance(wanted, str | type) else list(wanted)
    if not parts:
        raise UsageError("the filter is empty; name an event class or a pattern such as 'trade.*'")
    for part in parts:
        if not (isinstance(part, str) and part) and not _is_event_class(part):
            shown = describe(part) if isinstance(part, type) else repr(part)
            raise UsageError(
                f"{shown} is no filter; use an event class or a wire-name pattern such as 'trade.*'"
            )
    classes = tuple(sorted({p for p in parts if not isinstance(p, str)}, key=describe))
    return Filter(classes, tuple(sorted({p for p in parts if isinstance(p, str)})))


def stored_names(wanted: Filter, registry: EventRegistry, owner: str) -> set[str]:
    """The wire names and patterns by which a journal finds what passes a filter.

    The classes of the filter can be decoded from now on; those that nobody has declared count as
    `owner`'s. Raises `DuplicateEventType` when another class has the wire name of one of them.
    """
    known = set(registry)
    for cls in wanted.every_class():
        if cls.__event__ is not None and cls not in known:
            registry.register(cls, owner)
    passing = (event_type(cls).name for cls in registry if wanted.matches(cls))
    return {*wanted.patterns, *passing}


def _is_event_class(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, Event)


def condition_text(predicate: Predicate | None) -> str | None:
    """What a predicate asks for: its expression, or the name of the function with `()` behind."""
    if predicate is None:
        return None
    expression: str | None = getattr(predicate, "expression", None)
    name = getattr(predicate, "__qualname__", type(predicate).__qualname__)
    return expression or f"{name}()"


def make_predicate(where: str | Predicate | None, wanted: Filter) -> Predicate | None:
    """The predicate of a subscription: a callable as it is, an expression compiled.

    An expression is checked against the fields of every event class that the filter names; events
    that match a pattern only are taken as they come. Raises `ExpressionError` for a bad
    expression, `UsageError` for anything else.
    """
    if where is None or callable(where):
        return where
    if not isinstance(where, str):
        raise UsageError(f"where={where!r} must be a callable or an expression")
    from hookbus.expressions.expression import compile_expression

    compiled = [compile_expression(where, cls) for cls in wanted.classes]
    one_class = len(compiled) == 1 and not wanted.patterns
    return compiled[0] if one_class else compile_expression(where, None)
