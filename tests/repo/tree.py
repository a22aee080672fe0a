"""What the checks of the repository look at: its files, its distributions and its imports."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]

GENERATED = {"__pycache__", "build", "dist"}
"""Folders that tools make."""


@dataclass(frozen=True)
class Import:
    """One import: the full name of the module or of what is taken from it, and its place."""

    target: str
    line: int
    at_run_time: bool
    """False for an import that only type checkers follow."""


@dataclass(frozen=True)
class Module:
    """One Python file and its dotted name."""

    path: Path
    name: str

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.path.read_text(encoding="utf-8"), self.path)

    def imports(self) -> list[Import]:
        """Everything that it imports, wherever in the file, relative imports resolved."""
        package = self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]
        visitor = _Imports(package)
        visitor.visit(self.tree)
        return visitor.found


@dataclass(frozen=True)
class Distribution:
    """A folder with a pyproject.toml."""

    folder: Path
    project: dict[str, Any] = field(repr=False)

    @classmethod
    def read(cls, folder: Path) -> Distribution:
        """The distribution that the pyproject.toml in `folder` describes."""
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
        return cls(folder, tomllib.loads(text).get("project", {}))

    @property
    def name(self) -> str:
        """Its name in a package index."""
        return canonicalize_name(self.project["name"])

    @property
    def package(self) -> Path:
        """The folder of its import package."""
        return self.folder / self.name.replace("-", "_")

    @property
    def requirements(self) -> dict[str, Requirement]:
        """What it depends on, by name."""
        parsed = map(Requirement, self.project.get("dependencies", []))
        return {canonicalize_name(one.name): one for one in parsed}

    def entry_points(self, group: str) -> dict[str, str]:
        """The entry points of a group."""
        points: dict[str, str] = self.project.get("entry-points", {}).get(group, {})
        return points

    def modules(self) -> list[Module]:
        """The modules of its import package."""
        return modules(self.package)


def plugins(root: Path) -> list[Distribution]:
    """The distributions in `plugins/`, each a folder with a pyproject.toml."""
    return [
        Distribution.read(path.parent) for path in sorted(root.glob("plugins/*/pyproject.toml"))
    ]


def kernel(root: Path) -> list[Module]:
    """The modules of the host."""
    return modules(root / "host" / "hookbus")


def modules(package: Path) -> list[Module]:
    """The modules of an import package, but not the templates that it carries."""
    return [
        Module(path, _dotted(path.relative_to(package.parent)))
        for path in sorted(package.rglob("*.py"))
        if "template" not in path.relative_to(package).parts
    ]


def public_names(root: Path) -> list[str]:
    """`hookbus.__all__`, as it stands in the source."""
    tree = Module(root / "host" / "hookbus" / "__init__.py", "hookbus").tree
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def files(root: Path) -> Iterator[Path]:
    """Every file that people write: neither hidden nor made by a tool, but with those of .ci."""
    for path in sorted(root.iterdir()):
        if path.is_file():
            yield path
        elif path.name == ".ci" or not (path.name.startswith(".") or _is_generated(path)):
            yield from files(path)


def python_files(root: Path) -> Iterator[Path]:
    """The Python files among them."""
    return (path for path in files(root) if path.suffix == ".py")


def place(root: Path, path: Path, line: int | None = None) -> str:
    """Where a problem is, for messages: the path within the repository, and the line."""
    relative = path.relative_to(root).as_posix()
    return relative if line is None else f"{relative}:{line}"


def _is_generated(folder: Path) -> bool:
    return folder.name in GENERATED or folder.suffix == ".egg-info"


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class _Imports(ast.NodeVisitor):
    """Collects imports, also those made by `import_module` with a name that stands there."""

    def __init__(self, package: str) -> None:
        self.found: list[Import] = []
        self._package = package
        self._at_run_time = True

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            parts = self._package.split(".")
            parents = parts[: len(parts) - node.level + 1]
            base = ".".join([*parents, base] if base else parents)
        for alias in node.names:
            self._add(f"{base}.{alias.name}", node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        first = node.args[0] if node.args else None
        if called in ("import_module", "__import__") and isinstance(first, ast.Constant):
            self._add(str(first.value), node)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        before = self._at_run_time
        self._at_run_time = before and "TYPE_CHECKING" not in ast.unparse(node.test)
        for child in node.body:
            self.visit(child)
        self._at_run_time = before
        for child in node.orelse:
            self.visit(child)

    def _add(self, target: str, node: ast.stmt | ast.expr) -> None:
        self.found.append(Import(target, node.lineno, self._at_run_time))
