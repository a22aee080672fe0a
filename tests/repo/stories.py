"""Running what a page of the documentation shows, from top to bottom, in one folder.

- A block with a title is a file: it is written, or, when the title begins with `docs/examples/`,
  it must be an excerpt of that file.
- A `console` block is a list of commands, each after `$ `, with what they print; a line of three
  dots (`…`) stands for any lines, dots within a line for anything. Times of day and speeds may
  differ.
- A `python` block without a title runs with `context`, the context of a plugin that is
  started in a host on simulated time; it may `await`. Blocks of one page share their names.
- `pip install` asks no index: `-e FOLDER` makes the distribution in that folder importable, with
  its entry points, and anything else is taken to be there already.
- A block with the word `shown` after its language is left alone.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from hookbus import Plugin, PluginContext, hookimpl
from hookbus.settings.config import make_config

from tests.repo.pages import EXAMPLES, Block, Page
from tests.repo.tree import ROOT

SECONDS = 120
"""How long one command may take."""


class Example(Plugin):
    """The plugin that the examples of a page run in."""

    name = "example"
    context: PluginContext

    @hookimpl
    async def hookbus_start(self, context: PluginContext) -> None:
        """Keep the context."""
        self.context = context


@dataclass(frozen=True)
class Command:
    """A command of a console block, and what it prints."""

    text: str
    output: str


def excerpt_problem(block: Block) -> str | None:
    """What is wrong with a block that is an excerpt of a file, if anything."""
    source = ROOT / str(block.title)
    if not source.is_file():
        return f"{block.place}: there is no file {block.title}"
    if _flat(block.text) not in _flat(source.read_text(encoding="utf-8")):
        return f"{block.place}: differs from {block.title}; copy it again"
    return None


def _flat(text: str) -> str:
    """Text without indentation and empty lines, so that a method can be shown on its own."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def configuration_problems(block: Block) -> list[str]:
    """What the host says about a TOML block."""
    problems = make_config(tomllib.loads(block.text)).problems
    return [f"{block.place}: {problem}" for problem in problems]


# Commands


def commands(block: Block) -> list[Command]:
    """The commands of a console block."""
    parts = re.split(r"^\$ ", block.text.replace("\\\n", " "), flags=re.MULTILINE)
    if parts[0].strip():
        raise ValueError(f"{block.place}: begins with output, not with a command after '$ '")
    return [Command(*part.split("\n", 1)) for part in parts[1:]]


def steady(text: str) -> str:
    """Printed text without what differs from run to run: durations and times of day."""
    text = re.sub(r"after [\d.]+ s, [\d,]+ events/s", "after 0.00 s, 0 events/s", text)
    text = re.sub(r" +\[100%\]", " [100%]", text)
    text = re.sub(r"passed in [\d.]+s", "passed in 0.00s", text)
    return re.sub(r"(?m)^\d\d:\d\d:\d\d \[", "00:00:00 [", text)


def pattern(output: str) -> re.Pattern[str]:
    """What the printed output must match."""
    lines = [line.rstrip() for line in steady(output).strip("\n").splitlines()]
    parts = ["(?:.*\n)*?" if line == "…" else f"{re.escape(line)}\n" for line in lines]
    return re.compile("".join(parts).replace("…", ".*?"))


class Story:
    """A page that is being followed in an empty folder, which has a copy of the examples."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self._cwd = str(folder)
        self._code = 0
        shutil.copytree(ROOT / EXAMPLES, folder / EXAMPLES)
        tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self._env = {**os.environ, "PATH": tools, "NO_COLOR": "1", "COLUMNS": "120"}
        self._env.pop("FORCE_COLOR", None)

    def follow(self) -> None:
        """Write the files and run the commands in the order of the page."""
        for block in self.page.blocks():
            if block.title and not block.is_excerpt and not block.shown:
                self._write(block)
            elif block.language == "console" and not block.shown:
                self._run_all(block)

    def _write(self, block: Block) -> None:
        path = Path(self._cwd, str(block.title))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def _run_all(self, block: Block) -> None:
        listed = commands(block)
        for command, after in zip(listed, [*listed[1:], None], strict=True):
            printed = self._run(command)
            may_fail = after is not None and after.text == "echo $?"
            assert may_fail or self._code == 0, f"{block.place}: $ {command.text}\n{printed}"
            assert pattern(command.output).fullmatch(printed), (
                f"{block.place}: $ {command.text}\nprints\n{printed}\nnot\n{command.output}"
            )

    def _install(self, command: str) -> None:
        """Do what `pip install -e FOLDER` does for the commands that follow."""
        _, editable, target = command.partition(" -e ")
        if not editable:
            return
        folder = Path(self._cwd, target.strip("'\"").partition("[")[0])
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        name, version = project["name"], project["version"]
        info = self.folder / ".site" / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        requirements = [f"Requires-Dist: {line}\n" for line in project["dependencies"]]
        (info / "METADATA").write_text(metadata + "".join(requirements), encoding="utf-8")
        points = [
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in found.items())
            for group, found in project["entry-points"].items()
        ]
        (info / "entry_points.txt").write_text("\n".join(points), encoding="utf-8")
        self._env["PYTHONPATH"] = os.pathsep.join([str(info.parent), str(folder)])

    def _run(self, command: Command) -> str:
        if command.text.startswith("pip install"):
            self._install(command.text)
            return ""
        note = self.folder / ".cwd"
        script = f"(exit {self._code})\n{command.text}\ncode=$?\npwd > '{note}'\nexit $code"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._cwd,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self._cwd, self._code = note.read_text(encoding="utf-8").strip(), done.returncode
        printed = steady(done.stdout)
        return "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())


# Python


async def run_examples(blocks: list[Block], context: PluginContext) -> None:
    """Run Python blocks, one after the other, in one namespace with `context`."""
    with _module(f"docs_{blocks[0].page.stem}") as module:
        module.__dict__["context"] = context
        for block in blocks:
            tree = ast.parse(block.text, block.place)
            ast.increment_lineno(tree, block.line - 1)
            flag = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            code = compile(tree, str(block.page), "exec", flags=flag, dont_inherit=True)
            outcome = eval(code, module.__dict__)
            if inspect.iscoroutine(outcome):
                await outcome


@contextmanager
def _module(name: str) -> Iterator[ModuleType]:
    """A module that classes of the examples can be found in."""
    module = sys.modules[name] = ModuleType(name)
    try:
        yield module
    finally:
        del sys.modules[name]
