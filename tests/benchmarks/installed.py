"""Which plugins a host imports when most of those that are installed are disabled."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .startup import HOOKBUS

INSTALLED = 30
ENABLED = 5

CLOCK = """[clock]
mode = "simulated"
start = 2026-01-01T00:00:00Z
end = 2026-01-01T00:00:01Z
"""

MODULE = '''"""A plugin that leaves a mark when it is imported."""

from pathlib import Path

from hookbus import Plugin

Path(__file__).with_suffix(".imported").touch()


class Marked(Plugin):
    """Does nothing."""

    name = "{name}"
'''


@dataclass(frozen=True)
class Row:
    """How many of the enabled and of the disabled plugins a run has imported."""

    installed: int
    enabled: int
    enabled_imported: int
    disabled_imported: int
    verdict: str


def run_installed(say: Callable[[str], None]) -> list[Row]:
    """Run a host once with plugins that exist for this purpose only."""
    say(f"start-up: {INSTALLED} plugins, {INSTALLED - ENABLED} of them disabled")
    with tempfile.TemporaryDirectory() as folder:
        return [_run(Path(folder))]


def _run(folder: Path) -> Row:
    names = [f"bench-{number:02}" for number in range(INSTALLED)]
    for name in names:
        _install(folder, name)
    disabled = "".join(f"[plugins.{name}]\nenabled = false\n" for name in names[ENABLED:])
    config = folder / "hookbus.toml"
    config.write_text(CLOCK + disabled)
    command = (HOOKBUS[0], "run", str(config))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True)
    imported = {path.stem for path in folder.glob("*.imported")}
    marks = [_module(name) in imported for name in names]
    complaint = "; ".join(done.stderr.splitlines()[-1:])
    verdict = f"FAILED ({done.returncode}): {complaint}" if done.returncode else "ok"
    return Row(INSTALLED, ENABLED, sum(marks[:ENABLED]), sum(marks[ENABLED:]), verdict)


def _install(folder: Path, name: str) -> None:
    """Put a module and the metadata of its distribution where Python finds them."""
    module = _module(name)
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (folder / f"{module}.py").write_text(MODULE.format(name=name))
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\nRequires-Dist: hookbus>=0.1,<1\n"
    )
    (metadata / "entry_points.txt").write_text(f"[hookbus.plugins]\n{name} = {module}:Marked\n")


def _module(name: str) -> str:
    return "marked_" + name.replace("-", "_")
