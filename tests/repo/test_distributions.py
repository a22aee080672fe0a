"""Every distribution is complete: metadata, entry points, documents, types, tests, host range."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repo.distributions import problems
from tests.repo.planting import PLUGIN_MODULE, PLUGIN_PYPROJECT, plant
from tests.repo.tree import ROOT

PYPROJECT = PLUGIN_PYPROJECT.format(name="alpha", title="Alpha")
TOML = "plugins/alpha/pyproject.toml"
MODULE = "plugins/alpha/hookbus_alpha/plugin.py"
POINT = "plugins/alpha: entry point alpha = hookbus_alpha.plugin:AlphaPlugin"


def test_every_distribution_of_the_repository_is_complete() -> None:
    """The host and every folder in plugins/ can be published as they are."""
    assert problems(ROOT) == []


def test_a_healthy_tree_has_no_problems(tmp_path: Path) -> None:
    """The planted tree is healthy, so that each violation below is the only one."""
    assert problems(plant(tmp_path)) == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
@pytest.mark.parametrize("folder", ["", "plugins/alpha/"])
def test_a_missing_document_is_found(tmp_path: Path, folder: str, name: str) -> None:
    """Every distribution explains itself and keeps a changelog."""
    found = problems(plant(tmp_path, {folder + name: None}))
    assert found == [f"{folder.rstrip('/') or '.'}: has no {name}"]


def test_an_empty_document_counts_as_missing(tmp_path: Path) -> None:
    """An empty README satisfies nobody."""
    found = problems(plant(tmp_path, {"plugins/alpha/README.md": " \n"}))
    assert found == ["plugins/alpha: has no README.md"]


def test_a_missing_licence_is_found(tmp_path: Path) -> None:
    """A wheel without a licence may not be used by anybody."""
    plant(tmp_path)
    (tmp_path / "plugins/alpha/LICENSE").unlink()
    assert problems(tmp_path) == ["plugins/alpha: has no LICENSE"]


def test_another_licence_is_found(tmp_path: Path) -> None:
    """All distributions have the licence of the repository."""
    found = problems(plant(tmp_path, {"plugins/alpha/LICENSE": "All rights reserved"}))
    assert found == ["plugins/alpha/LICENSE: differs from the repository's"]


def test_a_changelog_without_the_current_version_is_found(tmp_path: Path) -> None:
    """The version in pyproject.toml is the one that the changelog describes."""
    found = problems(plant(tmp_path, {"plugins/alpha/CHANGELOG.md": "## 0.0.9\n"}))
    assert found == ["plugins/alpha/CHANGELOG.md: has no section '## 0.1.0'"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("hookbus.plugins", "other", "plugins/alpha: has no entry point in hookbus.plugins"),
        ("hookbus>=0.1,<0.2", "hookbus>=0.1", f"{TOML}: declares no range of the host"),
        ("hookbus>=0.1,<0.2", "pluggy>=1", f"{TOML}: declares no range of the host"),
        ("hookbus>=0.1,<0.2", "hookbus>=1,<2", f"{TOML}: hookbus<2,>=1 does not admit the host"),
        ('<0.2"', '<0.2", "hookbus-beta"', f"{TOML}: depends on hookbus-beta, another plugin"),
        ('license = "MIT"', "", f"{TOML}: [project] has no license"),
    ],
)
def test_a_mistake_in_the_metadata_is_found(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    """Entry point, host range, inward dependencies and licence are all declared."""
    (found,) = problems(plant(tmp_path, {TOML: PYPROJECT.replace(old, new)}))
    assert found.startswith(problem)


def test_a_name_that_is_not_the_folder_s_is_found(tmp_path: Path) -> None:
    """Whoever knows the folder knows what to install."""
    renamed = PYPROJECT.replace('"hookbus-alpha"', '"hookbus-omega"')
    found = problems(plant(tmp_path, {TOML: renamed}))
    assert found[0] == "plugins/alpha: is called hookbus-omega, not hookbus-alpha"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (None, "there is no module hookbus_alpha.plugin"),
        ("AlphaPlugin = object", "hookbus_alpha.plugin defines no class AlphaPlugin"),
        (PLUGIN_MODULE.format(name="other", title="Alpha"), "the class calls itself 'other'"),
    ],
)
def test_an_entry_point_that_leads_nowhere_is_found(
    tmp_path: Path, source: str | None, problem: str
) -> None:
    """An entry point names a class that is there and that calls itself by the same name."""
    assert problems(plant(tmp_path, {MODULE: source})) == [f"{POINT}: {problem}"]


@pytest.mark.parametrize("package", ["host/hookbus", "plugins/alpha/hookbus_alpha"])
def test_a_missing_type_marker_is_found(tmp_path: Path, package: str) -> None:
    """Type checkers ignore the annotations of a package without py.typed."""
    found = problems(plant(tmp_path, {f"{package}/py.typed": None}))
    assert found == [f"{package}: has no py.typed"]


def test_a_second_package_is_found(tmp_path: Path) -> None:
    """One distribution holds one package, which its name leads to."""
    found = problems(plant(tmp_path, {"plugins/alpha/helpers/__init__.py": ""}))
    assert found == ["plugins/alpha: has a second package, helpers"]


def test_a_plugin_without_tests_is_found(tmp_path: Path) -> None:
    """Every plugin has tests of its own, where its nox target looks for them."""
    found = problems(plant(tmp_path, {"tests/plugins/alpha/test_alpha.py": None}))
    assert found == ["plugins/alpha: has no tests in tests/plugins/alpha"]


def test_a_folder_without_metadata_is_found(tmp_path: Path) -> None:
    """A folder in plugins/ that is no distribution would be overlooked by everything else."""
    found = problems(plant(tmp_path, {"plugins/gamma/notes.md": "later"}))
    assert found == ["plugins/gamma: has no pyproject.toml"]
