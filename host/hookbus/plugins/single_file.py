"""Plugins in a single file: finding the class by reading the text, and importing it later."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from hookbus.errors import PluginError
from hookbus.settings.mistakes import suggest


class FilePlugin(NamedTuple):
    """A plugin class in a file: the plugin's name and where the class is."""

    name: str
    path: Path
    class_name: str

    def load(self) -> Any:
        """Import the file anew and return the class."""
        return getattr(import_file(self.path), self.class_name)


def split_argument(argument: str) -> tuple[str, str | None]:
    """Split `file.py:ClassName` into file and class; the class is None where it is left out."""
    path, colon, class_name = argument.rpartition(":")
    if colon and class_name.isidentifier() and path.endswith(".py"):
        return path, class_name
    return argument, None


def default_name(path: Path) -> str:
    """The name of the plugin in a file that does not tell one: `my_strategy.py`, `my-strategy`."""
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "plugin"


def find_plugin(path: Path, class_name: str | None = None) -> FilePlugin:
    """Read the file at `path`, without importing it, and find its plugin class.

    Raises `PluginError` when the file cannot be read or parsed, or when it is not clear which class
    is meant.
    """
    classes = dict(_plugin_classes(_parse(path)))
    if class_name is None:
        class_name = _only_class(path, classes)
    elif class_name not in classes:
        mend = suggest(class_name, classes, f"Write class {class_name}(Plugin).")
        raise _error(path, "discovery", f"{path} has no plugin class {class_name!r}", mend)
    return FilePlugin(classes[class_name] or default_name(path), path, class_name)


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=str(path))
    except FileNotFoundError:
        mend = "Name an existing file, file.py or file.py:ClassName."
        raise _error(path, "discovery", f"there is no file {path}", mend) from None
    except OSError as error:
        reason = f"{path} cannot be read: {error.strerror or error}"
        raise _error(path, "discovery", reason, "Name a file that can be read.") from None
    except SyntaxError as error:
        reason = f"SyntaxError: {error.msg} ({path}, line {error.lineno})"
        raise _error(path, "import", reason, "Mend that line.") from None
    except (ValueError, RecursionError, MemoryError) as error:
        reason = f"{path} is no Python file: {error}"
        raise _error(path, "import", reason, "Name a Python file.") from None


def _error(path: Path, phase: str, reason: str, mend: str) -> PluginError:
    return PluginError(default_name(path), phase, reason, mend)


def _plugin_classes(module: ast.Module) -> Iterator[tuple[str, str | None]]:
    """The classes that derive from something called `...Plugin`, and the names they declare."""
    known: set[str] = set()
    for node in module.body:
        if isinstance(node, ast.ClassDef) and any(_is_plugin(base, known) for base in node.bases):
            known.add(node.name)
            yield node.name, _declared_name(node)


def _is_plugin(base: ast.expr, known: set[str]) -> bool:
    name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
    return name in known or name.endswith("Plugin")


def _declared_name(node: ast.ClassDef) -> str | None:
    for statement in node.body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        value = getattr(statement, "value", None)
        is_name = any(isinstance(target, ast.Name) and target.id == "name" for target in targets)
        if is_name and isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return None


def _only_class(path: Path, classes: dict[str, str | None]) -> str:
    named = [class_name for class_name, name in classes.items() if name]
    choices = named or list(classes)
    if len(choices) == 1:
        return choices[0]
    if choices:
        reason = f"{path} has several plugin classes: {', '.join(choices)}"
        mend = f"Write {path.name}:{choices[0]} to say which."
        raise _error(path, "discovery", reason, mend)
    reason = f"{path} has no plugin class"
    raise _error(path, "discovery", reason, "Write class MyStrategy(Plugin) in it, with a name.")


def import_file(path: Path) -> Any:
    """Import the file at `path` as a module of its own, again if it was imported before."""
    path = path.resolve()
    stem = re.sub(r"\W", "_", path.stem)
    name = f"hookbus_file_{stem}_{zlib.crc32(str(path).encode()):08x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
