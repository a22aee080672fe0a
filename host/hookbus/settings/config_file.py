"""Changing `hookbus.toml` by program: comments and order stay, and no half-written file is left."""

from __future__ import annotations

import contextlib
import copy
import os
import tempfile
from pathlib import Path
from typing import Any

from hookbus.errors import ConfigurationError, Problem


def set_plugin_enabled(path: Path | str, name: str, enabled: bool) -> bool:
    """Set `enabled` in `[plugins.NAME]` of the file at `path`; True if the file was changed.

    A table that is missing is added at the end. No plugin is imported and nothing else in the file
    is looked at, so this works whatever is broken. Raises `ConfigurationError` when the file is
    missing, is no TOML, or has something else than a table in that place.
    """
    from hookbus.settings.layers import parse, read_file

    path = Path(path)
    wanted = copy.deepcopy(dict(read_file(path).data))
    table = _plugin_table(wanted, path, name)
    if table.get("enabled") is enabled:
        return False
    table["enabled"] = enabled
    text = _edited(path, name, enabled)
    if parse(text, path) != wanted:
        raise _refusal(path, name, enabled)
    _replace(path, text)
    return True


def _plugin_table(data: dict[str, Any], path: Path, name: str) -> dict[str, Any]:
    place = ""
    for key in ("plugins", name):
        place = f"{place}.{key}" if place else key
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            problem = Problem(str(path), place, None, "must be a table", f"Write [{place}].")
            raise ConfigurationError([problem])
    return data


def _edited(path: Path, name: str, enabled: bool) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read()
    try:
        document = tomlkit.parse(text)
        plugins = document.setdefault("plugins", tomlkit.table(is_super_table=True))
        plugins.setdefault(name, tomlkit.table())["enabled"] = enabled
        return tomlkit.dumps(document)
    except (TOMLKitError, TypeError, AttributeError):
        raise _refusal(path, name, enabled) from None


def _refusal(path: Path, name: str, enabled: bool) -> ConfigurationError:
    value = str(enabled).lower()
    mend = f"Write enabled = {value} below [plugins.{name}] by hand."
    reason = "the file is laid out in a way that cannot be edited safely"
    return ConfigurationError([Problem(str(path), f"plugins.{name}", None, reason, mend)])


def _replace(path: Path, text: str) -> None:
    """Put `text` in the place of the file at once: a reader sees the old or the new one, whole."""
    target = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(target.stat().st_mode)
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
