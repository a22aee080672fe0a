"""The import rings: plugins -> hookbus_trading -> hookbus, and what the kernel must not know."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.repo.tree import Distribution, Import, Module, kernel, place, plugins, public_names

VOCABULARY = "hookbus_trading"
"""The package between the plugins and the host."""

PUBLIC_MODULES = ("hookbus.commands", "hookbus.operational")
"""Modules of the host that are public as a whole, beside `hookbus` itself."""

COMPANIONS = {"pydantic-core": "pydantic"}
"""Distributions that another one brings along in exactly the version that it needs."""

ABOVE_THE_HOST = ("hookbus.cli", "hookbus.commands", "hookbus.control", "hookbus.testing")
"""What uses a whole host, as any program may, and is used by no part of it."""

COMPONENTS = ("hookbus.bus.eventbus", "hookbus.scheduler.scheduler", "hookbus.plugins.loader")
"""Whoever imports all of these composes the host."""

FORBIDDEN_IN_KERNEL = (
    "aiohttp",
    "dbm",
    "flask",
    "http",
    "httpx",
    "pyarrow",
    "requests",
    "socketserver",
    "sqlalchemy",
    "sqlite3",
    "starlette",
    "urllib.request",
    "websockets",
    "wsgiref",
    "xmlrpc",
)
"""HTTP and SQL, also where the standard library offers them."""


def problems(root: Path) -> list[str]:
    """Everything that breaks the rings."""
    checks: tuple[Callable[[Path], Iterator[str]], ...] = (
        plugins_import_inwards,
        plugins_use_the_public_surface,
        vocabulary_has_no_behaviour,
        kernel_knows_no_world,
        kernel_declares_what_it_imports,
        only_the_host_composes,
        parts_import_in_no_circle,
    )
    return [problem for check in checks for problem in check(root)]


def plugins_import_inwards(root: Path) -> Iterator[str]:
    """A plugin imports itself, the vocabulary and the host, and no other plugin."""
    packages = {plugin.package.name for plugin in plugins(root)}
    for plugin in plugins(root):
        own = plugin.package.name
        for module, one in _imports(plugin):
            top = one.target.partition(".")[0]
            if top in packages - {own, VOCABULARY}:
                yield f"{place(root, module.path, one.line)}: imports {top}, another plugin"


def plugins_use_the_public_surface(root: Path) -> Iterator[str]:
    """A plugin takes from the host what `hookbus.__all__` names, and nothing behind it."""
    public = {f"hookbus.{name}" for name in public_names(root)} | {"hookbus"}
    for plugin in plugins(root):
        for module, one in _imports(plugin):
            if not _within(one.target, ("hookbus",)) or _within(one.target, PUBLIC_MODULES):
                continue
            if one.target not in public:
                yield f"{place(root, module.path, one.line)}: {one.target} is not public"


def vocabulary_has_no_behaviour(root: Path) -> Iterator[str]:
    """The vocabulary imports nothing that acts."""
    for plugin in plugins(root):
        if plugin.package.name != VOCABULARY:
            continue
        for module, one in _imports(plugin):
            if _within(one.target, ("asyncio", "threading", "socket", "subprocess")):
                where = place(root, module.path, one.line)
                yield f"{where}: imports {one.target}, but a vocabulary only names things"


def kernel_knows_no_world(root: Path) -> Iterator[str]:
    """The kernel imports no plugin, no HTTP and no SQL."""
    for module in kernel(root):
        for one in module.imports():
            if _within(one.target, FORBIDDEN_IN_KERNEL) or one.target.startswith("hookbus_"):
                yield f"{place(root, module.path, one.line)}: the kernel imports {one.target}"


def kernel_declares_what_it_imports(root: Path) -> Iterator[str]:
    """The kernel imports the standard library and what the host's pyproject.toml declares."""
    declared = set(Distribution.read(root).requirements) | {"hookbus"}
    providers = packages_distributions()
    for module in kernel(root):
        if _within(module.name, ("hookbus.testing",)):
            continue
        for one in module.imports():
            top = one.target.partition(".")[0]
            names: set[str] = {canonicalize_name(name) for name in providers.get(top, [top])}
            names |= {COMPANIONS.get(name, name) for name in names}
            if top not in sys.stdlib_module_names and not names & declared:
                yield f"{place(root, module.path, one.line)}: imports {top}, which is not declared"


def only_the_host_composes(root: Path) -> Iterator[str]:
    """Only host.py imports all parts, and no part imports it or what stands above it."""
    for module in kernel(root):
        if _within(module.name, ABOVE_THE_HOST) or module.name in ("hookbus", "hookbus.__main__"):
            continue
        imported = [one for one in module.imports() if one.at_run_time]
        parts = {part for part in COMPONENTS for one in imported if _within(one.target, (part,))}
        if len(parts) == len(COMPONENTS) and module.name != "hookbus.host":
            yield f"{place(root, module.path)}: composes the host, which only host.py may"
        for one in imported:
            if _within(one.target, ("hookbus.host", *ABOVE_THE_HOST)):
                yield f"{place(root, module.path, one.line)}: imports {one.target} from below"


def parts_import_in_no_circle(root: Path) -> Iterator[str]:
    """The modules and packages right below `hookbus` can be read one after the other."""
    below: dict[str, set[str]] = {}
    for module in kernel(root):
        part = _part(module.name)
        used = {_part(one.target) for one in module.imports() if one.at_run_time}
        below.setdefault(part, set()).update(used - {part, ""})
    try:
        TopologicalSorter(below).prepare()
    except CycleError as error:
        yield f"host/hookbus: imports go round in a circle: {' <- '.join(error.args[1])}"


def _part(name: str) -> str:
    package, _, rest = f"{name}.".partition(".")
    return rest.partition(".")[0] if package == "hookbus" else ""


def _imports(plugin: Distribution) -> Iterator[tuple[Module, Import]]:
    for module in plugin.modules():
        for one in module.imports():
            yield module, one


def _within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
