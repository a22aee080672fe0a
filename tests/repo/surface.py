"""The public surface: what `import hookbus` offers, compared with what was agreed."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

RECORDED = Path(__file__).with_name("public_surface.txt")
"""The agreed names, one per line; a change of the surface is a change of this file."""


def problems(module: ModuleType, recorded: list[str]) -> list[str]:
    """Everything that is wrong with the surface of `module`."""
    return [*_is_recorded(module, recorded), *_is_sorted(module), *_is_documented(module)]


def recorded_names() -> list[str]:
    """The names in `RECORDED`."""
    return RECORDED.read_text(encoding="utf-8").split()


def _is_recorded(module: ModuleType, recorded: list[str]) -> Iterator[str]:
    for name in sorted(set(module.__all__) - set(recorded)):
        yield f"{name}: is public but not recorded in {RECORDED.name}"
    for name in sorted(set(recorded) - set(module.__all__)):
        yield f"{name}: is recorded in {RECORDED.name} but not public"


def _is_sorted(module: ModuleType) -> Iterator[str]:
    names = list(module.__all__)
    if names != sorted(set(names), key=_sort_key):
        yield f"{module.__name__}.__all__: is not sorted, or repeats a name"


def _sort_key(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def _is_documented(module: ModuleType) -> Iterator[str]:
    for name in module.__all__:
        if not hasattr(module, name):
            yield f"{name}: cannot be imported"
            continue
        value = getattr(module, name)
        if (inspect.isclass(value) or callable(value)) and not _own_docstring(value):
            yield f"{name}: has no docstring"


def _own_docstring(value: object) -> str:
    text = value.__dict__.get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)
    return str(text or "").strip()
