"""Demonstrations: what a module of this folder has that shows how a fault is survived."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import tests.faults

Progress = Callable[[str], None]
"""Is told in a few words what has been done so far."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a demonstration has done, counted and found.

    `rounds` is how often the fault happened; `counted` has numbers, such as events lost, by name;
    `figures` has measurements with their units, such as a worst time; `wrong` has a sentence for
    each thing that is not as it must be.
    """

    rounds: int
    counted: Mapping[str, int]
    figures: Mapping[str, str] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()


class Demonstration(Protocol):
    """A module of this folder with these names is found and run by `python -m tests.faults`.

    `NAME` is what `--only` and the table call it, `WANTED` the promise that it shows, in one line.
    `ROUNDS` is how often the fault happens in full, `FEW` how often in a short look.
    """

    NAME: str
    WANTED: str
    ROUNDS: int
    FEW: int

    def demonstrate(self, folder: Path, rounds: int, progress: Progress) -> Outcome:
        """Let the fault happen `rounds` times; `folder` is empty, and removed afterwards."""


def demonstrations() -> dict[str, Demonstration]:
    """All of this folder, by name."""
    found = {}
    for info in pkgutil.iter_modules(tests.faults.__path__, f"{tests.faults.__name__}."):
        if info.name.rpartition(".")[2].startswith(("__", "test_")):
            continue
        module = importlib.import_module(info.name)
        if hasattr(module, "demonstrate"):
            one = cast(Demonstration, module)
            found[one.NAME] = one
    return found
