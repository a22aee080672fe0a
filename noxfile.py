"""Every check of the repository. Plugins are found by looking in `plugins/`; none is named here.

`nox` runs all of them but `bench`, `faults` and `wheels`; `nox -s tests` runs the tests on every
Python that this machine has.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import nox
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PYPROJECT = nox.project.load_toml("pyproject.toml")

IMPORT_ENTRY_POINTS = """
import sys
from importlib.metadata import distribution
points = [p for p in distribution(sys.argv[1]).entry_points if p.group.startswith("hookbus.")]
if not any(p.group == "hookbus.plugins" for p in points):
    sys.exit(f"{sys.argv[1]} has no entry point in the group hookbus.plugins")
for point in points:
    print(f"{point.group}: {point.name} = {point.load()!r}")
"""

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = os.environ.get("HOOKBUS_EVERY_PYTHON") == "1"
nox.options.sessions = ["lint", "types", "tests", "plugin", "docs"]


@dataclass(frozen=True)
class Distribution:
    """A folder that a wheel is built from, its name, and the names that it depends on."""

    folder: Path
    name: str
    requires: tuple[str, ...]

    @classmethod
    def read(cls, pyproject: Path) -> Distribution:
        """The distribution that a pyproject.toml describes."""
        project = nox.project.load_toml(pyproject)["project"]
        requires = (canonicalize_name(Requirement(line).name) for line in project["dependencies"])
        return cls(pyproject.parent, canonicalize_name(project["name"]), tuple(requires))


HOST = Distribution.read(Path("pyproject.toml"))
PLUGINS = [Distribution.read(path) for path in sorted(Path("plugins").glob("*/pyproject.toml"))]
EVERYTHING = [HOST, *PLUGINS]

_built: dict[str, str] = {}


def wheel(session: nox.Session, distribution: Distribution) -> str:
    """Build the wheel of a distribution, once per run of nox; returns its path."""
    if distribution.name not in _built:
        target = Path(session.cache_dir, "wheels", distribution.name).resolve()
        for old in target.glob("*.whl"):
            old.unlink()
        build_wheels(session, target, distribution)
        (path,) = target.glob("*.whl")
        _built[distribution.name] = str(path)
    return _built[distribution.name]


def build_wheels(session: nox.Session, target: Path, *distributions: Distribution) -> None:
    """Build wheels into the folder `target`, each in an environment of its own."""
    folders = [str(distribution.folder) for distribution in distributions]
    session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(target), *folders)


def closure(distribution: Distribution) -> list[Distribution]:
    """A distribution and all of this repository that it declares, directly or not."""
    found = [distribution]
    for current in found:
        needed = (other for other in EVERYTHING if other.name in current.requires)
        found.extend(other for other in needed if other not in found)
    return found


def group(name: str) -> list[str]:
    """The requirements of a dependency group of the root pyproject.toml."""
    return list(nox.project.dependency_groups(PYPROJECT, name))


def install(session: nox.Session, distributions: list[Distribution], *requirements: str) -> None:
    """Install wheels, as a user would have them, with what they declare and `requirements`."""
    session.install(*(wheel(session, each) for each in distributions), *requirements)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting with ruff."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the host, the plugins, the tests and this file with mypy --strict."""
    install(session, EVERYTHING, *group("test"), *group("types"))
    packages = [str(path) for plugin in PLUGINS for path in plugin.folder.glob("hookbus_*")]
    bases = os.pathsep.join(["host", *(str(plugin.folder) for plugin in PLUGINS)])
    command = ("mypy", "--strict", "host/hookbus", *packages, "tests", "noxfile.py")
    session.run(*command, env={"MYPYPATH": bases})


@nox.session(python=nox.project.python_versions(PYPROJECT))
def tests(session: nox.Session) -> None:
    """Run the tests against the installed wheels; arguments after `--` go to pytest."""
    install(session, EVERYTHING, *group("test"), *group("reference"))
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
@nox.parametrize("distribution", [nox.param(each, id=each.folder.name) for each in PLUGINS])
def plugin(session: nox.Session, distribution: Distribution) -> None:
    """Test one plugin with nothing installed but what it declares."""
    install(session, closure(distribution), *group("test"))
    session.run("pip", "check", silent=True)
    session.run("python", "-c", IMPORT_ENTRY_POINTS, distribution.name, log=False)
    folder = f"tests/plugins/{distribution.folder.name}"
    session.run("pytest", "-n", "auto", folder, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Run the examples of the documentation and check what it links to."""
    install(session, EVERYTHING, *group("test"))
    session.run("pytest", "-n", "auto", "tests/repo", "-k", "docs", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the bus beside other ways to do it; `nox -s bench -- --quick` is a short look."""
    requirements = ("-r", "tests/benchmarks/requirements.txt")
    install(session, EVERYTHING, *group("reference"), *requirements)
    session.run("python", "tests/benchmarks", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Show in full that durable delivery survives faults; `-- --only NAME` shows one of them."""
    install(session, EVERYTHING, *group("test"))
    session.run("python", "-m", "tests.faults", "--full", *session.posargs)


@nox.session
def wheels(session: nox.Session) -> None:
    """Build the wheels of the host and of every plugin into dist/."""
    build_wheels(session, Path("dist"), *EVERYTHING)
