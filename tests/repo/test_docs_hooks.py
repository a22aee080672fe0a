"""docs/hooks.md describes every hook of the host, as it is."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hookbus import Plugin, PluginContext, hookspecs

from tests.repo.pages import Page
from tests.repo.tree import ROOT

PAGE = Page(ROOT / "docs" / "hooks.md")
HOOKS: dict[str, Callable[..., Any]] = {
    name: function
    for name, function in vars(hookspecs).items()
    if name.startswith("hookbus_") and inspect.isfunction(function)
}


def section(name: str) -> str:
    """What the page says about a hook: from its heading to the next one."""
    found = re.search(rf"^### `{name}\((.*?)\)`\n(.*?)(?=^##|\Z)", PAGE.text, re.M | re.S)
    return found.group(0) if found else ""


@pytest.mark.parametrize("name", HOOKS)
def test_docs_hooks_have_their_signature_as_heading(name: str) -> None:
    """A hook that is added or changed must be described."""
    parameters = ", ".join(inspect.signature(HOOKS[name]).parameters)
    assert f"### `{name}({parameters})`" in PAGE.text, f"docs/hooks.md: describe {name}"


@pytest.mark.parametrize("name", HOOKS)
def test_docs_hooks_say_when_what_and_how(name: str) -> None:
    """Each section has the time of the call, every parameter, caveats and a tested example."""
    text = section(name)
    assert "**When:**" in text
    assert "**Caveats:**" in text
    for parameter in inspect.signature(HOOKS[name]).parameters:
        assert f"\n- `{parameter}`: " in text, f"docs/hooks.md: describe {parameter} of {name}"
    example = [block for block in PAGE.blocks("python") if block.text in text]
    assert len(example) == 1
    assert example[0].is_excerpt
    assert f"def {name}(" in example[0].text


def test_docs_hooks_describe_no_hook_that_is_gone() -> None:
    """A hook that is removed disappears from the page."""
    assert set(re.findall(r"^### `(\w+)\(", PAGE.text, re.M)) == set(HOOKS)


@pytest.mark.parametrize(
    ("cls", "heading"), [(Plugin, "## The class"), (PluginContext, "## The context")]
)
def test_docs_hooks_describe_every_attribute(cls: type, heading: str) -> None:
    """What a plugin declares, and what it is given, is in the tables of the page."""
    table = PAGE.text.partition(f"{heading}\n")[2].partition("\n## ")[0]
    described = set(re.findall(r"`(\w+)", table))
    internal = {"base", "queues", "sources", "tasks"}
    assert {name for name in _attributes(cls) if name not in described | internal} == set()


def _attributes(cls: type) -> set[str]:
    given = set(inspect.signature(cls).parameters) if cls is PluginContext else set()
    hidden = {"settings", "state_folder", "services", "redact", "on_task_failure"}
    public = {name for name in {*vars(cls), *given} if not name.startswith("_")}
    return public - hidden


def test_docs_example_plugins_pass_their_tests() -> None:
    """The examples are tested as their authors would test them, conformance suite included."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "docs/examples"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
