"""Events: immutable pydantic models with a wire name, and the registry that knows them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from hookbus.errors import (
    DuplicateEventType,
    EventDecodeError,
    UnknownEventType,
    UsageError,
    in_words,
)

_new = object.__new__
_set_values, _set_given, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in (
        "__dict__",
        "__pydantic_fields_set__",
        "__pydantic_extra__",
        "__pydantic_private__",
    )
)

_WIRE_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+")


@dataclass(frozen=True, slots=True)
class EventType:
    """What an event class declares of itself.

    `name` is the wire name (`trade.executed`), `version` the schema version (from 1), `key` the
    field that identifies what the event is about, `high_frequency` lets slow viewers be throttled,
    `critical` forbids dropping and throttling.
    """

    name: str
    version: int = 1
    key: str | None = None
    high_frequency: bool = False
    critical: bool = False


class Stops(NamedTuple):
    """What an event keeps from happening, for whoever asks why something did not happen.

    `types` are wire names or patterns of what does not come about, `reason` the fields that say
    why. Without `until` one event stands for one thing that did not happen, such as a refused
    order. With it the event holds until one of these types comes: a halt until trading is resumed,
    a policy until the next policy. Without `certain` it only may be the cause.
    """

    types: tuple[str, ...]
    reason: tuple[str, ...]
    until: tuple[str, ...] = ()
    certain: bool = True


class Event(BaseModel):
    """Something that happened, named in the past tense.

    A subclass with `type=` can be published; one without is an abstract base, which is good as a
    filter for all its subclasses:

        class TradeExecuted(Event, type="trade.executed", version=1, key="symbol"):
            symbol: str

    `__stops__` of a subclass says what its events keep from happening, see `Stops`.

    Raises `UsageError` at definition when the wire name, the version or the key is not valid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    __event__: ClassVar[EventType | None] = None
    __stops__: ClassVar[Stops | None] = None

    def __init_subclass__(
        cls,
        type: str | None = None,  # noqa: A002 - reads as the word of the design in a class line
        version: int = 1,
        key: str | None = None,
        high_frequency: bool = False,
        critical: bool = False,
        **config: Any,
    ) -> None:
        """Take the declaration out of the class line; it is checked once the fields are known."""
        super().__init_subclass__(**config)

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        type: str | None = None,  # noqa: A002
        version: int = 1,
        key: str | None = None,
        high_frequency: bool = False,
        critical: bool = False,
        **config: Any,
    ) -> None:
        """Check and keep what the class line declares."""
        super().__pydantic_init_subclass__(**config)
        if type is None:
            cls.__event__ = None
            return
        _check_declaration(cls, type, version, key)
        cls.__event__ = EventType(type, version, key, high_frequency, critical)

    @classmethod
    def upgrade(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Turn the data of an older schema version into today's fields.

        Override it when you raise `version`. Raises `EventDecodeError` unless overridden.
        """
        raise EventDecodeError(
            f"{describe(cls)} is at version {event_type(cls).version} and cannot read version "
            f"{version}; override {cls.__qualname__}.upgrade to translate it"
        )

    @classmethod
    def trusted(cls, values: dict[str, Any], given: set[str]) -> Self:
        """Make an event of values that are known to be valid, in a fifth of the usual time.

        `values` has every field, in the order of the class, and becomes part of the event; `given`
        names those that were not left to their defaults. Nothing is checked: this is for a feed,
        say, that has looked at a whole column of numbers at once.
        """
        event = _new(cls)
        _set_values(event, values)
        _set_given(event, given)
        _set_extra(event, None)
        _set_private(event, None)
        return event

    @classmethod
    def decode(cls, data: dict[str, Any], version: int | None = None) -> Self:
        """Build the event from JSON-like `data`; raises `EventDecodeError` with every bad field."""
        declared = event_type(cls)
        if version is not None and version > declared.version:
            raise EventDecodeError(
                f"{declared.name!r} version {version} is newer than version {declared.version} "
                f"of {describe(cls)}; upgrade the plugin that declares it"
            )
        if version is not None and version < declared.version:
            data = _upgraded(cls, declared, data, version)
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise EventDecodeError(f"{declared.name!r}: {_plain(error)}") from None


def _upgraded(
    cls: type[Event], declared: EventType, data: dict[str, Any], version: int
) -> dict[str, Any]:
    try:
        return cls.upgrade(data, version)
    except EventDecodeError:
        raise
    except Exception as error:
        where = f"{declared.name!r} version {version}"
        what = f"{cls.__qualname__}.upgrade raised {in_words(error)}"
        raise EventDecodeError(f"{where}: {what}") from error


def _check_declaration(cls: type[Event], name: str, version: int, key: str | None) -> None:
    if not _WIRE_NAME.fullmatch(name):
        raise UsageError(
            f"{describe(cls)}: {name!r} is no wire name; write lower-case words joined by dots, "
            "such as 'trade.executed'"
        )
    if version < 1:
        raise UsageError(f"{describe(cls)}: version {version} must be 1 or more")
    if key is not None and key not in cls.model_fields:
        raise UsageError(
            f"{describe(cls)}: key {key!r} is no field of it; its fields are "
            f"{', '.join(cls.model_fields) or 'none'}"
        )


def _plain(error: ValidationError) -> str:
    parts = []
    for problem in error.errors(include_url=False, include_input=False):
        place = ".".join(str(part) for part in problem["loc"])
        parts.append(f"{place}: {problem['msg']}" if place else problem["msg"])
    return "; ".join(parts)


def describe(cls: Any) -> str:
    """The full name of a class, for messages."""
    return f"{cls.__module__}.{cls.__qualname__}"


def event_type(cls: type[Event]) -> EventType:
    """What `cls` declares; raises `UsageError` for an abstract base."""
    if cls.__event__ is None:
        raise UsageError(
            f"{describe(cls)} is an abstract base; give its class line a type= to publish it"
        )
    return cls.__event__


class EventRegistry:
    """The event types of one host, by wire name."""

    def __init__(self) -> None:
        self._types: dict[str, type[Event]] = {}
        self._owners: dict[str, list[str]] = {}

    def register(self, cls: type[Event], owner: str) -> None:
        """Add `cls`, declared by the plugin `owner`; several plugins may declare the same class.

        Raises `DuplicateEventType` when another class has its wire name.
        """
        name = event_type(cls).name
        known = self._types.setdefault(name, cls)
        if known is not cls:
            raise DuplicateEventType(
                f"event type {name!r} of {describe(cls)} (plugin {owner!r}) is already claimed by "
                f"{describe(known)} (plugin {self.owner(name)!r}); rename one of them"
            )
        owners = self._owners.setdefault(name, [])
        if owner not in owners:
            owners.append(owner)

    def withdraw(self, owner: str) -> None:
        """Forget the types that only this plugin declared: it failed or was removed."""
        for name in [name for name, owners in self._owners.items() if owner in owners]:
            self._owners[name].remove(owner)
            if not self._owners[name]:
                del self._types[name], self._owners[name]

    def get(self, name: str) -> type[Event]:
        """The class for a wire name; raises `UnknownEventType` with the nearest known name."""
        try:
            return self._types[name]
        except KeyError:
            near = difflib.get_close_matches(name, self._types, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "is the plugin that declares it on?"
            raise UnknownEventType(f"no event type {name!r} is known; {hint}") from None

    def decode(self, name: str, data: dict[str, Any], version: int | None = None) -> Event:
        """Build an event from its wire name and JSON-like data.

        Raises `UnknownEventType` or `EventDecodeError`.
        """
        return self.get(name).decode(data, version)

    def owner(self, name: str) -> str:
        """The plugin that declared a wire name first; raises `UnknownEventType`."""
        self.get(name)
        return self._owners[name][0]

    def __iter__(self) -> Iterator[type[Event]]:
        return iter([self._types[name] for name in sorted(self._types)])

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def __len__(self) -> int:
        return len(self._types)
