"""Small repositories in which one thing at a time is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.repo.tree import ROOT

HOST_PYPROJECT = """
[project]
name = "hookbus"
version = "0.1.0"
description = "A host for alpha and beta."
readme = "README.md"
license = "MIT"
license-files = ["LICENSE"]
dependencies = ["pluggy>=1.5,<2"]
"""

PLUGIN_PYPROJECT = """
[project]
name = "hookbus-{name}"
version = "0.1.0"
readme = "README.md"
license = "MIT"
license-files = ["LICENSE"]
dependencies = ["hookbus>=0.1,<0.2"]

[project.entry-points."hookbus.plugins"]
{name} = "hookbus_{name}.plugin:{title}Plugin"
"""

PLUGIN_MODULE = """
from hookbus import Plugin


class {title}Plugin(Plugin):
    name = "{name}"
"""


def plant(root: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """A healthy repository with two plugins, alpha and beta, with files changed or (None) removed.

    Returns `root`.
    """
    for name, text in {**_healthy(), **(changes or {})}.items():
        path = root / name
        if text is None:
            path.unlink(missing_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for folder in (root, *(root / "plugins").iterdir()):
        if not (folder / "LICENSE").exists():
            shutil.copy(ROOT / "LICENSE", folder)
    return root


def _healthy() -> dict[str, str | None]:
    files: dict[str, str | None] = {
        "pyproject.toml": HOST_PYPROJECT,
        "README.md": "# hookbus\n",
        "CHANGELOG.md": "## 0.1.0\n",
        "noxfile.py": "",
        "docs/index.md": "# Guide\n",
        ".ci/run": "nox\n",
        "host/hookbus/__init__.py": '__all__ = ["Plugin"]\n',
        "host/hookbus/py.typed": "",
        "host/hookbus/bus/eventbus.py": "import asyncio\n",
        "host/hookbus/scheduler/scheduler.py": "import pluggy\n",
        "host/hookbus/plugins/loader.py": "",
        "host/hookbus/host.py": "from hookbus import bus, loader, scheduler\n",
    }
    for name in ("alpha", "beta"):
        files |= _healthy_plugin(name)
    return files


def _healthy_plugin(name: str) -> dict[str, str | None]:
    words = {"name": name, "title": name.title()}
    package = f"plugins/{name}/hookbus_{name}"
    return {
        f"plugins/{name}/pyproject.toml": PLUGIN_PYPROJECT.format(**words),
        f"plugins/{name}/README.md": f"# {name}\n",
        f"plugins/{name}/CHANGELOG.md": "## 0.1.0\n",
        f"{package}/__init__.py": "",
        f"{package}/py.typed": "",
        f"{package}/plugin.py": PLUGIN_MODULE.format(**words),
        f"tests/plugins/{name}/test_{name}.py": "",
    }
