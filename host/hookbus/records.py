"""Records of runs: the files that `hookbus run --events FILE` writes, read as streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from hookbus.errors import UsageError

_MEND = "Name a file that `hookbus run --events FILE` has written."
_TAIL = 1 << 16
_MOST_DIGITS = 20
_ATTRIBUTES = {"id": str, "source": str, "type": str, "time": str, "sequence": int, "data": dict}


class RecordError(UsageError):
    """A file is no record of a run; the text names the file, the line, the reason and the mend."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        self.path = path
        self.line = line
        self.reason = reason
        place = f"{path}:{line}" if line else str(path)
        super().__init__(f"{place}: {reason}. {_MEND}")


class Line(NamedTuple):
    """One line of a record: its number from 1, and its text."""

    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event of a record; `attributes` is the whole CloudEvent."""

    attributes: dict[str, Any]

    @property
    def sequence(self) -> int:
        """Its place in the run, from 1."""
        sequence: int = self.attributes["sequence"]
        return sequence

    @property
    def type(self) -> str:
        """The wire name."""
        return str(self.attributes["type"])

    @property
    def run(self) -> str:
        """The run that it belongs to: the first part of its id."""
        return str(self.attributes["id"]).removesuffix(f"-{self.sequence}")

    @property
    def cause(self) -> str | None:
        """The id of the event whose handler published it, None for a root."""
        cause = self.attributes.get("causationid")
        return None if cause is None else str(cause)


class Chain(NamedTuple):
    """The events that led to one event, from the first to that event itself.

    `missing` is the id of the cause of the first of them, where the record does not have it in its
    place.
    """

    events: tuple[RecordedEvent, ...]
    missing: str | None = None


class Record:
    """The record of one run.

    Lines are read as a stream. An event is found by its sequence by halving the file again and
    again, since a record is in that order but for durable events, which are searched for: no index
    is kept, however long the run was. `torn` is
    the number of bytes after the last whole line, which a crash leaves behind; they are not read.
    `run` is the name of the run, `position` is how far `lines` has come, in bytes, out of `size`.

    Raises `RecordError` for a file that cannot be read or holds no event.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists() and not path.is_file():
            raise RecordError(path, None, "it is no regular file")
        with self._open() as file:
            size = file.seek(0, 2)
            self.torn = _torn(file, size)
        self.size = size - self.torn
        self.position = 0
        if not self.size:
            raise RecordError(path, None, "it has no whole line" if self.torn else "it is empty")
        self.run = self.event(next(self.lines())).run

    def lines(self) -> Iterator[Line]:
        """The whole lines from the first to the last."""
        self.position = 0
        with self._open() as file:
            for number, text in enumerate(file, 1):
                if self.position + len(text) > self.size:
                    return
                self.position += len(text)
                yield Line(number, text)

    def event(self, line: Line) -> RecordedEvent:
        """The event of a line; raises `RecordError` when it is none."""
        return self._event(line.text, line.number)

    def chain(self, event: RecordedEvent) -> Chain:
        """How `event` came about; raises `RecordError` when a line on the way is no event."""
        chain = [event]
        with self._open() as file:
            while (cause := chain[0].cause) is not None:
                found = self._find(file, cause, before=chain[0])
                if found is None:
                    return Chain(tuple(chain), missing=cause)
                chain.insert(0, found)
        return Chain(tuple(chain))

    def _find(self, file: BinaryIO, id_: str, before: RecordedEvent) -> RecordedEvent | None:
        sequence = _last_number(id_)
        if sequence is None or sequence >= before.sequence:
            return None
        low, high = 0, self.size
        while low < high:
            middle = (low + high) // 2
            start, text = _line_after(file, middle)
            if start >= high or self._event(text).sequence >= sequence:
                high = middle
            else:
                low = start + len(text)
        text = _line_after(file, low)[1]
        found = self._event(text) if text else None
        in_place = found is not None and found.attributes["id"] == id_
        return found if in_place else self._search(file, id_)

    def _search(self, file: BinaryIO, id_: str) -> RecordedEvent | None:
        """An event that is not in its place: durable ones are dispatched after their commit."""
        wanted = json.dumps(id_).encode()
        file.seek(0)
        while file.tell() < self.size:
            text = file.readline()
            if wanted in text and self._event(text).attributes["id"] == id_:
                return self._event(text)
        return None

    def _event(self, text: bytes, number: int | None = None) -> RecordedEvent:
        try:
            attributes = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecordError(self.path, number, f"it is no JSON: {error}") from None
        if not isinstance(attributes, dict) or attributes.get("specversion") != "1.0":
            raise RecordError(self.path, number, "it is no CloudEvent of version 1.0")
        for name, kind in _ATTRIBUTES.items():
            if type(attributes.get(name)) is not kind:
                raise RecordError(self.path, number, _unfit(attributes, name))
        return RecordedEvent(attributes)

    def _open(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            reason = f"it cannot be read: {error.strerror or error}"
            raise RecordError(self.path, None, reason) from None


def _torn(file: BinaryIO, size: int) -> int:
    """How many bytes at the end belong to a line that was not written whole."""
    length = 0
    rest = b""
    while length < size and b"\n" not in rest:
        length = min(size, 2 * length or _TAIL)
        file.seek(size - length)
        rest = file.read()
    rest = rest[rest.rfind(b"\n") + 1 :]
    try:
        json.loads(rest)
    except ValueError:
        return len(rest)
    return 0


def _line_after(file: BinaryIO, position: int) -> tuple[int, bytes]:
    """The first line that begins at `position` or after it, and where; empty at the end."""
    file.seek(max(0, position - 1))
    start = position - 1 + len(file.readline()) if position else 0
    return start, file.readline()


def _last_number(id_: str) -> int | None:
    digits = id_.rpartition("-")[2]
    plain = len(digits) < _MOST_DIGITS and digits.isascii() and digits.isdecimal()
    return int(digits) if plain else None


def _unfit(attributes: dict[str, Any], name: str) -> str:
    if name not in attributes:
        return f"the event has no {name!r}"
    return f"the event's {name!r} is {attributes[name]!r}"
