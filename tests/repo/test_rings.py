"""Imports point inwards: plugins, vocabulary, host; and the kernel knows nothing of the world."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repo.planting import plant
from tests.repo.rings import problems
from tests.repo.tree import ROOT

ALPHA = "plugins/alpha/hookbus_alpha/extra.py"
KERNEL = "host/hookbus/extra.py"


def test_the_repository_keeps_to_the_rings() -> None:
    """No import of this repository points outwards or sideways."""
    assert problems(ROOT) == []


def test_a_healthy_tree_has_no_problems(tmp_path: Path) -> None:
    """The planted tree is healthy, so that each violation below is the only one."""
    assert problems(plant(tmp_path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import hookbus_beta",
        "from hookbus_beta.plugin import BetaPlugin",
        "def late():\n    import hookbus_beta.settings",
        "if TYPE_CHECKING:\n    from hookbus_beta import events",
        "importlib.import_module('hookbus_beta.plugin')",
    ],
)
def test_a_plugin_that_imports_another_is_found(tmp_path: Path, source: str) -> None:
    """However a plugin imports another one, also late or for types only, it is named."""
    line = source.count("\n") + 1
    found = problems(plant(tmp_path, {ALPHA: source}))
    assert found == [f"{ALPHA}:{line}: imports hookbus_beta, another plugin"]


def test_the_vocabulary_may_be_imported(tmp_path: Path) -> None:
    """The shared vocabulary is the one distribution that plugins may have in common."""
    assert problems(plant(tmp_path, {ALPHA: "from hookbus_trading import Bar"})) == []


def test_a_plugin_that_reaches_behind_the_public_surface_is_found(tmp_path: Path) -> None:
    """A plugin takes only what `hookbus.__all__` names: modules of the host are private to it."""
    source = "from hookbus import Plugin\nfrom hookbus.bus.eventbus import EventBus"
    found = problems(plant(tmp_path, {ALPHA: source}))
    assert found == [f"{ALPHA}:2: hookbus.bus.eventbus.EventBus is not public"]


def test_what_commands_are_written_with_is_for_plugins_and_not_for_the_kernel(
    tmp_path: Path,
) -> None:
    """`hookbus.commands` is public as a whole, and stands above the host."""
    source = "from hookbus.commands import ask"
    assert problems(plant(tmp_path / "plugin", {ALPHA: source})) == []
    found = problems(plant(tmp_path / "kernel", {KERNEL: source}))
    assert found == [f"{KERNEL}:1: imports hookbus.commands.ask from below"]


def test_a_vocabulary_with_behaviour_is_found(tmp_path: Path) -> None:
    """The vocabulary holds types only: it starts no task, thread or process."""
    module = "plugins/trading/hookbus_trading/flow.py"
    pyproject = '[project]\nname = "hookbus-trading"\n'
    changes = {"plugins/trading/pyproject.toml": pyproject, module: "import asyncio"}
    assert problems(plant(tmp_path, changes)) == [
        f"{module}:1: imports asyncio, but a vocabulary only names things"
    ]


@pytest.mark.parametrize(
    "target", ["sqlite3", "aiohttp.web", "urllib.request.urlopen", "http.client", "hookbus_alpha"]
)
def test_a_kernel_that_knows_the_world_is_found(tmp_path: Path, target: str) -> None:
    """The kernel knows no HTTP, no SQL and no plugin, whichever library would bring it."""
    package, _, name = target.rpartition(".")
    source = f"from {package} import {name}" if package else f"import {target}"
    found = problems(plant(tmp_path, {KERNEL: source}))
    assert f"{KERNEL}:1: the kernel imports {target}" in found


def test_a_kernel_import_that_is_not_declared_is_found(tmp_path: Path) -> None:
    """What the host imports stands in its pyproject.toml, or a fresh install breaks."""
    found = problems(plant(tmp_path, {KERNEL: "import pluggy\nimport hypothesis"}))
    assert found == [f"{KERNEL}:2: imports hypothesis, which is not declared"]


def test_a_second_composition_root_is_found(tmp_path: Path) -> None:
    """Only host.py imports all parts of the kernel at run time."""
    source = (
        "from .bus import eventbus\nfrom .scheduler import scheduler\nfrom .plugins import loader"
    )
    found = problems(plant(tmp_path, {KERNEL: source}))
    assert found == [f"{KERNEL}: composes the host, which only host.py may"]


def test_imports_for_types_compose_nothing(tmp_path: Path) -> None:
    """A module may name the types of all parts in its annotations."""
    source = "if TYPE_CHECKING:\n    from . import bus, host, loader, scheduler"
    assert problems(plant(tmp_path, {KERNEL: source})) == []


def test_parts_that_import_one_another_are_found(tmp_path: Path) -> None:
    """A package that needs the one above it is split, so that each can be understood by itself."""
    changes = {
        "host/hookbus/bus/routing.py": "from hookbus.plugins import order",
        "host/hookbus/plugins/order.py": "from hookbus.bus import filters",
    }
    (found,) = problems(plant(tmp_path, changes))
    assert "in a circle" in found
    assert {"bus", "plugins"} <= set(found.split())


def test_an_import_of_the_host_from_below_is_found(tmp_path: Path) -> None:
    """No part of the kernel imports the module that is made of the parts."""
    found = problems(plant(tmp_path, {KERNEL: "from hookbus.host import Host"}))
    assert found == [f"{KERNEL}:1: imports hookbus.host.Host from below"]
