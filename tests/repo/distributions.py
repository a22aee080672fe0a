"""Every distribution is complete: metadata, entry points, documents, types, tests, host range."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from packaging.requirements import Requirement

from tests.repo.tree import Distribution, place, plugins

GROUP = "hookbus.plugins"
DOCUMENTS = ("README.md", "CHANGELOG.md", "LICENSE")


def problems(root: Path) -> list[str]:
    """Everything that a distribution lacks."""
    host = Distribution.read(root)
    found = [*_has_documents(root, host), *_has_changelog_entry(root, host)]
    found.extend(_has_type_marker(root, root / "host" / "hookbus"))
    found.extend(
        f"{place(root, folder)}: has no pyproject.toml"
        for folder in sorted(root.glob("plugins/[!._]*"))
        if not (folder / "pyproject.toml").is_file()
    )
    checks: tuple[Callable[[Path, Distribution], Iterator[str]], ...] = (
        _has_documents,
        _has_changelog_entry,
        _is_named_after_its_folder,
        _has_package,
        _has_entry_points,
        _has_host_range,
        _depends_inwards,
        _has_tests,
    )
    found.extend(text for one in plugins(root) for check in checks for text in check(root, one))
    return found


def _has_documents(root: Path, one: Distribution) -> Iterator[str]:
    for name in DOCUMENTS:
        document = one.folder / name
        if not document.is_file() or not document.read_text(encoding="utf-8").strip():
            yield f"{place(root, one.folder)}: has no {name}"
    licence = one.folder / "LICENSE"
    if licence.is_file() and licence.read_bytes() != (root / "LICENSE").read_bytes():
        yield f"{place(root, licence)}: differs from the repository's"
    for key in ("readme", "license", "license-files"):
        if key not in one.project:
            yield f"{place(root, one.folder)}/pyproject.toml: [project] has no {key}"


def _has_changelog_entry(root: Path, one: Distribution) -> Iterator[str]:
    changelog = one.folder / "CHANGELOG.md"
    version = one.project.get("version")
    lines = changelog.read_text(encoding="utf-8").splitlines() if changelog.is_file() else []
    if lines and not any(line.split()[:2] == ["##", version] for line in lines):
        yield f"{place(root, changelog)}: has no section '## {version}'"


def _has_type_marker(root: Path, package: Path) -> Iterator[str]:
    if not (package / "py.typed").is_file():
        yield f"{place(root, package)}: has no py.typed"


def _is_named_after_its_folder(root: Path, one: Distribution) -> Iterator[str]:
    if one.name != f"hookbus-{one.folder.name}":
        yield f"{place(root, one.folder)}: is called {one.name}, not hookbus-{one.folder.name}"


def _has_package(root: Path, one: Distribution) -> Iterator[str]:
    if not one.package.is_dir():
        yield f"{place(root, one.folder)}: has no package {one.package.name}"
        return
    yield from _has_type_marker(root, one.package)
    others = {path.parent.name for path in one.folder.glob("*/*.py")} - {one.package.name}
    for other in sorted(others):
        yield f"{place(root, one.folder)}: has a second package, {other}"


def _has_entry_points(root: Path, one: Distribution) -> Iterator[str]:
    points = one.entry_points(GROUP)
    if not points:
        yield f"{place(root, one.folder)}: has no entry point in {GROUP}"
    for name, value in points.items():
        yield from _leads_to_a_plugin(root, one, name, value)


def _leads_to_a_plugin(root: Path, one: Distribution, name: str, value: str) -> Iterator[str]:
    where = f"{place(root, one.folder)}: entry point {name} = {value}"
    module, _, class_name = value.partition(":")
    source = next((found for found in one.modules() if found.name == module), None)
    if source is None:
        yield f"{where}: there is no module {module}"
        return
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            if _declared_name(node) != name:
                yield f"{where}: the class calls itself {_declared_name(node)!r}"
            return
    yield f"{where}: {module} defines no class {class_name}"


def _declared_name(node: ast.ClassDef) -> object:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "name":
            return ast.literal_eval(statement.value)
    return None


def _has_host_range(root: Path, one: Distribution) -> Iterator[str]:
    where = f"{place(root, one.folder)}/pyproject.toml"
    host = Distribution.read(root)
    needed = one.requirements.get(host.name)
    if needed is None or not _is_range(needed):
        yield f"{where}: declares no range of the host, such as 'hookbus>=1,<2'"
    elif not needed.specifier.contains(host.project["version"], prereleases=True):
        yield f"{where}: {needed} does not admit the host here, {host.project['version']}"


def _is_range(requirement: Requirement) -> bool:
    operators = {one.operator for one in requirement.specifier}
    return bool(operators & {">=", ">"}) and bool(operators & {"<", "<="})


def _depends_inwards(root: Path, one: Distribution) -> Iterator[str]:
    inner = {Distribution.read(root).name, "hookbus-trading"}
    siblings = {other.name for other in plugins(root)} - inner
    for name in sorted(siblings & set(one.requirements)):
        yield f"{place(root, one.folder)}/pyproject.toml: depends on {name}, another plugin"


def _has_tests(root: Path, one: Distribution) -> Iterator[str]:
    folder = root / "tests" / "plugins" / one.folder.name
    if not any(folder.rglob("test_*.py")):
        yield f"{place(root, one.folder)}: has no tests in {place(root, folder)}"
