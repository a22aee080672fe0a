"""The house rules: what lies at the top, how long files are, and what no file may say."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.repo.tree import files, place, plugins, python_files

TOP = {
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "docs",
    "host",
    "noxfile.py",
    "plugins",
    "pyproject.toml",
    "tests",
}
"""What may lie in the top folder, besides hidden files and what tools make."""

MOST_LINES = 400
MOST_FUNCTION_LINES = 50

SHARED_FILES = ("noxfile.py", "pyproject.toml", ".ci/run")
"""Files that adding a plugin must not edit."""

FREE_TEXT = {"description", "keywords", "classifiers"}
"""Keys of [project] where a plugin's name may be an ordinary word."""

PRIVATE = re.compile(
    "|".join(
        (
            r"(?<![\w.~-])/(?:work|root|tmp/(?:hb|contract))(?:/|\b)",
            r"pypi\.org|pythonhosted\.org|deb\.debian\.org|npmjs\.(?:org|com)",
        )
    )
)
"""Paths of somebody's machine, and hosts of package registries."""


def problems(root: Path) -> list[str]:
    """Everything that breaks the house rules."""
    checks: tuple[Callable[[Path], Iterator[str]], ...] = (
        only_the_agreed_entries_at_the_top,
        files_are_short,
        functions_are_short,
        nothing_private_is_mentioned,
        no_list_of_plugins_is_kept,
    )
    return [problem for check in checks for problem in check(root)]


def only_the_agreed_entries_at_the_top(root: Path) -> Iterator[str]:
    """The top folder holds the agreed entries, all of them, and nothing else."""
    tops = {path.relative_to(root).parts[0] for path in files(root)}
    for name in sorted(tops - TOP):
        if not name.startswith("."):
            yield f"{name}: does not belong in the top folder"
    for name in sorted(TOP - tops):
        yield f"{name}: is missing from the top folder"


def files_are_short(root: Path) -> Iterator[str]:
    """No Python file is longer than `MOST_LINES`."""
    for path in python_files(root):
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > MOST_LINES:
            yield f"{place(root, path)}: {length} lines, more than {MOST_LINES}"


def functions_are_short(root: Path) -> Iterator[str]:
    """No function is longer than `MOST_FUNCTION_LINES`."""
    for path in python_files(root):
        if "template" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MOST_FUNCTION_LINES:
                    yield f"{place(root, path, node.lineno)}: {node.name} has {length} lines"


def nothing_private_is_mentioned(root: Path) -> Iterator[str]:
    """No file names a path of somebody's machine or a registry's host."""
    for path in files(root):
        if path.name in (Path(__file__).name, f"test_{Path(__file__).name}"):
            continue
        for number, line in enumerate(_text(path).splitlines(), 1):
            if found := PRIVATE.search(line):
                yield f"{place(root, path, number)}: mentions {found.group()}"


def no_list_of_plugins_is_kept(root: Path) -> Iterator[str]:
    """The shared files find plugins by looking in `plugins/`: they name none."""
    names = [plugin.folder.name for plugin in plugins(root)]
    for path in (root / name for name in SHARED_FILES):
        words = set(re.split(r"[^\w-]+", _without_free_text(path)))
        for name in names:
            if words & {name, f"hookbus-{name}", f"hookbus_{name}"}:
                yield f"{place(root, path)}: names the plugin {name}"


def _without_free_text(path: Path) -> str:
    if path.suffix != ".toml":
        return _text(path)
    data = tomllib.loads(_text(path))
    project = {k: v for k, v in data.get("project", {}).items() if k not in FREE_TEXT}
    return repr(data | {"project": project})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
