"""The feed: publishes recorded events again, at their times and in their order."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from hookbus import Bus, Event, EventRegistry, HookbusError, SimulatedClock, Source

from hookbus_journal.replay.recording import Input

REPORT_EVERY: Final = 1_000
"""Events between two reports of the progress."""


class Inputs(Protocol):
    """What is to be fed."""

    def count(self) -> int:
        """How many events there are."""

    def __iter__(self) -> Iterator[Input]: ...


class Feed:
    """Feeds the inputs of a recording into a bus.

    `current` is the event that was published last; `fed` has the positions of those that were, and
    `kinds` the plugins and types that they came from. `unfed` are those that no plugin can read,
    which `unreadable` counts by type, with the first
    error of each type in `errors`. `finished` says that it came to the end.

    Between two events of the same instant everything settles, unless the one followed the other at
    once when they were recorded.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self.current: Event | None = None
        self.fed = array("q")
        self.unfed = array("q")
        self.kinds: set[tuple[str, str]] = set()
        self.unreadable: Counter[str] = Counter()
        self.errors: dict[str, str] = {}
        self.finished = False
        self._readers: dict[tuple[str, int], Callable[[str], Event]] = {}
        self._clock = clock

    async def run(
        self,
        source: Source,
        inputs: Inputs,
        registry: EventRegistry,
        voice: Callable[[str], Bus],
        end_ns: int,
    ) -> None:
        """Publish every input in the name of the plugin that it came from; wait until `end_ns`."""
        clock, fed, total = self._clock, self.fed, inputs.count()
        buses: dict[str, Bus] = {}
        now_ns, last = clock.now_ns(), 0
        for one in inputs:
            if one.time_ns > now_ns:
                await clock.sleep_until(now_ns := one.time_ns)
            elif one.sequence != last + 1:
                await clock.settled()
            last = one.sequence
            event = self._decoded(registry, one)
            if event is None:
                continue
            self.current = event
            kind = one.source, one.type
            if kind not in self.kinds:
                self.kinds.add(kind)
                buses[one.source] = voice(one.source)
            await buses[one.source].publish(event)
            fed.append(one.position)
            if len(fed) % REPORT_EVERY == 0:
                source.progress(len(fed), total, f"{clock.now():%Y-%m-%d %H:%M}")
        source.progress(len(self.fed), total)
        await clock.sleep_until(end_ns)
        self.finished = True

    def _decoded(self, registry: EventRegistry, one: Input) -> Event | None:
        kind = one.type, one.version
        read = self._readers.get(kind)
        try:
            if read is None:
                read = self._readers[kind] = reader_of(registry, *kind)
            return read(one.data)
        except (HookbusError, ValueError) as error:
            self.errors.setdefault(one.type, _careful_text(registry, one, error))
            self.unreadable[one.type] += 1
            self.unfed.append(one.position)
            return None


def reader_of(registry: EventRegistry, name: str, version: int) -> Callable[[str], Event]:
    """What makes events of the data of a type and version; raises `UnknownEventType`."""
    cls = registry.get(name)
    if cls.__event__ is not None and cls.__event__.version == version:
        read: Callable[[str], Event] = cls.__pydantic_validator__.validate_json
        return read
    return lambda data: cls.decode(json.loads(data), version)


def _careful_text(registry: EventRegistry, one: Input, error: Exception) -> str:
    """An error in the words of the host, which names fields."""
    try:
        registry.decode(one.type, json.loads(one.data), one.version)
    except (HookbusError, ValueError) as told:
        return str(told)
    return str(error)
