"""The public surface of the host is agreed, sorted and documented."""

from __future__ import annotations

from types import ModuleType

import hookbus

from tests.repo.surface import problems, recorded_names
from tests.repo.tree import ROOT, Distribution


class Documented:
    """A class with a docstring."""


class Bare(Documented):  # noqa: D101 - what the check is to find
    pass


def surface(*order: str, **names: object) -> ModuleType:
    """A module with these public names."""
    module = ModuleType("planted")
    module.__dict__.update(names)
    module.__dict__["__all__"] = list(order or names)
    return module


def test_the_surface_of_hookbus_is_as_agreed() -> None:
    """Every public name is recorded, sorted, importable and documented."""
    assert problems(hookbus, recorded_names()) == []


def test_the_recorded_names_are_sorted() -> None:
    """The record is kept in order, so that its history reads well."""
    names = recorded_names()
    assert names == sorted(set(names))


def test_a_new_name_is_found() -> None:
    """Nothing becomes public by accident."""
    found = problems(surface(Documented=Documented), [])
    assert found == ["Documented: is public but not recorded in public_surface.txt"]


def test_a_name_that_went_away_is_found() -> None:
    """Nothing that users rely on disappears unnoticed."""
    found = problems(surface(Documented=Documented), ["Documented", "Gone"])
    assert found == ["Gone: is recorded in public_surface.txt but not public"]


def test_disorder_and_repetition_are_found() -> None:
    """`__all__` is sorted: constants, classes, functions; each name once."""
    names = {"LIMIT": 1, "Documented": Documented, "surface": surface}
    assert problems(surface(**names), sorted(names)) == []
    for order in (["surface", "LIMIT", "Documented"], ["LIMIT", "LIMIT", "Documented", "surface"]):
        found = problems(surface(*order, **names), sorted(names))
        assert found == ["planted.__all__: is not sorted, or repeats a name"]


def test_a_name_without_docstring_is_found() -> None:
    """Every public name says what it is; an inherited docstring speaks of something else."""
    assert problems(surface(Bare=Bare), ["Bare"]) == ["Bare: has no docstring"]


def test_a_name_that_is_not_there_is_found() -> None:
    """A lazily exported name that leads nowhere would only break at a user's."""
    assert problems(surface("Gone"), ["Gone"]) == ["Gone: cannot be imported"]


def test_the_version_is_the_one_that_is_built() -> None:
    """`hookbus.__version__` is the version of the distribution that it came with."""
    assert Distribution.read(ROOT).project["version"] == hookbus.__version__
