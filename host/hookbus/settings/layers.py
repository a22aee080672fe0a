"""The layers of the configuration: the file, the environment, `--set`; and where each value is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hookbus.errors import ConfigurationError, Problem
from hookbus.settings.mistakes import Place
from hookbus.settings.places import key_lines
from hookbus.settings.settings import Loose

ENVIRONMENT_PREFIX: Final = "HOOKBUS_"
"""Variables with this prefix and a double underscore after the section are configuration."""

_TOML_PLACE: Final = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Layer:
    """Values from one source, which is a file or else is described by `source`."""

    data: Mapping[str, Any]
    file: str | None = None
    source: str | None = None
    lines: Mapping[Place, int] = field(default_factory=dict)

    def find(self, place: Place) -> Any:
        """The value at `place`; raises `LookupError` or `TypeError` where there is none."""
        data: Any = self.data
        for key in place:
            data = data.parsed if isinstance(data, Loose) else data
            if not isinstance(data, Mapping | list):
                raise LookupError(place)
            data = data[key]  # type: ignore[index]
        return data

    def has(self, place: Place) -> bool:
        """Whether this layer has a value at `place`."""
        try:
            self.find(place)
        except (LookupError, TypeError):
            return False
        return True

    def line(self, place: Place) -> int | None:
        """The line of the innermost key of `place` whose line is known."""
        for end in range(len(place), 0, -1):
            if place[:end] in self.lines:
                return self.lines[place[:end]]
        return None


def locate(layers: Sequence[Layer], place: Place) -> tuple[str | None, int | None, str | None]:
    """File, line and source of the value at `place`.

    Of a single value the last layer decides; a table is where it is first spoken of; what is
    missing would belong into the file, at the line of its table.
    """
    holders = [layer for layer in layers if layer.has(place)]
    if holders:
        is_table = isinstance(holders[-1].find(place), Mapping)
        holder = holders[0 if is_table else -1]
        return holder.file, holder.line(place), holder.source
    for layer in layers:
        if layer.file is not None:
            line = layer.line(place) if layer.has(place[:-1]) else None
            return layer.file, line, layer.source
    return None, None, None


def merge(layers: Iterable[Layer]) -> dict[str, Any]:
    """The values of all layers: tables are joined, of anything else the last one counts."""
    merged: dict[str, Any] = {}
    for layer in layers:
        _merge_into(merged, layer.data)
    return merged


def _merge_into(target: dict[str, Any], data: Mapping[str, Any]) -> None:
    for key, value in data.items():
        if isinstance(value, Loose) and isinstance(value.parsed, dict):
            value = value.parsed
        if not isinstance(value, Mapping):
            target[key] = value
            continue
        if not isinstance(target.get(key), dict):
            target[key] = {}
        _merge_into(target[key], value)


def read_file(path: Path) -> Layer:
    """Read a TOML file; raises `ConfigurationError` when it is missing, unreadable or no TOML."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _broken(path, "there is no such file", "Name an existing file.") from None
    except UnicodeDecodeError as error:
        mend = "Save the file as UTF-8."
        raise _broken(path, f"is not UTF-8 text (byte {error.start})", mend) from None
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise _broken(path, reason, "Name a file that can be read.") from None
    data = parse(text, path)
    return Layer(data, file=str(path), lines=key_lines(text.replace("\r\n", "\n"), data))


def parse(text: str, path: Path) -> dict[str, Any]:
    """Parse the text of the file at `path`; raises `ConfigurationError` with line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
    place = _TOML_PLACE.search(message)
    reason = f"is not valid TOML: {_TOML_PLACE.sub('', message)}"
    if place is None or place.group(1) is None:
        raise _broken(path, reason, "The end of the file seems to be missing.")
    mend = f"Look at column {place.group(2)} of that line."
    raise _broken(path, f"{reason} (column {place.group(2)})", mend, int(place.group(1)))


def _broken(path: Path, reason: str, mend: str, line: int | None = None) -> ConfigurationError:
    return ConfigurationError([Problem(str(path), "", None, reason, mend, line)])


def environment_layers(environment: Mapping[str, str]) -> list[Layer]:
    """One layer for each variable such as `HOOKBUS_PLUGINS__RISK__MAXIMUM_POSITION`.

    Names of plugins have dashes where their variables have underscores.
    """
    layers = []
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX) and "__" in name:
            keys = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
            if keys[0] == "plugins":
                keys[1] = keys[1].replace("_", "-")
            data = _nested(keys, loose(environment[name]))
            layers.append(Layer(data, source=f"environment variable {name}"))
    return layers


def override_layers(overrides: Iterable[str]) -> tuple[list[Layer], list[Problem]]:
    """One layer for each `a.b.c=value` of `--set`, and the problems of those that are not that."""
    layers, problems = [], []
    for override in overrides:
        keys, value = _split(override)
        if keys:
            source = f"--set {'.'.join(keys)}"
            layers.append(Layer(_nested(keys, loose(value)), source=source))
        else:
            reason = "is not of the form key=value"
            mend = "Write for example --set plugins.risk.maximum_position=2."
            key = override.partition("=")[0]
            problems.append(Problem(None, key, None, reason, mend, source="--set"))
    return layers, problems


def _split(override: str) -> tuple[list[str], str]:
    """The keys before the first `=` that ends a valid TOML key, and the text after it."""
    for found in re.finditer("=", override):
        keys = _key_path(override[: found.start()])
        if keys:
            return keys, override[found.end() :].strip()
    return [], ""


def _key_path(text: str) -> list[str]:
    try:
        data: Any = tomllib.loads(f"{text} = 0") if "\n" not in text and "#" not in text else {}
    except tomllib.TOMLDecodeError:
        return []
    keys = []
    while isinstance(data, dict) and data:
        key, data = next(iter(data.items()))
        keys.append(key)
    return keys if data == 0 else []


def loose(text: str) -> Loose:
    """Read a value as TOML or, where it is none, as plain text."""
    try:
        data = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return Loose(text, text)
    return Loose(text, data["value"]) if list(data) == ["value"] else Loose(text, text)


def _nested(keys: Sequence[str], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return dict(value)
