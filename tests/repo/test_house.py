"""The house rules: what lies at the top, how long files are, and what no file may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repo.house import problems
from tests.repo.planting import HOST_PYPROJECT, plant
from tests.repo.tree import ROOT

MODULE = "host/hookbus/extra.py"


def test_the_repository_keeps_the_house_rules() -> None:
    """This repository holds to its own rules."""
    assert problems(ROOT) == []


def test_a_healthy_tree_has_no_problems(tmp_path: Path) -> None:
    """The planted tree is healthy, so that each violation below is the only one."""
    assert problems(plant(tmp_path)) == []


@pytest.mark.parametrize("name", ["setup.py", "scripts/release.sh", "docs.md"])
def test_a_stray_entry_at_the_top_is_found(tmp_path: Path, name: str) -> None:
    """The top folder stays as it was agreed."""
    top = name.partition("/")[0]
    found = problems(plant(tmp_path, {name: "x"}))
    assert found == [f"{top}: does not belong in the top folder"]


@pytest.mark.parametrize("name", [".venv/lib.py", "build/lib.py", "dist/a.whl", ".gitignore"])
def test_what_tools_make_is_ignored(tmp_path: Path, name: str) -> None:
    """Hidden files and what builds leave behind are nobody's to tidy before the tests."""
    assert problems(plant(tmp_path, {name: "\n" * 500})) == []


def test_a_missing_entry_at_the_top_is_found(tmp_path: Path) -> None:
    """Everything that the top folder should hold is there."""
    found = problems(plant(tmp_path, {"docs/index.md": None}))
    assert found == ["docs: is missing from the top folder"]


def test_a_long_file_is_found(tmp_path: Path) -> None:
    """A file of more than 400 lines is to be split by noun."""
    assert problems(plant(tmp_path, {MODULE: "x = 1\n" * 400})) == []
    found = problems(plant(tmp_path, {MODULE: "x = 1\n" * 401}))
    assert found == [f"{MODULE}: 401 lines, more than 400"]


def test_a_long_function_is_found(tmp_path: Path) -> None:
    """A function of more than 50 lines is to be split."""
    source = "async def f():\n" + "    x = 1\n" * 50
    assert problems(plant(tmp_path, {MODULE: source})) == [f"{MODULE}:1: f has 51 lines"]


@pytest.mark.parametrize(
    "text",
    ["/work" + "/shared/data", "/root" + "/.pyenv", "https://pypi" + ".org/simple"],
)
def test_a_private_path_or_host_is_found(tmp_path: Path, text: str) -> None:
    """No file says where it was written or where packages were fetched from."""
    found = problems(plant(tmp_path, {"docs/index.md": f"# Guide\n\nsee {text}\n"}))
    assert len(found) == 1
    assert found[0].startswith("docs/index.md:3: mentions ")


@pytest.mark.parametrize("text", ["~/work/bot", "how-it-/works", "host/root/x", "example.org"])
def test_ordinary_paths_may_be_mentioned(tmp_path: Path, text: str) -> None:
    """Examples with a reader's own paths are no private paths."""
    assert problems(plant(tmp_path, {"docs/index.md": text})) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("noxfile.py", 'PLUGINS = ["alpha"]'),
        ("noxfile.py", 'session.install("-e", "plugins/alpha")'),
        (".ci/run", "nox -s 'plugin(alpha)'"),
        ("pyproject.toml", HOST_PYPROJECT + '[dependency-groups]\nall = ["hookbus-alpha"]\n'),
        ("pyproject.toml", HOST_PYPROJECT + '[tool.mypy]\nmypy_path = "plugins/alpha"\n'),
    ],
)
def test_a_list_of_plugins_is_found(tmp_path: Path, name: str, text: str) -> None:
    """Adding a plugin edits no shared file, so no shared file may name one."""
    found = problems(plant(tmp_path, {name: text}))
    assert found == [f"{name}: names the plugin alpha"]
