"""Every plugin of this repository runs the conformance suite."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = sorted(ROOT.glob("plugins/*/pyproject.toml"))


def plugin_classes(project: Path) -> set[str]:
    """The classes that a distribution's entry points name."""
    data = tomllib.loads(project.read_text(encoding="utf-8"))
    points = data["project"]["entry-points"]["hookbus.plugins"]
    return {value.partition(":")[2] for value in points.values()}


def conforming(folder: Path) -> set[str]:
    """The plugin classes for which the tests in a folder subclass the suite."""
    found = set()
    for path in folder.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and "PluginConformance" in map(
                ast.unparse, node.bases
            ):
                found |= {
                    ast.unparse(line.value)
                    for line in node.body
                    if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "plugin"
                }
    return found


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_each_plugin_of_a_distribution_runs_the_suite(project: Path) -> None:
    """A plugin without the suite is named here."""
    tests = ROOT / "tests" / "plugins" / project.parent.name
    assert plugin_classes(project) - conforming(tests) == set()


def test_the_check_sees_a_plugin_without_the_suite(tmp_path: Path) -> None:
    """The check goes red where a test module only mentions the plugin."""
    (tmp_path / "test_some.py").write_text("class TestSome:\n    plugin = Some\n")
    assert conforming(tmp_path) == set()
    (tmp_path / "test_some.py").write_text(
        "class TestSome(PluginConformance):\n    plugin = Some\n"
    )
    assert conforming(tmp_path) == {"Some"}
