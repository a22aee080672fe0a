"""The line of every key in a TOML text, which the parser of the standard library does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from hookbus.settings.mistakes import Place

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_KEY: Final = re.compile(r"[A-Za-z0-9_-]+|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'")
_STRING: Final = (
    r'"""(?:\\.|"{1,2}(?!")|[^"\\])*"{3,5}'
    r"|'''(?:'{1,2}(?!')|[^'])*'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
)
_TOKEN: Final = re.compile(rf"{_STRING}|#[^\n]*|[\[{{\]}}\n]|[^\[{{\]}}\n#\"']+", re.S)
_OPENING: Final = frozenset("[{")
_CLOSING: Final = frozenset("]}")


def key_lines(text: str, data: Mapping[str, Any]) -> dict[Place, int]:
    """The line, from 1, on which each key of `text` stands; `data` is what `text` parses to.

    Keys within an inline table or list are left out, as is everything that `data` does not have:
    a place that is not known is better than a wrong one.
    """
    scan = _Scan(text)
    scan.run()
    return {place: line for place, line in scan.lines.items() if _exists(data, place)}


def _exists(data: Any, place: Place) -> bool:
    for key in place:
        if isinstance(data, Mapping) and key in data:
            data = data[str(key)]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return False
    return True


class _Scan:
    """One pass over a text that is known to be valid TOML."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[Place, int] = {}
        self._position = 0
        self._table: Place = ()
        self._lengths: dict[Place, int] = {}

    def run(self) -> None:
        """Note the line of each statement; stop where the text is not understood."""
        while True:
            self._skip(_BLANK)
            if self._position >= len(self.text):
                return
            understood = self._header() if self.text[self._position] == "[" else self._pair()
            if not understood:
                return

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self._position)
        self._position = found.end() if found else self._position

    def _take(self, literal: str) -> bool:
        self._skip(_SPACE)
        if not self.text.startswith(literal, self._position):
            return False
        self._position += len(literal)
        return True

    def _header(self) -> bool:
        line = self._line()
        many = self._take("[[")
        if not many:
            self._take("[")
        keys = self._keys()
        if not keys or not self._take("]]" if many else "]"):
            return False
        self._table = self._resolve((), keys, open_last=not many)
        if many:
            self._lengths[self._table] = self._lengths.get(self._table, 0) + 1
            self._table = (*self._table, self._lengths[self._table] - 1)
        self._note(self._table, line)
        return True

    def _pair(self) -> bool:
        line = self._line()
        keys = self._keys()
        if not keys or not self._take("="):
            return False
        self._note(self._resolve(self._table, keys, open_last=False), line)
        return self._value()

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            found = _KEY.match(self.text, self._position)
            if not found:
                return []
            self._position = found.end()
            keys.append(_unquoted(found.group()))
            if not self._take("."):
                return keys

    def _value(self) -> bool:
        """Pass over a value, which ends with its line unless a bracket or a string is open."""
        depth = 0
        while self._position < len(self.text):
            found = _TOKEN.match(self.text, self._position)
            if not found:
                return False
            token = found.group()
            if token == "\n" and depth == 0:
                return True
            self._position = found.end()
            depth += (token in _OPENING) - (token in _CLOSING)
        return depth == 0

    def _resolve(self, start: Place, keys: list[str], open_last: bool) -> Place:
        """The place that `keys` lead to: a list of tables on the way means its last table."""
        place = start
        for index, key in enumerate(keys):
            place = (*place, key)
            if place in self._lengths and (open_last or index < len(keys) - 1):
                place = (*place, self._lengths[place] - 1)
        return place

    def _note(self, place: Place, line: int) -> None:
        for end in range(1, len(place)):
            self.lines.setdefault(place[:end], line)
        self.lines[place] = line

    def _line(self) -> int:
        return self.text.count("\n", 0, self._position) + 1


def _unquoted(key: str) -> str:
    return str(tomllib.loads(f"key = {key}")["key"]) if key[0] in "\"'" else key
